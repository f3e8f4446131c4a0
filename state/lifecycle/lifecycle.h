// The steps of state/steps.h come true: begun by actions or timers, ended when they are due.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/lifecycle/effect.h"
#include "state/lifecycle/events.h"
#include "state/lifecycle/steps.h"
#include "state/store/store.h"

namespace cvm {

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
  // the code that the action documents for the state; else, if it is busy,
  // OperationDenied.InstanceOperationInProgress or MutexOperation.TaskRunning, whichever the page
  // has; else InvalidInstance.NotSupported.
  void require(std::string_view step, const Resource& resource) const;

  // Makes a resource that is not there yet while the step lasts.
  Resource create(std::string_view step, const Kind& kind, RandomStream& random, Json doc,
                  Json hidden);

  // Begins a step of a resource that exists. When it ends, `patch` is merged into the document, and
  // what it has under `hidden` into what the API does not show. Its `plan` is a list of {"at",
  // "step", "patch"}: what timers begin later on.
  void begin(std::string_view step, Resource& resource, const Json& patch = Json::object());

  // Begins the step at a later time, whatever the resource does then.
  void begin_at(Time due, std::string_view step, const Resource& resource,
                const Json& patch = Json::object());
  bool planned(std::string_view step, const Resource& resource) const;

  // Whether an operation under way is going to give somebody in this region the private address,
  // in this subnet or (if it is empty) in any.
  bool promised(std::string_view private_ip, std::string_view subnet_id = {}) const;

  // What a step does when it is over.
  void finish(const Step& step, Resource& resource, const Json& patch);

  // A timer's turn: the step begins whatever the resource is doing.
  void force(const Step& step, Resource& resource);
  // A quiet step begins and ends; what was under way has failed if the state is another now. If the
  // state does not take it, it waits for the end of what is under way.
  void pass_quietly(const Step& step, Resource& resource, const Json& patch);

  // What began in this call.
  std::vector<StateChange>& changes() { return changes_; }

 private:
  enum class Row { timer, operation, outcome };  // As in schema.sql.

  void enter(const Step& step, const Kind& kind, Json& doc) const;
  void drop_operations(const Resource& resource);
  void cancel(std::string_view step, const Resource& resource);
  void set_timers(const Step& step, Resource& resource);
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
  std::vector<StateChange> changes_;
};

// What will happen, as in schema.sql.
struct ScheduledTransition {
  std::string account;
  Time due;
  std::string id;
  std::int64_t operation = 1;  // 0: a timer; 2: an operation that ends as the patch alone says.
  std::string step;
  std::string request_id;
  std::string patch;
};
// Merges an operation's patch into a resource, and returns its `plan`.
Json apply(const Json& patch, Resource& resource);

void add_transition(Database& database, const ScheduledTransition& what);

// Applies everything of this account that is due, in order, each at its own time.
std::vector<StateChange> apply_due(Database& database, const Steps& steps, std::uint64_t seed,
                                   const std::string& account, Time now);

}  // namespace cvm
