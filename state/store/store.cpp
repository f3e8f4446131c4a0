// All SQL about resources: documents, the index of their attributes, pages.
#include "state/store/store.h"

#include <algorithm>

#include "state/base/error.h"
#include "state/store/attributes.h"

namespace cvm {

namespace {

int attribute_number(const Kind& kind, std::string_view name) {
  for (std::size_t i = 0; i < kind.attributes.size(); ++i) {
    if (kind.attributes[i].name == name) return static_cast<int>(i);
  }
  throw std::logic_error("kind " + std::string(kind.name) + " has no attribute " +
                         std::string(name));
}

void write_attributes(Database& database, std::int64_t part, std::int64_t rid,
                      const AttributeValues& before, const AttributeValues& after) {
  for (const auto& value : before) {
    if (std::binary_search(after.begin(), after.end(), value)) continue;
    database.prepare("delete from attribute where part=? and name=? and value=? and rid=?")
        .bind(part)
        .bind(value.first)
        .bind(value.second)
        .bind(rid)
        .run();
  }
  for (const auto& value : after) {
    if (std::binary_search(before.begin(), before.end(), value)) continue;
    database.prepare("insert into attribute (part, name, value, rid) values (?,?,?,?)")
        .bind(part)
        .bind(value.first)
        .bind(value.second)
        .bind(rid)
        .run();
  }
}

std::string question_marks(std::size_t count) {
  std::string marks = "(";
  for (std::size_t i = 0; i < count; ++i) marks += i == 0 ? "?" : ",?";
  return marks + ")";
}

// The `from … where …` of a query and what to bind to it, in order.
struct Selection {
  const Kind& kind;
  std::int64_t part;
  std::vector<const Filter*> filters;  // The one that leaves least comes first.
  const std::optional<std::vector<std::string>>& ids;

  // Counting does not touch the documents. A single value walks the index in the order of the
  // page; several values have to be collected and sorted.
  std::string sql(bool documents) const {
    std::string text = " from ";
    if (filters.empty()) {
      text += "resource r where r.part=?";
    } else {
      const bool single = filters.front()->values.size() == 1;
      const std::string chosen =
          "part=? and name=? and value in " + question_marks(filters.front()->values.size());
      text +=
          single ? "attribute a" : "(select distinct rid from attribute where " + chosen + ") a";
      if (documents || ids) text += " join resource r on r.rid=a.rid";
      text += single ? " where a.part=? and a.name=? and a.value=?" : " where true";
      for (std::size_t i = 1; i < filters.size(); ++i) {
        text +=
            " and exists (select 1 from attribute b where b.part=? and b.name=? and b.value in " +
            question_marks(filters[i]->values.size()) + " and b.rid=a.rid)";
      }
    }
    if (ids) text += " and r.id in " + question_marks(ids->size());
    return text;
  }

