// What exists, for one account and region.
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
};

class Records;
struct Partition;

// A filter's values are alternatives; several filters must all hold.
struct Filter {
  std::string attribute;
  std::vector<std::string> values;
};

struct Query {
  std::optional<std::vector<std::string>> ids;
  std::vector<Filter> filters;
  bool pending = false;  // Values that operations under way are going to give count, too.
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

// Who has a value: those whose document has it, the newest first, and those that an operation under
// way is going to give it.
struct References {
  std::vector<std::string> ids, pending;
  std::int64_t count() const { return static_cast<std::int64_t>(ids.size() + pending.size()); }
};

class Store {
 public:
  Store(Records& records, std::uint64_t seed, Tenant tenant)
      : records_(records), seed_(seed), tenant_(std::move(tenant)) {}

  const Tenant& tenant() const { return tenant_; }
  Records& records() const { return records_; }
  const Kinds& kinds() const;
  const Kind& kind(std::string_view name) const { return kinds().get(name); }
  // What the same account has in another region.
  Store in_region(std::string region) const {
    return {records_, seed_, {tenant_.account, std::move(region)}};
  }

  // The account's next numbers. Undone with the savepoint, like everything else here.
  RandomStream random_stream();
  // A stream that depends on the seed and its name alone.
  RandomStream named_stream(std::string_view name) const { return {seed_, name, 0}; }

  // Gives it an id from `random`, which is set in the document, too.
  Resource create(std::string_view kind, RandomStream& random, Json doc,
                  Json hidden = Json::object());
  // The same in two steps: it has its id, and exists once it is inserted.
  Resource draft(std::string_view kind, RandomStream& random, Json doc, Json hidden);
  void insert(Resource& resource);
  // One that was exported, under its own id.
  void restore(std::string_view kind, std::string_view id, const Json& doc, const Json& hidden);
  std::optional<Resource> find(std::string_view kind, std::string_view id) const;
  Resource get(std::string_view kind, std::string_view id) const;  // Throws Error `missing`.
  Page page(std::string_view kind, const Query& query) const;      // Newest first.
  std::int64_t count(std::string_view kind) const;
  void save(Resource& resource);
  void erase(const Resource& resource);  // And everything that was to happen to it.

  // Who has this value of an attribute, or is going to have it; whether anybody is.
  References referring(std::string_view kind, std::string_view attribute,
                       std::string_view value) const;
  std::int64_t count_referring(std::string_view kind, std::string_view attribute,
                               std::string_view value) const;
  bool taken(std::string_view kind, std::string_view attribute, std::string_view value) const {
    return count_referring(kind, attribute, value) > 0;
  }
  // What a patch will give the resource is kept from others until it is released.
  void reserve(const Resource& resource, const Json& patch);
  void release(const Resource& resource);

  // Lets another account see a resource, or no longer; who may; all of a kind, or the one of that
  // id, that others let this account see in its region; one resource, its own or such a one.
  void grant(const Resource& resource, std::string_view account);
  void revoke(const Resource& resource, std::string_view account);
  std::vector<std::string> grants(const Resource& resource) const;
  std::vector<Resource> granted(std::string_view kind, std::string_view id = {}) const;
  std::optional<Resource> find_visible(std::string_view kind, std::string_view id) const;

  // In whichever account and region it is; for transitions and the admin API.
  static std::optional<std::pair<Tenant, const Kind*>> locate(Records& records,
                                                              std::string_view id);
  // How many there are of each kind, in all accounts.
  static std::vector<std::pair<std::string, std::int64_t>> totals(const Records& records);
  // Every account and region that has some of the kind, in order.
  static std::vector<Tenant> tenants(const Records& records, std::string_view kind);

 private:
  const Partition* partition(std::string_view kind) const;  // Null: nothing of this kind yet.
  std::int64_t make_partition(std::string_view kind);
  std::optional<Resource> read(const Kind& kind, std::uint32_t rid) const;
  std::vector<std::string> ids_of(const Kind& kind, std::string_view attribute,
                                  std::string_view value, bool pending) const;

  Records& records_;
  std::uint64_t seed_;
  Tenant tenant_;
};

}  // namespace cvm
