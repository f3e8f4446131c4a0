// All that the emulator knows, behind one lock. Owns the store, the clocks, the steps, the faults
// and the catalogue; whoever reads or changes anything mutable holds `mutex` for the whole of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>  // std::lock_guard, for those who lock.
#include <optional>
#include <string>
#include <vector>

#include "state/base/mutex.h"
#include "state/catalog/catalog.h"
#include "state/catalog/fixtures.h"
#include "state/lifecycle/clock.h"
#include "state/lifecycle/events.h"
#include "state/lifecycle/lifecycle.h"
#include "state/settings/capacity.h"
#include "state/settings/credentials.h"
#include "state/settings/faults.h"
#include "state/settings/quotas.h"
#include "state/store/sqlite.h"
#include "state/store/store.h"

namespace cvm {

struct StateOptions {
  std::string path = ":memory:";
  std::optional<std::uint64_t> seed;  // Of a new state; a file keeps its own unless one is given.
  std::string lifecycle = "fast";
  std::string clock;  // Empty: what the file says, else `real`.
  std::string fixtures;
  std::int64_t transitions_max = 20000;  // In one move of a clock: some two seconds of work.
};

// The stored answer to a request with a ClientToken.
struct IdempotencyRecord {
  std::string digest;  // Of the parameters it came with.
  std::string reply;
};

// What testers set, and what counts on: everything that is kept in memory beside the database and
// has to follow it when work is undone.
struct Settings {
  std::uint64_t seed = 0;
  std::uint64_t starts = 0;  // How often this file was opened: no RequestId comes twice.
  std::map<std::string, std::uint64_t, std::less<>> requests;  // RequestIds given out, by account.
  Clock clock;
  std::map<std::string, Clock, std::less<>> own_clocks;  // By uin.
  Steps steps;
  Quotas quotas;
  Capacity capacity;
  Faults faults;
};

class State {
 public:
  // Throws ConfigError. `wall` is wall time.
  State(const StateOptions& options, Time wall);
  ~State();

  // What fault rules may name; reads those that the state file holds. Throws ConfigError.
  void set_fault_names(FaultNames names);

  SpinningMutex mutex;

  Credentials& credentials() { return credentials_; }
  const Catalog& catalog() const { return catalog_; }
  const Kinds& kinds() const { return kinds_; }
  const Fixtures& fixtures() const { return fixtures_; }
  const Quotas& quotas() const { return settings_.quotas; }
  const Capacity& capacity() const { return settings_.capacity; }
  const Faults& faults() const { return settings_.faults; }
  const FaultNames& fault_names() const { return names_.value(); }
  const Steps& steps() const { return settings_.steps; }
  const Events& events() const { return events_; }
  Database& database() const;  // Reading prepares statements, too.
  Records& records() const { return *records_; }
  std::uint64_t seed() const { return settings_.seed; }
  std::int64_t count(std::string_view table) const;
  // How many there are of each kind, in all accounts.
  std::vector<std::pair<std::string, std::int64_t>> totals() const;
  const std::string& path() const;

  // What a call works with, bound to its account and region; what is not committed is undone.
  Store store(const Tenant& tenant) { return {records(), settings_.seed, tenant}; }
  void begin(std::optional<Savepoint>& work) { work.emplace(database()); }
  Lifecycle lifecycle(Store& store, const Cause& cause) { return {store, settings_.steps, cause}; }
  Stock stock(const Store& store) const { return {settings_.capacity, catalog_, store}; }

  // The next RequestId of the account. Not undone by anything but a reset or a restored state.
  std::string next_request_id(const std::string& account);

  // Changes what testers set, and keeps it in the state file, too. All or nothing.
  template <class Change>
  void change_settings(Change change) {
    StateTransaction work(*this);
    change(settings_);
    save_settings();
    work.commit();
  }
  void save_settings();
  // The capacity rules of one account, or all of them if it is empty. Throws ConfigError.
  void change_capacity(const std::string& account, const Json& rules) {
    change_settings(
        [&](Settings& settings) { settings.capacity.change(account, rules, catalog_, records()); });
  }

  // Asks the fault rules about a call. save_faults() then keeps what they counted.
  std::optional<std::int64_t> throttle(const FaultCall& call, FaultDecision& decision);
  void evaluate(const FaultCall& call, FaultDecision& decision);
  void save_faults();

  // Simulated time, as the account has it; the common one for an empty account.
  const Clock& clock(const std::string& account) const;
  Time now(const std::string& account, Time wall) const { return clock(account).now(wall); }

  // What all clocks say: the common one under "", others by uin.
  std::map<std::string, Time, std::less<>> times(Time wall) const;

  // Everything that is due for the account happens, or so much of it: false if there is more. Cheap
  // when nothing is due.
  bool apply_due(const std::string& account, Time wall, std::int64_t most = INT64_MAX);
  void apply_due_all(Time wall);

  void record(std::vector<StateChange> changes) { events_.add(std::move(changes)); }

