// Documents made, found, shown in pages, changed, gone.
#include "state/store/store.h"

#include <algorithm>
#include <tuple>

#include "state/base/error.h"
#include "state/base/parse_json.h"
#include "state/store/records.h"
#include "state/store/selection.h"

namespace cvm {

namespace {

// As a reader of `member` finds it in JSON; SQLite picks it out of the stored text.
std::string shown(const std::vector<std::string_view>& members) {
  std::string object = "json_object(";
  for (const std::string_view member : members) {
    object.append(object.back() == '(' ? "'" : ",'").append(member);
    object.append("',doc->'$.").append(member).append("'");
  }
  return object + ")";
}

std::int64_t sum_of(std::string_view doc, std::string_view hidden) {
  return static_cast<std::int64_t>(checksum(doc, hidden));
}

}  // namespace

const Kinds& Store::kinds() const { return records_.kinds; }

RandomStream Store::random_stream() {
  records_.database
      .prepare(
          "insert into account (account, counter) values (?, 1)"
          " on conflict (account) do update set counter = counter + 1")
      .bind(tenant_.account)
      .run();
  Statement counter = records_.database.prepare("select counter from account where account=?");
  counter.bind(tenant_.account).step();
  return {seed_, tenant_.account, static_cast<std::uint64_t>(counter.integer(0))};
}

const Partition* Store::partition(std::string_view kind) const {
  return records_.index.partition(kind, tenant_.account, tenant_.region);
}

std::int64_t Store::make_partition(std::string_view kind) {
  if (const Partition* found = partition(kind)) return found->number;
  records_.database.prepare("insert into partition (kind, account, region) values (?,?,?)")
      .bind(kind)
      .bind(tenant_.account)
      .bind(tenant_.region)
      .run();
  const std::int64_t number = records_.database.last_id();
  records_.index.add_partition(number, kind, tenant_.account, tenant_.region);
  return number;
}

Resource Store::create(std::string_view name, RandomStream& random, Json doc, Json hidden) {
  Resource made = draft(name, random, std::move(doc), std::move(hidden));
  insert(made);
  return made;
}

Resource Store::draft(std::string_view name, RandomStream& random, Json doc, Json hidden) {
  const Kind& kind = this->kind(name);
  Resource made{
      &kind, 0, make_partition(name), kind.new_id(random), std::move(doc), std::move(hidden)};
  while (records_.index.with_id(made.id)) made.id = kind.new_id(random);
  made.doc[kind.id_member] = made.id;
  return made;
}

void Store::restore(std::string_view kind, std::string_view id, const Json& doc,
                    const Json& hidden) {
  Resource made{&this->kind(kind), 0, make_partition(kind), std::string(id), doc, hidden};
  insert(made);
}

void Store::insert(Resource& made) {
  std::string doc = made.doc.dump();
  const std::string hidden = made.hidden.dump();
  Database& database = records_.database;
  database.prepare("insert into resource (part, id, sum, doc, hidden) values (?,?,?,?,?)")
      .bind(made.part)
      .bind(made.id)
      .bind(sum_of(doc, hidden))
      .bind(doc)
      .bind(hidden)
      .run();
  made.rid = database.last_id();
  const Keys keys = keys_of(*made.kind, made.part, made.id, made.doc);
  database.prepare("insert into keys (rid, part, keys) values (?,?,?)")
      .bind(made.rid)
      .bind(made.part)
      .bind_blob(bytes_of(keys))
      .run();
  records_.index.add(made.part, made.rid, keys);
  records_.texts_.write(static_cast<Rid>(made.rid), {made.id, std::move(doc)});
}

std::optional<Resource> Store::read(const Kind& kind, Rid rid) const {
  Statement row =
      records_.database.prepare("select part, id, sum, doc, hidden from resource where rid=?");
  if (!row.bind(rid).step()) return std::nullopt;
  require_whole(row.text(1), row.integer(2), row.text(3), row.text(4));
  return Resource{&kind,
                  rid,
                  row.integer(0),
                  std::string(row.text(1)),
                  stored_json(row.text(3)),
                  stored_json(row.text(4))};
}

std::optional<Resource> Store::find(std::string_view kind, std::string_view id) const {
  const Partition* in = partition(kind);
  const auto rid = records_.index.with_id(id);
  if (in == nullptr || !rid || !in->all.contains(*rid)) return std::nullopt;
  return read(this->kind(kind), *rid);
}

Resource Store::get(std::string_view kind, std::string_view id) const {
  auto found = find(kind, id);
  if (!found) {
    const Kind& wanted = this->kind(kind);
    throw Error{wanted.missing, wanted.id_member, std::string(id), {}};
  }
  return std::move(*found);
}

Page Store::page(std::string_view name, const Query& query) const {
  const Kind& kind = this->kind(name);
  Page page;
  const Partition* in = partition(name);
  if (in == nullptr) return page;
  const Selection selection(records_.index, kind, *in, query);
  page.total = selection.total();
  const std::vector<Rid> rids = selection.page(query.offset, query.limit);
  const std::string members = query.members.empty() ? "" : shown(query.members);
  const auto add = [&](std::string_view text) {
    // The others will be about as long.
    if (page.texts.empty()) page.texts.reserve(rids.size() * (text.size() + 64));
    if (!page.texts.empty()) page.texts += ',';
    page.texts += text;
  };
  for (const Rid rid : rids) {
    const StoredText& text = records_.text(rid);
    page.ids.push_back(text.id);
    if (members.empty()) {
      add(text.doc);
      continue;
    }
    Statement row = records_.database.prepare("select " + members + " from resource where rid=?");
    row.bind(rid).step();
    add(row.text(0));
  }
  return page;
}

std::int64_t Store::count(std::string_view kind) const {
  const Partition* in = partition(kind);
  return in == nullptr ? 0 : static_cast<std::int64_t>(in->all.cardinality());
}

void Store::save(Resource& resource) {
  Database& database = records_.database;
  Keys before;
  {
    Statement row = database.prepare("select keys from keys where rid=?");
    row.bind(resource.rid).step();
    before = keys_from(row.blob(0));
  }
  const Keys after = keys_of(*resource.kind, resource.part, resource.id, resource.doc);
  if (after != before) {
    records_.index.change(resource.rid, before, after);
    database.prepare("update keys set keys=? where rid=?")
        .bind_blob(bytes_of(after))
        .bind(resource.rid)
        .run();
  }
  std::string doc = resource.doc.dump();
  const std::string hidden = resource.hidden.dump();
  database.prepare("update resource set sum=?, doc=?, hidden=? where rid=?")
      .bind(sum_of(doc, hidden))
      .bind(doc)
      .bind(hidden)
      .bind(resource.rid)
      .run();
  records_.texts_.write(static_cast<Rid>(resource.rid), {resource.id, std::move(doc)});
}

void Store::erase(const Resource& resource) {
  Database& database = records_.database;
  {
    Statement row = database.prepare("select keys from keys where rid=?");
    row.bind(resource.rid).step();
    records_.index.erase(resource.part, resource.rid, keys_from(row.blob(0)));
  }
  records_.texts_.drop(static_cast<Rid>(resource.rid));
  for (const char* sql : {"delete from access_grant where rid=?",
                          "delete from resource where rid=?", "delete from keys where rid=?"})
    database.prepare(sql).bind(resource.rid).run();
  database.prepare("delete from transition where id=?").bind(resource.id).run();
}

std::optional<std::pair<Tenant, const Kind*>> Store::locate(Records& records, std::string_view id) {
  const auto rid = records.index.with_id(id);
  if (!rid) return std::nullopt;
  Statement row = records.database.prepare("select part from resource where rid=?");
  if (!row.bind(*rid).step()) return std::nullopt;
  const Partition& in = records.index.partitions().at(row.integer(0));
  return std::pair(Tenant{in.account, in.region}, records.kinds.find(in.kind));
}

std::vector<std::pair<std::string, std::int64_t>> Store::totals(const Records& records) {
  std::vector<std::pair<std::string, std::int64_t>> totals;
  for (const auto& kind : records.kinds.all()) {
    if (kind->id_member.empty()) continue;
    std::int64_t sum = 0;
    for (const auto& [number, in] : records.index.partitions()) {
      if (in.kind == kind->name) sum += static_cast<std::int64_t>(in.all.cardinality());
    }
    totals.emplace_back(kind->name, sum);
  }
  return totals;
}

std::vector<Tenant> Store::tenants(const Records& records, std::string_view kind) {
  std::vector<Tenant> tenants;
  for (const auto& [number, in] : records.index.partitions()) {
    if (in.kind == kind && !in.all.isEmpty()) tenants.push_back({in.account, in.region});
  }
  std::sort(tenants.begin(), tenants.end(), [](const Tenant& a, const Tenant& b) {
    return std::tie(a.account, a.region) < std::tie(b.account, b.region);
  });
  return tenants;
}

}  // namespace cvm
