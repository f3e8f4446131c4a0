// Used stock is counted from what exists: nothing has to be given back, undone or kept in step.
#include "state/settings/capacity.h"

#include <algorithm>

#include "state/base/fields.h"
#include "state/base/glob.h"

namespace cvm {

namespace {

constexpr std::int64_t stock_max = 1'000'000'000, page_size = 100;
constexpr std::size_t rules_max = 1000;

bool about(const CapacityRule& rule, const Sku& sku) {
  if (rule.disk_type.empty() != sku.disk_type.empty()) return false;
  return matches_if_given(rule.zone, sku.zone) &&
         matches_if_given(rule.instance_type, sku.instance_type) &&
         matches_if_given(rule.charge_type, sku.charge_type) &&
         matches_if_given(rule.disk_type, sku.disk_type);
}

bool is_about_zone(const CapacityRule& rule) {
  return !rule.zone.empty() && rule.instance_type.empty() && rule.charge_type.empty() &&
         rule.disk_type.empty();
}

// The instances in the store's account and region that a rule is about.
Query query_of(const CapacityRule& rule, const Catalog& catalog, const std::string& region) {
  Query query;
  const auto narrow = [&](const char* attribute, const std::string& glob, const auto& things) {
    if (glob.empty() || glob == "*") return;
    Filter filter{attribute, {}};
    for (const auto& thing : things) {
      if (glob_matches(glob, thing.id)) filter.values.push_back(thing.id);
    }
    if (filter.values.empty()) filter.values.emplace_back(glob);
    query.filters.push_back(std::move(filter));
  };
  narrow("zone", rule.zone, catalog.region(region)->zones);
  narrow("instance-type", rule.instance_type, catalog.instance_types());
  // What runs on a dedicated host is paid in a way that no family is sold in: it takes no stock.
  Filter charged{"instance-charge-type", {}};
  for (const Family& family : catalog.families()) {
    for (const std::string& type : family.charge_types) {
      if (matches_if_given(rule.charge_type, type) &&
          std::find(charged.values.begin(), charged.values.end(), type) == charged.values.end()) {
        charged.values.push_back(type);
      }
    }
  }
  query.filters.push_back(std::move(charged));
  return query;
}

std::int64_t disks_in(const std::string& documents, const std::string& glob) {
  std::int64_t count = 0;
  for (const Json& doc : Json::parse("[" + documents + "]")) {
    count += matches_if_given(glob, doc.at("SystemDisk").at("DiskType").get<std::string>()) ? 1 : 0;
    for (const Json& disk : doc.at("DataDisks"))
      count += matches_if_given(glob, disk.at("DiskType").get<std::string>()) ? 1 : 0;
  }
  return count;
}

std::int64_t used(const CapacityRule& rule, const Catalog& catalog, const Store& store) {
  Query query = query_of(rule, catalog, store.tenant().region);
  query.limit = rule.disk_type.empty() ? 1 : page_size;
  // Machines that are about to be of the rule's types are taken already.
  query.pending = rule.disk_type.empty();
  std::int64_t count = 0;
  for (;;) {
    const Page page = store.page("instance", query);
    if (rule.disk_type.empty()) return page.total;
    count += disks_in(page.texts, rule.disk_type);
    query.offset += page_size;
    if (query.offset >= page.total) return count;
  }
}

std::string glob_field(const Json& rule, const char* name, const std::string& where) {
  const auto found = rule.find(name);
  if (found == rule.end() || found->is_null()) return {};
  if (!found->is_string() || found->get<std::string>().empty())
    throw ConfigError{where + "`" + name + "` must be a text"};
  check_glob(found->get_ref<const std::string&>(), where + name + ": ");
  return found->get<std::string>();
}

template <class Things>
bool known(const std::string& glob, const Things& things) {
  return glob.empty() || std::any_of(things.begin(), things.end(), [&](const auto& thing) {
           return glob_matches(glob, thing.id);
         });
}

CapacityRule read_rule(const Json& given, const std::string& where, const Catalog& catalog) {
  only(given, {"zone", "instance_type", "charge_type", "disk_type", "stock"}, where);
  CapacityRule rule;
  rule.zone = glob_field(given, "zone", where);
  rule.instance_type = glob_field(given, "instance_type", where);
  rule.charge_type = glob_field(given, "charge_type", where);
  rule.disk_type = glob_field(given, "disk_type", where);
  const bool zone_known =
      std::any_of(catalog.regions().begin(), catalog.regions().end(),
                  [&](const Region& region) { return known(rule.zone, region.zones); });
  if (!zone_known) throw ConfigError{where + "there is no zone `" + rule.zone + "`"};
  if (!known(rule.instance_type, catalog.instance_types()))
    throw ConfigError{where + "there is no instance type `" + rule.instance_type + "`"};
  const auto offered = [&](const std::string& word, std::vector<std::string> Family::*list) {
    return word.empty() ||
           std::any_of(catalog.families().begin(), catalog.families().end(),
                       [&](const Family& family) {
                         return std::any_of(
                             (family.*list).begin(), (family.*list).end(),
                             [&](const std::string& one) { return glob_matches(word, one); });
                       });
  };
  if (!offered(rule.charge_type, &Family::charge_types))
    throw ConfigError{where + "there is no charge type `" + rule.charge_type + "`"};
  if (!offered(rule.disk_type, &Family::data_disks) &&
      !offered(rule.disk_type, &Family::system_disks))
    throw ConfigError{where + "there is no disk type `" + rule.disk_type + "`"};
  if (!given.contains("stock"))
    throw ConfigError{where + "`stock` is missing: a number, or null for unlimited"};
  const Json& stock = given["stock"];
  if (stock.is_null()) return rule;
  if (!stock.is_number_integer() || stock.get<double>() < 0 ||
      stock.get<double>() > static_cast<double>(stock_max)) {
    throw ConfigError{where + "`stock` must be null or an integer from 0 to " +
                      std::to_string(stock_max) + ", not " + stock.dump()};
  }
  rule.stock = stock.get<std::int64_t>();
  return rule;
}

Json rule_json(const CapacityRule& rule) {
  Json json = Json::object();
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) json[name] = text;
  };
  add("zone", rule.zone);
  add("instance_type", rule.instance_type);
  add("charge_type", rule.charge_type);
  add("disk_type", rule.disk_type);
  json["stock"] = rule.stock ? Json(*rule.stock) : Json();
  return json;
}

