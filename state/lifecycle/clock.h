// Simulated time: how it runs, and where it stands. Never asks the system; wall time is
// handed in.
#pragma once

#include <string>
#include <string_view>

#include "state/base/json.h"
#include "state/base/time.h"

namespace cvm {

class Clock {
 public:
  enum class Mode { real, frozen, automatic, scaled };

  // `real`, `frozen`, `auto` or `xN` (N times as fast, N > 0, fractions allowed). Frozen time
  // starts at a fixed date, so that the same calls give the same bytes. Throws ConfigError.
  static Clock parse(std::string_view setting, Time wall);

  // What dump() wrote. A clock that ran goes on as if it had never stopped.
  static Clock load(const Json& saved);
  Json dump() const;

  Time now(Time wall) const;  // It stops at the end of simulated time.
  // Stands at `now` and goes on in its mode. Throws ConfigError if that is no simulated time.
  void set(Time now, Time wall);
  // Takes the other clock's mode and goes on from where this one stands.
  void change_mode(const Clock& other, Time wall);

  Mode mode() const { return mode_; }
  std::string mode_name() const;
  double rate() const { return mode_ == Mode::frozen ? 0.0 : rate_; }

 private:
  Mode mode_ = Mode::real;
  double rate_ = 1.0;
  Time base_{};  // Simulated time when the machine's was `wall_`.
  Time wall_{};
};

}  // namespace cvm
