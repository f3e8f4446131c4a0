// All that the emulator knows, behind one lock. Owns the store, the clocks, the steps and the
// catalogue; whoever reads or changes anything mutable holds `mutex` for the whole of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "state/catalog.h"
#include "state/clock.h"
#include "state/credentials.h"
#include "state/fixtures.h"
#include "state/lifecycle.h"
#include "state/sqlite.h"
#include "state/store.h"

namespace cvm {

struct StateOptions {
  std::string path = ":memory:";
  std::optional<std::uint64_t> seed;  // Of a new state; a file keeps its own unless one is given.
  std::string lifecycle = "fast";
  std::string clock;  // Empty: what the file says, else `real`.
  std::string fixtures;
};

// The stored answer to a request with a ClientToken.
struct Remembered {
  std::string digest;  // Of the parameters it came with.
  std::string reply;
};

class State {
 public:
  // Throws ConfigError. `machine` is the machine's time.
  State(const StateOptions& options, Time machine);

  std::mutex mutex;

  Credentials& credentials() { return credentials_; }
  void save_credentials();  // Into the state file, after a change.
  const Catalog& catalog() const { return catalog_; }
  const Fixtures& fixtures() const { return fixtures_; }
  Steps& steps() { return steps_; }
  Database& database() { return database_; }
  std::uint64_t seed() const { return seed_; }

  Store store(const Tenant& tenant) { return {database_, seed_, tenant}; }

  // The next RequestId of the account. Not undone by anything.
  std::string next_request_id(const std::string& account);

  // Simulated time, as the account has it; the common one for an empty account.
  const Clock& clock(const std::string& account) const;
  Time now(const std::string& account, Time machine) const { return clock(account).now(machine); }

  // Everything that is due for the account happens. Cheap when nothing is.
  std::vector<Change> settle(const std::string& account, Time machine);

  struct Pending {
    std::int64_t operations = 0;
    std::optional<Time> next_operation;
    std::optional<Time> next_due;  // Timers included.
  };
  Pending pending(const std::string& account) const;  // Of all accounts if empty.

  // Moves the clock of an account, which thereby gets its own, or all clocks if `account` is empty.
  // `move` is called for each; what becomes due happens. All or nothing: throws ConfigError if time
  // would run backwards for something that exists.
  using ClockMove = std::function<void(const std::string& scope, Clock&)>;
  std::vector<Change> move_clock(const std::string& account, const ClockMove& move, Time machine);
  std::vector<Change> advance_until_idle(const std::string& account, Time machine);
  // `auto`: if one of these resources has an operation under way, time jumps to its end.
  void jump_if_shown(const std::string& account, const std::vector<std::string>& ids, Time machine);

  std::optional<Remembered> recall(const Tenant& tenant, std::string_view action,
                                   std::string_view token, Time now);
  void remember(const Tenant& tenant, std::string_view action, std::string_view token,
                const Remembered& what, Time now);

  // Back to how it started; the clocks too. All or nothing.
  void reset(Time machine);

  std::int64_t quota(const std::string& name) const;
  const Json& prices() const { return prices_; }
  std::int64_t count(std::string_view table) const;

 private:
  void open(const StateOptions& options, Time machine);
  void save_clock(const std::string& account);
  // A scope is what shares a clock: an account with its own, or (empty) all the others.
  Clock& clock_of(const std::string& scope);
  std::vector<std::string> scopes(const std::string& account) const;
  std::vector<std::string> waiting_in(const std::string& scope) const;
  std::vector<Change> settle_scope(const std::string& scope, Time machine);
  Pending pending_in(const std::string& scope) const;
  bool has_resources(const std::string& scope) const;

  Fixtures fixtures_;
  Catalog catalog_;
  Steps steps_;
  Steps start_steps_;
  Json quotas_, prices_;
  Credentials credentials_;
  mutable Database database_;  // Reading prepares statements, too.
  std::uint64_t seed_ = 0;
  std::uint64_t starts_ = 0;  // How often this file was opened: no RequestId comes twice.
  Clock clock_;
  std::string start_clock_;
  std::map<std::string, Clock, std::less<>> own_clocks_;
  std::map<std::string, std::uint64_t, std::less<>> requests_;
};

}  // namespace cvm
