// Who has what, now or soon, and who may see what belongs to somebody else.
#include <algorithm>

#include "state/store/records.h"
#include "state/store/store.h"

namespace cvm {

std::vector<std::string> Store::ids_of(const Kind& kind, std::string_view attribute,
                                       std::string_view value, bool pending) const {
  std::vector<std::string> ids;
  const Partition* in = partition(kind.name);
  if (in == nullptr) return ids;
  Rids found;
  records_.index.collect(value_key(in->number, kind.attribute(attribute), value, pending), found);
  for (const Rid rid : found) {
    Statement row = records_.database.prepare("select id from resource where rid=?");
    row.bind(rid).step();
    ids.emplace_back(row.text(0));
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

References Store::referring(std::string_view name, std::string_view attribute,
                            std::string_view value) const {
  const Kind& kind = this->kind(name);
  return {ids_of(kind, attribute, value, false), ids_of(kind, attribute, value, true)};
}

std::int64_t Store::count_referring(std::string_view name, std::string_view attribute,
                                    std::string_view value) const {
  const int number = kind(name).attribute(attribute);
  const Partition* in = partition(name);
  if (in == nullptr) return 0;
  const Index& index = records_.index;
  return static_cast<std::int64_t>(index.count(value_key(in->number, number, value)) +
                                   index.count(value_key(in->number, number, value, true)));
}

void Store::reserve(const Resource& resource, const Json& patch) {
  records_.index.reserve(resource.rid,
                         pending_keys(*resource.kind, resource.part, resource.doc, patch));
}

void Store::release(const Resource& resource) { records_.index.release(resource.rid); }

void Store::grant(const Resource& resource, std::string_view account) {
  records_.database.prepare("insert or ignore into access_grant (account, rid) values (?,?)")
      .bind(account)
      .bind(resource.rid)
      .run();
}

void Store::revoke(const Resource& resource, std::string_view account) {
  records_.database.prepare("delete from access_grant where account=? and rid=?")
      .bind(account)
      .bind(resource.rid)
      .run();
}

std::vector<std::string> Store::grants(const Resource& resource) const {
  Statement rows =
      records_.database.prepare("select account from access_grant where rid=? order by account");
  rows.bind(resource.rid);
  std::vector<std::string> accounts;
  while (rows.step()) accounts.emplace_back(rows.text(0));
  return accounts;
}

std::vector<Resource> Store::granted(std::string_view name, std::string_view id) const {
  const Kind& kind = this->kind(name);
  Statement rows = records_.database.prepare(
      "select r.rid from access_grant g"
      " join resource r on r.rid=g.rid join partition p on p.part=r.part"
      " where g.account=? and p.kind=? and p.region=? and ?4 in ('', r.id) order by r.rid desc");
  rows.bind(tenant_.account).bind(name).bind(tenant_.region).bind(id);
  std::vector<Resource> found;
  while (rows.step()) found.push_back(read(kind, static_cast<Rid>(rows.integer(0))).value());
  return found;
}

std::optional<Resource> Store::find_visible(std::string_view name, std::string_view id) const {
  if (auto own = find(name, id)) return own;
  std::vector<Resource> shared = granted(name, id);
  return shared.empty() ? std::nullopt : std::optional(std::move(shared.front()));
}

}  // namespace cvm
