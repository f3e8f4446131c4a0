// The steps of state/steps.h come true: begun by actions or timers, ended when they are due.
#pragma once

#include <optional>
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
  // Up to when everything that falls due is being applied.
  Time horizon = time_begin;
};

class Lifecycle;

// A step that a resource can take now, and has not begun.
class Operation {
 public:
  Operation(Lifecycle& lifecycle, const Step& step, Resource& resource)
      : lifecycle_(&lifecycle), step_(&step), resource_(&resource) {}

  // When it ends, `patch` is merged into the document, and what it has under `hidden` into what the
  // API does not show. Its `plan` is a list of {"at", "step", "patch"}: what timers begin later on.
  void begin(const Json& patch = Json::object());
  const Resource& resource() const { return *resource_; }

 private:
  Lifecycle* lifecycle_;
  const Step* step_;
  Resource* resource_;
};

// The steps as one call sees them: bound to its account, time and action.
class Lifecycle {
 public:
  Lifecycle(Store& store, const Steps& steps, Cause cause)
      : store_(store), steps_(steps), cause_(cause) {}

  // Makes a resource that is not there yet while the step lasts.
  Resource create(std::string_view step, std::string_view kind, RandomStream& random, Json doc,
                  Json hidden = Json::object());

  // The same in another region of the account.
  Resource create_in(Store& there, std::string_view step, std::string_view kind,
                     RandomStream& random, Json doc, Json hidden = Json::object());

  // A step of a resource that exists, to be begun once all else is checked. Throws if the
  // resource's state is not one the step takes, or it has an operation under way: the code that
  // the action documents for the state, else one that its kind has for such cases.
  Operation prepare(std::string_view step, Resource& resource);
  // The same where there is nothing else to check.
  void begin(std::string_view step, Resource& resource, const Json& patch = Json::object()) {
    prepare(step, resource).begin(patch);
  }

  // Begins the step at a later time, whatever the resource does then. Never, if that is where time
  // ends: a timer that sets itself anew would go round there for ever.
  void begin_at(Time due, std::string_view step, const Resource& resource,
                const Json& patch = Json::object());
  bool planned(std::string_view step, const Resource& resource) const;
  // When the operation under way ends. Nothing: there is none, or it never does.
  std::optional<Time> due(const Resource& resource) const;

  // What a step does to a resource when it is over.
  void finish(const Step& step, Resource& resource, const Json& patch);

  // What is under way ends at once, and the document tells how: "FAILED" and why. The caller saves.
  void end_operations(Resource& resource, const std::string& how, const std::string& message);

  // A timer's turn: the step begins whatever the resource is doing.
  void force(const Step& step, Resource& resource);
  // A quiet step begins and ends; what was under way has failed if the state is another now. If the
  // state does not take it, it waits for the end of what is under way.
  void pass_quietly(const Step& step, Resource& resource, const Json& patch);

  // Resources that the call shows: the `auto` clock jumps once an operation has been seen.
  void show(const std::vector<std::string>& ids) {
    shown_.insert(shown_.end(), ids.begin(), ids.end());
  }
  const std::vector<std::string>& shown() const { return shown_; }

  // What began in this call.
  std::vector<StateChange>& changes() { return changes_; }

 private:
  friend class Operation;
  enum class Row { timer, operation, outcome };  // As in schema.sql.

  [[noreturn]] void refuse(const Kind& kind, const std::string& id, const std::string& state,
                           bool busy, bool takes) const;
  void begin(const Step& step, Resource& resource, const Json& patch);
  void enter(const Step& step, const Kind& kind, Json& doc) const;
  bool is_instant(const Step& step) const;
  void finish_now(const Step& step, Resource& resource, const Json& patch);
  void settle(const Step& step, Resource& resource, const Json& patch);
  void drop_operations(const Resource& resource);
  void cancel(std::string_view step, const Resource& resource);
  void set_timers(const Step& step, Resource& resource);
  void finish_later(const Step& step, const Resource& resource, const Json& patch,
                    const std::string& state_before);
  void end_as_planned(Time due, const Step& step, const Resource& resource, const Json& patch);
  Milliseconds duration(const Step& step);
  void schedule(Time due, Row row, std::string_view step, std::string_view id, const Json& patch);
  Time repeat(const Step& step, const Resource& resource, Time due);
  void note(const Step& step, const Resource& resource, const std::string& from, Time time);

  Store& store_;
  const Steps& steps_;
  Cause cause_;
  std::int64_t begun_ = 0;
  std::vector<Time> repeated_;  // When a step happened again that has not been noted yet.
  std::vector<StateChange> changes_;
  std::vector<std::string> shown_;
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
// Merges an operation's patch into a resource, and returns its `plan`. The JSON comes from us or
// was checked when it was imported.
Json apply(const Json& patch, Resource& resource);

void add_transition(Records& records, const ScheduledTransition& what);

// Applies everything of this account that is due, in order, each at its own time; or so many of it.
// What cannot be applied is dropped, and told as a change whose step is "dropped: " and the reason.
std::vector<StateChange> apply_due(Records& records, const Steps& steps, std::uint64_t seed,
                                   const std::string& account, Time now,
                                   std::int64_t most = INT64_MAX);

}  // namespace cvm
