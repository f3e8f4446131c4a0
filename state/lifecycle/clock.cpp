// A clock is a line: where it stood when wall time was something, and how fast it runs.
#include "state/lifecycle/clock.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "state/base/fields.h"

namespace cvm {

namespace {

constexpr double rate_max = 1e6;
// Where frozen time starts: 2026-01-01T00:00:00Z.
constexpr Time frozen_start{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

}  // namespace

Clock Clock::parse(std::string_view setting, Time wall) {
  Clock clock;
  clock.base_ = clock.wall_ = wall;
  if (setting == "real") return clock;
  if (setting == "auto") {
    clock.mode_ = Mode::automatic;
    return clock;
  }
  if (setting == "frozen") {
    clock.mode_ = Mode::frozen;
    clock.base_ = frozen_start;
    return clock;
  }
  double rate = 0;
  const char* end = setting.data() + setting.size();
  if (setting.starts_with('x')) {
    const auto [stop, failure] = std::from_chars(setting.data() + 1, end, rate);
    if (failure == std::errc{} && stop == end && std::isfinite(rate) && rate > 0 &&
        rate <= rate_max) {
      clock.mode_ = Mode::scaled;
      clock.rate_ = rate;
      return clock;
    }
  }
  throw ConfigError{"clock: `" + std::string(setting) +
                    "` is none of real, frozen, auto, xN (N above 0, at most 1000000)"};
}

Time Clock::now(Time wall) const {
  if (mode_ == Mode::frozen) return base_;
  auto passed = wall - wall_;
  if (rate_ != 1.0) {
    constexpr auto most = static_cast<double>((time_end - time_begin).count());
    const double scaled = static_cast<double>(passed.count()) * rate_;
    passed = Milliseconds{std::llround(std::clamp(scaled, -most, most))};
  }
  return std::clamp(base_ + passed, time_begin, time_end);
}

void Clock::set(Time now, Time wall) {
  if (now < time_begin || now > time_end) {
    throw ConfigError{"clock: simulated time goes from " + iso8601(time_begin) + " to " +
                      iso8601(time_end)};
  }
  base_ = now;
  wall_ = wall;
}

void Clock::change_mode(const Clock& other, Time wall) {
  set(now(wall), wall);
  mode_ = other.mode_;
  rate_ = other.rate_;
}

std::string Clock::mode_name() const {
  switch (mode_) {
    case Mode::real:
      return "real";
    case Mode::frozen:
      return "frozen";
    case Mode::automatic:
      return "auto";
    case Mode::scaled:
      break;
  }
  return "x" +
         Json(rate_ == std::floor(rate_) ? Json(static_cast<std::int64_t>(rate_)) : Json(rate_))
             .dump();
}

Json Clock::dump() const {
  return {{"mode", mode_name()},
          {"base_ms", base_.time_since_epoch().count()},
          // A frozen clock does not depend on the machine's: the same state gives the same bytes.
          {"machine_ms", mode_ == Mode::frozen ? 0 : wall_.time_since_epoch().count()}};
}

Clock Clock::load(const Json& saved) {
  exactly(saved, {"mode", "base_ms", "machine_ms"});
  Clock clock = parse(saved.at("mode").get<std::string>(), Time{});
  clock.set(time_member(saved, "base_ms"), time_member(saved, "machine_ms"));
  return clock;
}

}  // namespace cvm
