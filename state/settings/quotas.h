// How many of each thing an account may have in a region: the documented numbers
// (fixtures/quotas.json), and what testers changed of them.
#pragma once

#include <cstdint>
#include <string>

#include "state/base/json.h"
#include "state/catalog/catalog.h"
#include "state/catalog/fixtures.h"
#include "state/store/store.h"

namespace cvm {

class Quotas {
 public:
  explicit Quotas(const Fixtures& fixtures);  // Throws ConfigError.

  // Throws std::logic_error for a name that fixtures/quotas.json does not have.
  std::int64_t get(const Tenant& tenant, const std::string& name) const;

  // {"ap-guangzhou": {"instances": 5}, "*": {…}}: as it is for the account, or for all if empty.
  Json shown(const std::string& account) const;

  // Changes what it names, all or nothing. Throws ConfigError for unknown regions and names.
  void change(const std::string& account, const Json& quotas, const Catalog& catalog);
  void forget(const std::string& account) { changed_.erase(account); }

  Json dump() const { return changed_; }
  void load(const Json& saved, const Catalog& catalog);  // Throws ConfigError.

 private:
  void check(const Json& quotas) const;

  Json documented_;
  Json changed_ = Json::object();  // By account; "" for all.
};

}  // namespace cvm