std::string place(const Tenant& tenant) { return tenant.account + "/" + tenant.region; }

}  // namespace

void Capacity::change(const std::string& account, const Json& list, const Catalog& catalog,
                      Records& records) {
  if (!list.is_array()) throw ConfigError{"capacity: must be a list of rules"};
  std::vector<CapacityRule> rules;
  for (std::size_t i = 0; i < list.size(); ++i) {
    CapacityRule rule = read_rule(list[i], "capacity[" + std::to_string(i) + "]: ", catalog);
    rule.account = account;
    if (rule.stock.value_or(0) > 0) {
      for (const Tenant& tenant : Store::tenants(records, "instance")) {
        if (!account.empty() && account != tenant.account) continue;
        rule.used_before[place(tenant)] = used(rule, catalog, Store(records, 0, tenant));
      }
    }
    rules.push_back(std::move(rule));
  }
  if (account.empty()) {
    rules_.clear();
  } else {
    forget(account);
  }
  rules_.insert(rules_.begin(), rules.begin(), rules.end());
  if (rules_.size() > rules_max) throw ConfigError{"capacity: there can be 1000 rules at most"};
}

void Capacity::forget(const std::string& account) {
  std::erase_if(rules_, [&](const CapacityRule& rule) { return rule.account == account; });
}

Json Capacity::shown(const std::string& account) const {
  Json list = Json::array();
  for (const CapacityRule& rule : rules_) {
    if (account.empty() || rule.account.empty() || rule.account == account) {
      list.push_back(rule_json(rule));
      if (!rule.account.empty()) list.back()["account"] = rule.account;
    }
  }
  return {{"capacity", list}};
}

std::optional<std::size_t> Capacity::rule_about(const Sku& sku, const std::string& account) const {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const CapacityRule& rule = rules_[i];
    if ((rule.account.empty() || rule.account == account) && about(rule, sku)) return i;
  }
  return std::nullopt;
}

Json Capacity::dump() const {
  Json saved = Json::array();
  for (const CapacityRule& rule : rules_) {
    saved.push_back(
        {{"account", rule.account}, {"rule", rule_json(rule)}, {"used_before", rule.used_before}});
  }
  return saved;
}

void Capacity::load(const Json& saved, const Catalog& catalog) {
  if (!saved.is_array()) throw ConfigError{"it must be a list"};
  std::vector<CapacityRule> rules;
  for (const Json& one : saved) {
    exactly(one, {"account", "rule", "used_before"});
    CapacityRule rule = read_rule(one.at("rule"), "", catalog);
    rule.account = one.at("account").get<std::string>();
    const Json& before = one.at("used_before");
    if (!before.is_object()) throw ConfigError{"`used_before` must be an object of numbers"};
    for (const auto& in : before.items())
      rule.used_before[in.key()] = static_cast<std::int64_t>(natural_member(before, in.key()));
    rules.push_back(std::move(rule));
  }
  if (rules.size() > rules_max) throw ConfigError{"there can be 1000 rules at most"};
  rules_ = std::move(rules);
}

std::optional<std::int64_t> Stock::left_by(std::size_t number) {
  const CapacityRule& rule = capacity_.rules()[number];
  if (!rule.stock || *rule.stock == 0) return rule.stock;
  auto counted = used_.find(number);
  if (counted == used_.end()) counted = used_.emplace(number, used(rule, catalog_, store_)).first;
  const auto before = rule.used_before.find(place(store_.tenant()));
  const std::int64_t taken =
      counted->second - (before == rule.used_before.end() ? 0 : before->second);
  return std::max<std::int64_t>(0, *rule.stock - std::max<std::int64_t>(0, taken));
}

std::optional<std::int64_t> Stock::left(const Sku& sku) {
  const auto rule = capacity_.rule_about(sku, store_.tenant().account);
  return rule ? left_by(*rule) : std::nullopt;
}

bool Stock::exchangeable(const Sku& given, const Sku& taken) const {
  const std::string& account = store_.tenant().account;
  const auto rule = capacity_.rule_about(taken, account);
  return rule && capacity_.rules()[*rule].stock != 0 &&
         rule == capacity_.rule_about(given, account);
}

bool Stock::by_zone(const Sku& sku) const {
  const auto rule = capacity_.rule_about(sku, store_.tenant().account);
  return rule && is_about_zone(capacity_.rules()[*rule]);
}

bool Stock::sold_out(std::string_view zone) {
  for (std::size_t i = 0; i < capacity_.rules().size(); ++i) {
    const CapacityRule& rule = capacity_.rules()[i];
    const bool of_others = !rule.account.empty() && rule.account != store_.tenant().account;
    if (of_others || !rule.disk_type.empty() || !matches_if_given(rule.zone, zone)) continue;
    // Something that an earlier rule leaves can be bought, whatever a rule about all says.
    if (left_by(i) != 0) return false;
    if (is_about_zone(rule)) return true;
  }
  return false;
}

}  // namespace cvm
