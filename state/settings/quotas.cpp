// The most special number holds: the account's before everyone's, the region's before `*`.
#include "state/settings/quotas.h"

#include <stdexcept>
#include <utility>

#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::int64_t quota_max = 1'000'000'000;

}  // namespace

Quotas::Quotas(const Fixtures& fixtures) : documented_(fixtures.load("quotas.json")) {
  const auto everywhere = documented_.find("*");
  if (everywhere == documented_.end() || !everywhere->is_object()) {
    throw ConfigError{"fixtures: quotas.json: `*` is missing"};
  }
  try {
    check(documented_);
  } catch (const ConfigError& mistake) {
    throw ConfigError{"fixtures: quotas.json: " + mistake.message};
  }
}

std::int64_t Quotas::get(const Tenant& tenant, const std::string& name) const {
  const auto look = [&](const Json& from, const std::string& region) -> const Json* {
    const auto at = from.find(region);
    if (at == from.end()) return nullptr;
    const auto found = at->find(name);
    return found == at->end() ? nullptr : &*found;
  };
  for (const std::string& account : {tenant.account, std::string()}) {
    const auto own = changed_.find(account);
    if (own == changed_.end()) continue;
    for (const std::string& region : {tenant.region, std::string("*")}) {
      if (const Json* found = look(*own, region)) return found->get<std::int64_t>();
    }
  }
  for (const std::string& region : {tenant.region, std::string("*")}) {
    if (const Json* found = look(documented_, region)) return found->get<std::int64_t>();
  }
  throw std::logic_error("no quota " + name);
}

Json Quotas::shown(const std::string& account) const {
  Json all = documented_;
  const auto lay_over = [&](const std::string& of) {
    const auto own = changed_.find(of);
    if (own == changed_.end()) return;
    // A number for every region also replaces those that some regions had.
    if (const auto everywhere = own->find("*"); everywhere != own->end()) {
      for (auto& region : all.items()) {
        for (const auto& quota : everywhere->items()) region.value().erase(quota.key());
      }
    }
    all.merge_patch(*own);
  };
  lay_over("");
  if (!account.empty()) lay_over(account);
  return all;
}

void Quotas::check(const Json& quotas) const {
  if (!quotas.is_object()) throw ConfigError{"quotas: must be an object of regions"};
  for (const auto& region : quotas.items()) {
    if (!region.value().is_object())
      throw ConfigError{"quotas: `" + region.key() + "` must be an object of numbers"};
    for (const auto& quota : region.value().items()) {
      const std::string where = "quotas: " + region.key() + ": `" + quota.key() + "`";
      if (!documented_.at("*").contains(quota.key())) throw ConfigError{where + " is no quota"};
      const Json& number = quota.value();
      if (!number.is_number_integer() || number.get<double>() < 0 ||
          number.get<double>() > static_cast<double>(quota_max)) {
        throw ConfigError{where + " must be an integer from 0 to " + std::to_string(quota_max)};
      }
    }
  }
}

void Quotas::change(const std::string& account, const Json& quotas, const Catalog& catalog) {
  check(quotas);
  for (const auto& region : quotas.items()) {
    if (region.key() != "*" && catalog.region(region.key()) == nullptr)
      throw ConfigError{"quotas: there is no region `" + region.key() + "`"};
  }
  changed_[account].merge_patch(quotas);
}

void Quotas::load(const Json& saved, const Catalog& catalog) {
  if (!saved.is_object()) throw ConfigError{"quotas: must be an object of accounts"};
  const Json before = std::exchange(changed_, Json::object());
  try {
    for (const auto& account : saved.items()) change(account.key(), account.value(), catalog);
  } catch (...) {
    changed_ = before;
    throw;
  }
}

}  // namespace cvm