  void bind(Statement& statement) const {
    if (filters.empty()) statement.bind(part);
    for (const Filter* filter : filters) {
      statement.bind(part).bind(attribute_number(kind, filter->attribute));
      for (const std::string& value : filter->values) statement.bind(value);
    }
    if (ids) {
      for (const std::string& id : *ids) statement.bind(id);
    }
  }
};

// How many rows a filter leaves, counted no further than it matters for choosing.
std::int64_t estimate(Database& database, const Kind& kind, std::int64_t part,
                      const Filter& filter) {
  Statement statement = database.prepare(
      "select count(*) from (select 1 from attribute where part=? and name=? and value in " +
      question_marks(filter.values.size()) + " limit 200)");
  statement.bind(part).bind(attribute_number(kind, filter.attribute));
  for (const std::string& value : filter.values) statement.bind(value);
  statement.step();
  return statement.integer(0);
}

}  // namespace

RandomStream Store::random_stream() {
  database_
      .prepare(
          "insert into account (account, counter) values (?, 1)"
          " on conflict (account) do update set counter = counter + 1")
      .bind(tenant_.account)
      .run();
  Statement counter = database_.prepare("select counter from account where account=?");
  counter.bind(tenant_.account).step();
  return {seed_, tenant_.account, static_cast<std::uint64_t>(counter.integer(0))};
}

std::int64_t Store::part(const Kind& kind, bool make) const {
  {
    Statement found =
        database_.prepare("select part from partition where kind=? and account=? and region=?");
    found.bind(kind.name).bind(tenant_.account).bind(tenant_.region);
    if (found.step()) return found.integer(0);
  }
  if (!make) return 0;
  database_.prepare("insert into partition (kind, account, region) values (?,?,?)")
      .bind(kind.name)
      .bind(tenant_.account)
      .bind(tenant_.region)
      .run();
  return database_.last_id();
}

Resource Store::create(const Kind& kind, RandomStream& random, Json doc, Json hidden) {
  Resource made{&kind,
                0,
                part(kind, true),
                random.id(std::string(kind.id_prefix) + "-"),
                std::move(doc),
                std::move(hidden),
                {}};
  while (locate(database_, made.id)) made.id = random.id(std::string(kind.id_prefix) + "-");
  made.doc[std::string(kind.id_member)] = made.id;
  insert(made);
  return made;
}

void Store::restore(const Kind& kind, std::string_view id, const Json& doc, const Json& hidden) {
  Resource made{&kind, 0, part(kind, true), std::string(id), doc, hidden, {}};
  insert(made);
}

void Store::insert(Resource& made) {
  const std::string doc = made.doc.dump(), hidden = made.hidden.dump();
  database_.prepare("insert into resource (part, id, doc, hidden) values (?,?,?,?)")
      .bind(made.part)
      .bind(made.id)
      .bind(doc)
      .bind(hidden)
      .run();
  made.rid = database_.last_id();
  made.stored = attributes_of(*made.kind, made.doc);
  write_attributes(database_, made.part, made.rid, {}, made.stored);
}

std::optional<Resource> Store::find(const Kind& kind, std::string_view id) const {
  Statement found = database_.prepare(
      "select r.rid, r.part, r.doc, r.hidden from resource r join partition p on p.part=r.part"
      " where r.id=? and p.kind=? and p.account=? and p.region=?");
  found.bind(id).bind(kind.name).bind(tenant_.account).bind(tenant_.region);
  if (!found.step()) return std::nullopt;
  Resource resource{&kind,
                    found.integer(0),
                    found.integer(1),
                    std::string(id),
                    Json::parse(found.text(2)),
                    Json::parse(found.text(3)),
                    {}};
  resource.stored = attributes_of(kind, resource.doc);
  return resource;
}

Resource Store::get(const Kind& kind, std::string_view id) const {
  auto found = find(kind, id);
  if (!found) {
    throw Error{std::string(kind.not_found), std::string(kind.id_member), std::string(id), {}};
  }
  return std::move(*found);
}

Page Store::page(const Kind& kind, const Query& query) const {
  Page page;
  const std::int64_t in = part(kind, false);
  if (in == 0 || (query.ids && query.ids->empty())) return page;
  Selection selection{kind, in, {}, query.ids};
  for (const Filter& filter : query.filters) selection.filters.push_back(&filter);
  if (selection.filters.size() > 1) {
    std::vector<std::pair<std::int64_t, const Filter*>> sized;
    for (const Filter* filter : selection.filters) {
      sized.emplace_back(estimate(database_, kind, in, *filter), filter);
    }
    std::stable_sort(sized.begin(), sized.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < sized.size(); ++i) selection.filters[i] = sized[i].second;
  }
  if (query.filters.empty() && !query.ids) {
    page.total = count(kind);
  } else {
    Statement counted = database_.prepare("select count(*)" + selection.sql(false));
    selection.bind(counted);
    counted.step();
    page.total = counted.integer(0);
  }
  if (query.offset >= page.total) return page;
  std::string shown = "r.doc";
  if (!query.members.empty()) {
    shown = "json_object(";
    for (const std::string_view member : query.members) {
      shown.append(shown.back() == '(' ? "'" : ",'").append(member);
      shown.append("',r.doc->'$.").append(member).append("'");
    }
    shown += ")";
  }
  const std::string order = query.filters.empty() ? "r.rid" : "a.rid";
  Statement rows = database_.prepare("select r.id, " + shown + selection.sql(true) + " order by " +
                                     order + " desc limit ? offset ?");
  selection.bind(rows);
  rows.bind(query.limit).bind(query.offset);
  while (rows.step()) {
    page.ids.emplace_back(rows.text(0));
    const std::string_view text = rows.text(1);
    if (page.texts.empty()) {
      // The others will be about as long.
      const auto expected = static_cast<std::size_t>(std::min(query.limit, page.total));
      page.texts.reserve(expected * (text.size() + 64));
    } else {
      page.texts += ',';
    }
    page.texts += text;
  }
  return page;
}

std::int64_t Store::count(const Kind& kind) const {
  Statement found =
      database_.prepare("select n from partition where kind=? and account=? and region=?");
  found.bind(kind.name).bind(tenant_.account).bind(tenant_.region);
  return found.step() ? found.integer(0) : 0;
}

bool Store::any(const Kind& kind, std::string_view attribute, std::string_view value) const {
  Statement found =
      database_.prepare("select 1 from attribute where part=? and name=? and value=? limit 1");
  found.bind(part(kind, false)).bind(attribute_number(kind, attribute)).bind(value);
  return found.step();
}

std::vector<std::pair<Json, Json>> Store::becoming(const Kind& kind,
                                                   std::string_view member) const {
  const std::string place = "$." + std::string(member);  // Bound, not copied.
  Statement rows = database_.prepare(
      "select r.doc, t.patch from transition t join resource r on r.id=t.id"
      " where t.account=? and t.operation=1 and r.part=? and json_extract(t.patch, ?) is not null");
  rows.bind(tenant_.account).bind(part(kind, false)).bind(place);
  std::vector<std::pair<Json, Json>> documents;
  while (rows.step()) {
    const Json now = Json::parse(rows.text(0));
    documents.emplace_back(now, now);
    documents.back().second.update(Json::parse(rows.text(1)), true);
  }
  return documents;
}

void Store::save(Resource& resource) {
  AttributeValues values = attributes_of(*resource.kind, resource.doc);
  write_attributes(database_, resource.part, resource.rid, resource.stored, values);
  resource.stored = std::move(values);
  const std::string doc = resource.doc.dump(), hidden = resource.hidden.dump();
  database_.prepare("update resource set doc=?, hidden=? where rid=?")
      .bind(doc)
      .bind(hidden)
      .bind(resource.rid)
      .run();
}

void Store::erase(const Resource& resource) {
  write_attributes(database_, resource.part, resource.rid, resource.stored, {});
  database_.prepare("delete from resource where rid=?").bind(resource.rid).run();
  database_.prepare("delete from transition where id=?").bind(resource.id).run();
}

std::optional<std::pair<Tenant, const Kind*>> Store::locate(Database& database,
                                                            std::string_view id) {
  Statement found = database.prepare(
      "select p.account, p.region, p.kind from resource r join partition p on p.part=r.part"
      " where r.id=?");
  if (!found.bind(id).step()) return std::nullopt;
  return std::pair(Tenant{std::string(found.text(0)), std::string(found.text(1))},
                   find_kind(found.text(2)));
}

std::vector<std::pair<std::string, std::int64_t>> Store::totals(Database& database) {
  std::vector<std::pair<std::string, std::int64_t>> totals;
  for (const Kind* kind : all_kinds()) {
    Statement sum = database.prepare("select coalesce(sum(n), 0) from partition where kind=?");
    sum.bind(kind->name).step();
    totals.emplace_back(kind->name, sum.integer(0));
  }
  return totals;
}

std::vector<Tenant> Store::tenants(Database& database, const Kind& kind) {
  Statement found = database.prepare(
      "select account, region from partition where kind=? and n>0 order by account, region");
  found.bind(kind.name);
  std::vector<Tenant> tenants;
  while (found.step()) tenants.push_back({std::string(found.text(0)), std::string(found.text(1))});
  return tenants;
}

void Store::upgrade(Database& database) {
  std::string current;
  for (const Kind* kind : all_kinds()) {
    current.append(kind->name).append(":");
    for (const Attribute& attribute : kind->attributes) {
      current.append(attribute.name).append("=").append(attribute.path).append(";");
    }
  }
  {
    Statement known = database.prepare("select value from meta where key='attributes'");
    if (known.step() && known.text(0) == current) return;
  }
  Savepoint work(database);
  database.execute("delete from attribute");
  Statement rows = database.prepare(
      "select r.rid, r.part, p.kind, r.doc from resource r join partition p on p.part=r.part");
  while (rows.step()) {
    const Kind* kind = find_kind(rows.text(2));
    if (kind == nullptr) continue;
    write_attributes(database, rows.integer(1), rows.integer(0), {},
                     attributes_of(*kind, Json::parse(rows.text(3))));
  }
  database.prepare("insert or replace into meta (key, value) values ('attributes', ?)")
      .bind(current)
      .run();
  work.commit();
}

}  // namespace cvm
