// Fault rules: which calls they match, how often they fire, and a ledger of what fired on what.
// The grammar is one (README, Make it fail), for the admin API and for scenario files alike.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/base/time.h"
#include "state/catalog/catalog.h"
#include "state/lifecycle/effect.h"
#include "state/store/sqlite.h"
#include "state/store/store.h"

namespace cvm {

// What a rule may name, besides the catalogue: known to the layers above.
struct FaultNames {
  const Catalog& catalog;
  std::vector<std::string_view> actions;
  std::function<bool(std::string_view code)> is_code;
  std::function<bool(std::string_view action, std::string_view parameter)> has_parameter;
  std::function<bool(std::string_view action)> begins_operation;
  std::vector<std::string> states;  // Of all kinds of resources.
  // The uin of a SecretId or uin; throws ConfigError for one that cannot call.
  std::function<std::string(const std::string&)> account;
};

struct FaultRule {
  std::string id;
  Json match, when, effects;  // As given; `effects` is always a list.

  std::vector<std::string> actions, regions, zones, types, resources, states;
  std::string account;  // Uin; empty: every one.
  Json params;
  std::int64_t skip = 0;
  std::optional<std::int64_t> times;
  double probability = 1;
  // Simulated time: of accounts with a clock of their own by uin, of all others under "".
  std::map<std::string, Time, std::less<>> expires;
  std::vector<Effect> steps;

  std::int64_t matched = 0;          // Calls that `match` holds for.
  std::int64_t used = 0;             // How often it came to act; chooses the effect in the list.
  std::int64_t fired = 0;            // How often it acted with an effect other than `none`.
  std::deque<std::string> requests;  // The last ones it fired on.
  bool counted = false;              // Since its counters were saved.

  bool spent() const { return times && used >= *times; }
  const Effect& next() const;
};

// A call as rules see it.
struct FaultCall {
  std::string_view action, request_id;
  std::string_view region;  // As sent: actions without one may name it, too.
  const Json& params;
  const Store& store;  // Bound to the caller's account and region.
  Time now;            // Simulated.
};

// What came of the rules for one call.
struct FaultDecision {
  Effect effect;
  Milliseconds delay{};
  std::vector<std::string> rules;  // Ids of those that fired.
};

class Faults {
 public:
  // Adds a rule, or replaces the one of the same id. Throws ConfigError with the reason if the rule
  // is none, or can never have an effect. `now` is what the clocks say, as in FaultRule::expires.
  const FaultRule& add(const Json& rule, const FaultNames& names,
                       const std::map<std::string, Time, std::less<>>& now);

  bool erase(std::string_view id);
  void clear(const std::string& account);  // Those of one account; all if it is empty.
  bool empty() const { return rules_.empty(); }
  const std::vector<FaultRule>& rules() const { return rules_; }
  const FaultRule* find(std::string_view id) const;

  // The limit a `throttle` rule puts on the call; counts it. Nothing: the documented one.
  std::optional<std::int64_t> throttle(const FaultCall& call, std::uint64_t seed,
                                       FaultDecision& decision);
  // Asks the other rules, in order: delays add up, the first other effect decides.
  void evaluate(const FaultCall& call, std::uint64_t seed, FaultDecision& decision);

  static Json shown(const FaultRule& rule);
  Json dump() const;
  void load(const Json& saved, const FaultNames& names);  // Throws ConfigError.

  // In the state file: all rules; the counters of those that calls have changed since; back, as
  // load() takes it.
  void save(Database& database);
  void save_counts(Database& database);
  static Json saved(Database& database);

 private:
  void put(FaultRule rule);

  std::vector<FaultRule> rules_;
  std::uint64_t numbered_ = 0;
};

// Reads one rule of the grammar. Throws ConfigError.
FaultRule read_fault(const Json& rule, const FaultNames& names);

// Whether every member of `part` is in `whole` with the same value; each element of a list must be
// found, in order, among the elements of the other.
bool is_part(const Json& part, const Json& whole);

}  // namespace cvm
