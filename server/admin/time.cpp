// Admin calls about time: clocks, the durations of lifecycle steps, and what has changed when.
#include <cmath>

#include "server/admin/admin_call.h"

namespace cvm {

namespace {

constexpr double advance_max_s = 100.0 * 365 * 86400;

Json clock_json(const AdminCall& call) {
  const std::string account = call.account();
  const Clock& clock = call.state().clock(account);
  const State::Pending pending = call.state().pending(account);
  return {{"mode", clock.mode_name()},
          {"now", iso8601(clock.now(call.wall()))},
          {"rate", clock.rate()},
          {"pending", pending.operations},
          {"next_due", pending.next_due ? Json(iso8601(*pending.next_due)) : Json()}};
}

HttpResponse get_clock(AdminCall& call) { return answer(clock_json(call)); }

HttpResponse put_clock(AdminCall& call) {
  apply_clock(call.gateway, call.account(), call.body);
  return answer(clock_json(call));
}

HttpResponse post_advance(AdminCall& call) {
  const std::vector<StateChange> changes = apply_advance(call.gateway, call.account(), call.body);
  Json told = clock_json(call);
  told["transitions"] = Json::array();
  for (const StateChange& change : changes) told["transitions"].push_back(change_json(change));
  return answer(told);
}

HttpResponse get_lifecycle(AdminCall& call) { return answer(call.state().steps().delays()); }

HttpResponse put_lifecycle(AdminCall& call) {
  call.state().change_settings([&](Settings& settings) { settings.steps.change(call.body); });
  return get_lifecycle(call);
}

HttpResponse get_events(AdminCall& call) {
  const std::string account = call.account(), since = call.asked("since");
  const auto time = parse_iso8601_ms(since);
  if (!since.empty() && !time) throw ConfigError{"`since` must be a time, not `" + since + "`"};
  Json events = Json::array();
  for (const StateChange& change : call.state().events().all()) {
    if (!account.empty() && change.account != account) continue;
    if (time && change.time < *time) continue;
    events.push_back(change_json(change));
  }
  return answer({{"events", events},
                 {"total", events.size()},
                 {"complete", call.state().events().complete()}});
}

}  // namespace

void apply_clock(Gateway& gateway, const std::string& account, const Json& given) {
  const Time wall = gateway.wall_time();
  std::optional<Clock> mode;
  std::optional<Time> now;
  if (given.contains("mode")) mode = Clock::parse(text_field(given, "mode", true), wall);
  if (given.contains("rate")) {
    if (!given["rate"].is_number()) throw ConfigError{"`rate` must be a number"};
    mode = Clock::parse("x" + given["rate"].dump(), wall);
  }
  if (given.contains("mode") && given.contains("rate") && mode->mode_name() != given["mode"]) {
    throw ConfigError{"`rate` contradicts `mode`"};
  }
  if (given.contains("now")) now = time_field(given, "now");
  gateway.state().move_clock(
      account,
      [&](const std::string&, Clock& clock) {
        if (mode) clock.change_mode(*mode, wall);
        if (now) clock.set(*now, wall);
      },
      wall);
}

std::vector<StateChange> apply_advance(Gateway& gateway, const std::string& account,
                                       const Json& given) {
  State& state = gateway.state();
  const Time wall = gateway.wall_time();
  if (given.size() != 1) throw ConfigError{"give one of `seconds`, `to`, `until`"};
  if (given.contains("until")) {
    if (given["until"] != "idle") throw ConfigError{"`until` can only be `idle`"};
    return state.advance_until_idle(account, wall);
  }
  if (given.contains("to")) {
    const Time to = time_field(given, "to");
    return state.move_clock(
        account, [&](const std::string&, Clock& clock) { clock.set(to, wall); }, wall);
  }
  const Json& seconds = given.at("seconds");
  if (!seconds.is_number() || seconds.get<double>() < 0 || seconds.get<double>() > advance_max_s) {
    throw ConfigError{"`seconds` must be a number from 0 to a hundred years"};
  }
  const Milliseconds step{std::llround(seconds.get<double>() * 1000)};
  return state.move_clock(
      account, [&](const std::string&, Clock& clock) { clock.set(clock.now(wall) + step, wall); },
      wall);
}

const Routes time_routes = {
    {.method = "GET",
     .path = "clock",
     .function = get_clock,
     .summary = "Simulated time, and what is under way.",
     .query = {"account"}},
    {.method = "PUT",
     .path = "clock",
     .function = put_clock,
     .summary = "Changes mode or time.",
     .query = {"account"},
     .fields = clock_fields},
    {.method = "POST",
     .path = "clock/advance",
     .function = post_advance,
     .summary = "Moves time on by `seconds`, `to` a time, or `until` idle.",
     .query = {"account"},
     .fields = advance_fields},
    {.method = "GET",
     .path = "lifecycle",
     .function = get_lifecycle,
     .summary = "How long each step takes."},
    {.method = "PUT",
     .path = "lifecycle",
     .function = put_lifecycle,
     .summary = "Changes the steps it names.",
     .any_body = true},
    {.method = "GET",
     .path = "events",
     .function = get_events,
     .summary = "Changes of state, oldest first.",
     .query = {"since", "account"}},
};

}  // namespace cvm
