// Who has what, now or soon, and who may see what belongs to somebody else.
#include "state/store/index.h"
#include "state/store/store.h"

namespace cvm {

References Store::referring(std::string_view name, std::string_view attribute,
                            std::string_view value) const {
  const int number = kinds_.get(name).attribute(attribute);
  const std::int64_t in = part(name, false);
  const auto ids = [&](const char* table) {
    Statement rows = database_.prepare("select r.id from " + std::string(table) +
                                       " a join resource r on r.rid=a.rid"
                                       " where a.part=? and a.name=? and a.value=?"
                                       " order by a.rid desc");
    rows.bind(in).bind(number).bind(value);
    std::vector<std::string> found;
    while (rows.step()) found.emplace_back(rows.text(0));
    return found;
  };
  return {ids("attribute"), ids("pending")};
}

bool Store::taken(std::string_view name, std::string_view attribute, std::string_view value) const {
  const int number = kinds_.get(name).attribute(attribute);
  const std::int64_t in = part(name, false);
  for (const char* sql : {"select 1 from attribute where part=? and name=? and value=? limit 1",
                          "select 1 from pending where part=? and name=? and value=? limit 1"}) {
    if (database_.prepare(sql).bind(in).bind(number).bind(value).step()) return true;
  }
  return false;
}

void Store::reserve(const Resource& resource, const Json& patch) {
  write_pending(database_, resource.part, resource.rid,
                reserved_by(*resource.kind, resource.doc, patch));
}

void Store::release(const Resource& resource) {
  database_.prepare("delete from pending where rid=?").bind(resource.rid).run();
}

void Store::grant(const Resource& resource, std::string_view account) {
  database_.prepare("insert or ignore into access_grant (account, rid) values (?,?)")
      .bind(account)
      .bind(resource.rid)
      .run();
}

void Store::revoke(const Resource& resource, std::string_view account) {
  database_.prepare("delete from access_grant where account=? and rid=?")
      .bind(account)
      .bind(resource.rid)
      .run();
}

std::vector<std::string> Store::grants(const Resource& resource) const {
  Statement rows =
      database_.prepare("select account from access_grant where rid=? order by account");
  rows.bind(resource.rid);
  std::vector<std::string> accounts;
  while (rows.step()) accounts.emplace_back(rows.text(0));
  return accounts;
}

std::vector<Resource> Store::granted(std::string_view name, std::string_view id) const {
  const Kind& kind = kinds_.get(name);
  Statement rows = database_.prepare(
      "select r.rid, r.part, r.doc, r.hidden, r.id from access_grant g"
      " join resource r on r.rid=g.rid join partition p on p.part=r.part"
      " where g.account=? and p.kind=? and p.region=? and ?4 in ('', r.id) order by r.rid desc");
  rows.bind(tenant_.account).bind(name).bind(tenant_.region).bind(id);
  std::vector<Resource> found;
  while (rows.step()) found.push_back(read(kind, rows.text(4), rows));
  return found;
}

std::optional<Resource> Store::find_visible(std::string_view name, std::string_view id) const {
  if (auto own = find(name, id)) return own;
  std::vector<Resource> shared = granted(name, id);
  return shared.empty() ? std::nullopt : std::optional(std::move(shared.front()));
}

}  // namespace cvm
