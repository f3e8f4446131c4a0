// What exists, for one account and region. All SQL about resources is in store.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "state/base/ids.h"
#include "state/base/json.h"
#include "state/base/time.h"
#include "state/store/kinds.h"
#include "state/store/sqlite.h"

namespace cvm {

struct Tenant {
  std::string account;  // Uin
  std::string region;
};

// One thing that exists. `doc` is what the API shows, `hidden` what it does not.
struct Resource {
  const Kind* kind = nullptr;
  std::int64_t rid = 0;
  std::int64_t part = 0;  // Its partition.
  std::string id;
  Json doc;
  Json hidden;
  // (attribute, value) as stored, to write only what changed.
  std::vector<std::pair<int, std::string>> stored;
};

// A filter's values are alternatives; several filters must all hold.
struct Filter {
  std::string attribute;
  std::vector<std::string> values;
};

struct Query {
  std::optional<std::vector<std::string>> ids;
  std::vector<Filter> filters;
  std::int64_t offset = 0;
  std::int64_t limit = 100;
  // Members to show; all of them, as stored, if empty.
  std::vector<std::string_view> members;
};

struct Page {
  std::int64_t total = 0;
  std::vector<std::string> ids;
  std::string texts;  // Documents as stored, never parsed, separated by commas.
};

class Store {
 public:
  Store(Database& database, std::uint64_t seed, Tenant tenant)
      : database_(database), seed_(seed), tenant_(std::move(tenant)) {}

  const Tenant& tenant() const { return tenant_; }

  // The account's next numbers. Undone with the savepoint, like everything else here.
  RandomStream random_stream();

  // Gives it an id from `random`, which is set in the document, too.
  Resource create(const Kind& kind, RandomStream& random, Json doc, Json hidden = Json::object());
  // One that was exported, under its own id.
  void restore(const Kind& kind, std::string_view id, const Json& doc, const Json& hidden);
  std::optional<Resource> find(const Kind& kind, std::string_view id) const;
  Resource get(const Kind& kind, std::string_view id) const;  // Throws Error `not_found`.
  Page page(const Kind& kind, const Query& query) const;      // Newest first.
  std::int64_t count(const Kind& kind) const;
  bool any(const Kind& kind, std::string_view attribute, std::string_view value) const;
  // Documents, now and afterwards, of what an operation under way gives another `member`.
  std::vector<std::pair<Json, Json>> becoming(const Kind& kind, std::string_view member) const;
  void save(Resource& resource);
  void erase(const Resource& resource);  // And everything that was to happen to it.

  // In whichever account and region it is; for transitions and the admin API.
  static std::optional<std::pair<Tenant, const Kind*>> locate(Database& database,
                                                              std::string_view id);
  // How many there are of each kind, in all accounts.
  static std::vector<std::pair<std::string, std::int64_t>> totals(Database& database);
  // Every account and region that has some of the kind, in order.
  static std::vector<Tenant> tenants(Database& database, const Kind& kind);
  // Rebuilds the attributes if the file was written by a version with other kinds.
  static void upgrade(Database& database);

 private:
  void insert(Resource& resource);
  std::int64_t part(const Kind& kind, bool make) const;  // 0: nothing of this kind yet.

  Database& database_;
  std::uint64_t seed_;
  Tenant tenant_;
};

}  // namespace cvm
