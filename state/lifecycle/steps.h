// How resources change state, as data: which states a step takes, what it passes through, where it
// ends and how long it takes (fixtures/lifecycle.json, GET/PUT /_cvmsim/lifecycle).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/base/time.h"
#include "state/catalog/fixtures.h"

namespace cvm {

inline constexpr double delay_max_s = 10.0 * 365 * 86400;

struct Step {
  std::string name;                   // "instance.stop"
  std::vector<std::string> from;      // States it takes; none for steps that create.
  std::string via;                    // State while it lasts; empty: unchanged.
  std::vector<std::string> via_from;  // The states that pass through `via`; empty: all.
  std::string to;                     // State afterwards; empty: the one before.
  std::string failed;                 // State if it fails; empty: the one before.
  Json failed_sets = Json::object();  // What else is true in the state `failed`.
  bool erases = false;                // Afterwards the resource is gone.
  Json sets = Json::object();         // What else is true afterwards, merged into the document.
  std::string timer_action;           // The action in whose name a timer begins it.
  // Only timers begin it; it is over at once, and the LatestOperation members do not tell of it.
  bool quiet = false;
  // When it is over, the timer of another step is set to the time that the document has in
  // `timer_at`, moved by some months first.
  std::string timer, timer_at;
  int timer_months = 0;
  std::vector<std::string> cancels;  // Timers that are off when it is over.
  // Another step that a timer begins instead of this one where the document has these values.
  Json instead_if = Json::object();
  std::string instead;
  bool gives_way(const Json& doc) const;  // Whether that is so.
  // What a timer begins some time after this step has ended.
  std::string then;
  Milliseconds then_after{};
  Milliseconds delay{};
  Milliseconds jitter{};
};

// The table of steps, one for the whole server.
class Steps {
 public:
  // `speed` is instant, fast, realistic, or a file with delays for any subset of the steps (the
  // rest stays fast). Throws ConfigError.
  Steps(const Fixtures& fixtures, const std::string& speed);

  const Step& get(std::string_view name) const;  // Throws std::logic_error.
  bool contains(std::string_view name) const { return steps_.contains(name); }
  Json delays() const;              // {"instance.stop": {"delay_s", "jitter_s"}, …}
  void change(const Json& delays);  // Any subset; all or nothing. Throws ConfigError.

 private:
  std::map<std::string, Step, std::less<>> steps_;
};

}  // namespace cvm
