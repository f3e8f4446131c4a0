// How resources change state, as data: which states a step takes, what it passes through, where it
// ends and how long it takes (fixtures/lifecycle.json, contract: GET/PUT /_cvmsim/lifecycle).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "state/effect.h"
#include "state/events.h"
#include "state/fixtures.h"
#include "state/store.h"

namespace cvm {

struct Step {
  std::string name;               // "instance.stop"
  std::vector<std::string> from;  // States it takes; none for steps that create.
  std::string via;                // State while it lasts; empty: unchanged.
  std::string to;                 // State afterwards; empty: unchanged.
  std::string failed;             // State if it fails; empty: the one before.
  bool erases = false;            // Afterwards the resource is gone.
  Json sets = Json::object();     // What else is true afterwards, merged into the document.
  std::string timer_action;       // The action in whose name a timer begins it.
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

// On whose behalf something changes.
struct Cause {
  std::string_view action;  // "StopInstances"
  std::string_view request_id;
  Time now;
  // The error codes that the action documents, sorted.
  const std::vector<std::string>* documented = nullptr;
  // What a fault makes of the operations that begin.
  const Effect* effect = nullptr;
};

// The steps as one call sees them: bound to its account, time and action.
class Lifecycle {
 public:
  Lifecycle(Database& database, Store& store, const Steps& steps, Cause cause)
      : database_(database), store_(store), steps_(steps), cause_(cause) {}

  // Throws if the resource's state is not one the step takes, or it has an operation under way:
  // the code that the action documents for the state, or
  // OperationDenied.InstanceOperationInProgress.
  void require(std::string_view step, const Resource& resource) const;

  // Makes a resource that is not there yet while the step lasts.
  Resource create(std::string_view step, const Kind& kind, Draw& draw, Json doc, Json hidden);

  // Begins a step of a resource that exists. When it ends, `patch` is merged into the document.
  void begin(std::string_view step, Resource& resource, const Json& patch = Json::object());

  // Begins the step at a later time, whatever the resource does then.
  void begin_at(Time due, std::string_view step, const Resource& resource);

  // A timer's turn: the step begins whatever the resource is doing.
  void force(std::string_view step, Resource& resource);

  // What began in this call.
  std::vector<Change>& changes() { return changes_; }

 private:
  enum class Row { timer, operation, outcome };  // As in schema.sql.

  void enter(const Step& step, const Kind& kind, Json& doc) const;
  void finish_later(const Step& step, const Resource& resource, const Json& patch,
                    const std::string& state_before);
  Milliseconds duration(const Step& step);
  void schedule(Time due, Row row, std::string_view step, std::string_view id, const Json& patch);
  void note(const Step& step, const Resource& resource, const std::string& from);

  Database& database_;
  Store& store_;
  const Steps& steps_;
  Cause cause_;
  std::int64_t begun_ = 0;
  std::vector<Change> changes_;
};

// What will happen, as in schema.sql.
struct Transition {
  std::string account;
  Time due;
  std::string id;
  std::int64_t operation = 1;  // 0: a timer; 2: an operation that ends as the patch alone says.
  std::string step;
  std::string request_id;
  std::string patch;
};
void add_transition(Database& database, const Transition& what);

// Applies everything of this account that is due, in order, each at its own time.
std::vector<Change> settle(Database& database, const Steps& steps, std::uint64_t seed,
                           const std::string& account, Time now);

}  // namespace cvm
