// Admin calls about time: clocks, the durations of lifecycle steps, and what has changed when.
#include "server/admin/admin_call.h"

namespace cvm {

namespace {

constexpr std::size_t transitions_told_max = 10000;

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
  const State::Moved moved = call.control().change_clock(call.account(), call.body);
  Json told = clock_json(call);
  told["complete"] = moved.complete;
  return answer(told);
}

HttpResponse post_advance(AdminCall& call) {
  const State::Moved moved = call.control().advance(call.account(), call.body);
  Json told = clock_json(call);
  told["complete"] = moved.complete;
  told["transitions_total"] = moved.changes.size();
  Json transitions = Json::array();
  for (const StateChange& change : moved.changes) {
    if (transitions.size() == transitions_told_max) break;
    transitions.push_back(change_json(change));
  }
  told["transitions"] = std::move(transitions);
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