  struct Pending {
    std::int64_t operations = 0;
    std::optional<Time> last_operation;
    std::optional<Time> next_due;  // Timers included.
  };
  Pending pending(const std::string& account) const;  // Of all accounts if empty.

  // Moves the clock of an account, which thereby gets its own, or all clocks if `account` is empty.
  // `move` is called for each; what becomes due happens. Throws ConfigError, and then nothing has
  // changed, if time would run backwards for something that exists, or leave the calendar.
  // If more than the option's transitions_max fall due, the clock stops when those have happened,
  // and the move is not complete.
  struct Moved {
    std::vector<StateChange> changes;
    bool complete = true;
  };
  using ClockMove = std::function<void(const std::string& scope, Clock&)>;
  Moved move_clock(const std::string& account, const ClockMove& move, Time wall);

  // Moves on until no operation is under way, in each account; within the same bound.
  Moved advance_until_idle(const std::string& account, Time wall);

  // The `auto` clock: jumps to the end of the next operation of these resources, once they have
  // been shown under way.
  void jump_if_shown(const std::string& account, const std::vector<std::string>& ids, Time wall);

  // What a ClientToken stands for, for a day.
  std::optional<IdempotencyRecord> recall(const Tenant& tenant, std::string_view action,
                                          std::string_view token, Time now);
  void remember(const Tenant& tenant, std::string_view action, std::string_view token,
                const IdempotencyRecord& what, Time now);

  // Puts a resource, which must exist and have states, into one of them; ends its operations.
  struct Forced {
    std::string state, operation_state, error_message;
  };
  StateChange force(std::string_view id, const Forced& to, Time wall);
  // Of the resource that has the id, whoever owns it; nullptr: there is none.
  const Kind* kind_of(std::string_view id) const;

  // The account's next numbers come after those it has drawn, even if the work is undone.
  std::int64_t counter(const std::string& account) const;
  void set_counter(const std::string& account, std::int64_t counter);

  // Back to how it started, without what scenarios made.
  void reset(Time wall);
  // The same for one account: its resources, clock, faults, capacity, quotas, counters.
  void reset(const std::string& account);

  // Everything but credentials as one JSON document of stable order, and back. load() checks all of
  // it, and asks `check` about each resource's document and what is hidden with it. Throws
  // ConfigError; then nothing changed.
  using DocumentCheck = std::function<void(const Kind&, const Json& doc, const Json& hidden)>;
  std::string dump() const;
  void load(const Json& saved, const DocumentCheck& check);

  // Which scenarios the state went through: names that the server chooses.
  Json scenarios() const;
  void set_scenarios(const Json& names);

  // Work on the whole state, undone in memory and database unless commit() is called.
  class StateTransaction {
   public:
    explicit StateTransaction(State& state);
    StateTransaction(const StateTransaction&) = delete;
    StateTransaction& operator=(const StateTransaction&) = delete;
    ~StateTransaction();
    void commit();

   private:
    State& state_;
    Settings settings_;
    std::vector<Credential> credentials_;
    std::uint64_t events_;
    Savepoint work_;
    bool committed_ = false;
  };

 private:
  void open(const StateOptions& options, Time wall);
  void load_kept(const StateOptions& options, bool fresh, Time wall);
  void save_clock(const std::string& account);
  bool keeps_faults() const;
  // A scope is what shares a clock: an account with its own, or (empty) all the others.
  Clock& clock_of(const std::string& scope);
  std::vector<std::string> scopes(const std::string& account) const;
  std::vector<std::string> waiting_in(const std::string& scope) const;
  std::vector<StateChange> apply_due_account(const std::string& account, Time wall);
  std::vector<StateChange> apply_due_scope(const std::string& scope, Time wall);
  Pending pending_in(const std::string& scope) const;
  bool has_resources(const std::string& scope) const;
  void move_scopes(const std::string& account, const ClockMove& move, Time wall, Moved& moved);
  std::optional<Time> due_at(const std::string& scope, Time until, std::int64_t place) const;
  void stop_at_bound(const std::string& scope, Time before, Time wall, Moved& moved);
  void put_token(const Tenant& tenant, std::string_view action, std::string_view token,
                 const IdempotencyRecord& what, Time expires);
  std::vector<Json> dump_accounts() const;
  void load_settings(const Json& saved);
  void load_accounts(const Json& saved);
  void load_resources(const Json& saved, const DocumentCheck& check);
  void load_transitions(const Json& saved, const DocumentCheck& check);
  void load_tokens(const Json& saved);

  Fixtures fixtures_;
  Catalog catalog_;
  Kinds kinds_;
  std::optional<FaultNames> names_;
  Credentials credentials_;
  std::unique_ptr<Records> records_;
  Settings settings_;
  Settings start_;  // As it is in a new state.
  std::string start_clock_;
  std::int64_t transitions_max_;
  Events events_;
};

}  // namespace cvm
