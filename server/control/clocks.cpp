// How testers move simulated time.
#include <cmath>

#include "server/control/control.h"
#include "state/base/fields.h"

namespace cvm {

namespace {

// From the beginning of time to its end.
constexpr std::int64_t advance_max_s = (time_end - time_begin).count() / 1000;

}  // namespace

State::Moved Control::change_clock(const std::string& account, const Json& given) {
  const Time wall = this->wall();
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
  return state_.move_clock(
      account,
      [&](const std::string&, Clock& clock) {
        if (mode) clock.change_mode(*mode, wall);
        if (now) clock.set(*now, wall);
      },
      wall);
}

State::Moved Control::advance(const std::string& account, const Json& given) {
  const Time wall = this->wall();
  if (given.size() != 1) throw ConfigError{"give one of `seconds`, `to`, `until`"};
  if (given.contains("until")) {
    if (given["until"] != "idle") throw ConfigError{"`until` can only be `idle`"};
    return state_.advance_until_idle(account, wall);
  }
  if (given.contains("to")) {
    const Time to = time_field(given, "to");
    return state_.move_clock(
        account, [&](const std::string&, Clock& clock) { clock.set(to, wall); }, wall);
  }
  const Json& seconds = given.at("seconds");
  if (!seconds.is_number() || seconds.get<double>() < 0 ||
      seconds.get<double>() > static_cast<double>(advance_max_s)) {
    throw ConfigError{"`seconds` must be a number from 0 to " + std::to_string(advance_max_s)};
  }
  const Milliseconds step{std::llround(seconds.get<double>() * 1000)};
  return state_.move_clock(
      account, [&](const std::string&, Clock& clock) { clock.set(clock.now(wall) + step, wall); },
      wall);
}

}  // namespace cvm
