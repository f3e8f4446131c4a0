// What is sold out or running low, as testers say it (GET/PUT /_cvmsim/capacity). Stock
// is counted for each account and region on its own, so that tests in one server do not buy each
// other's machines; what an account gives back can be bought again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/catalog/catalog.h"
#include "state/store/store.h"

namespace cvm {

// Globs; empty ones match everything.
struct CapacityRule {
  std::string account;  // Uin; empty: every one.
  std::string zone, instance_type, charge_type;
  std::string disk_type;              // The rule is about disks of this type if it is given.
  std::optional<std::int64_t> stock;  // Nothing: unlimited.
  // What was in use when the rule was made, by "uin/region".
  std::map<std::string, std::int64_t> used_before;
};

struct Sku {
  std::string_view zone, instance_type, charge_type;
  std::string_view disk_type = {};  // Empty: the machine itself.
};

class Capacity {
 public:
  // Replaces all rules, or those of the account if one is given. Throws ConfigError.
  void change(const std::string& account, const Json& list, const Catalog& catalog,
              Records& records);
  void forget(const std::string& account);
  // As given: all rules, or those that hold for the account.
  Json shown(const std::string& account) const;

  // The first rule about the goods decides. Nothing: none does.
  std::optional<std::size_t> rule_about(const Sku& sku, const std::string& account) const;
  const std::vector<CapacityRule>& rules() const { return rules_; }

  Json dump() const;
  void load(const Json& saved, const Catalog& catalog);  // Throws ConfigError.

 private:
  std::vector<CapacityRule> rules_;  // Those of single accounts first.
};

// What is left for one account in one region; counts what a rule is about once.
class Stock {
 public:
  Stock(const Capacity& capacity, const Catalog& catalog, const Store& store)
      : capacity_(capacity), catalog_(catalog), store_(store) {}

  std::optional<std::int64_t> left(const Sku& sku);  // Nothing: unlimited.
  // Whether there is nothing to buy in the zone.
  bool sold_out(std::string_view zone);
  bool unlimited() const { return capacity_.rules().empty(); }
  // Whether one rule decides about both, and leaves anything at all: then one can be had for the
  // other, since it gives back what it takes.
  bool exchangeable(const Sku& given, const Sku& taken) const;
  // Whether what decides about the SKU is a rule about all of their zone.
  bool by_zone(const Sku& sku) const;

 private:
  std::optional<std::int64_t> left_by(std::size_t rule);

  const Capacity& capacity_;
  const Catalog& catalog_;
  const Store& store_;
  std::map<std::size_t, std::int64_t> used_;
};

}  // namespace cvm
