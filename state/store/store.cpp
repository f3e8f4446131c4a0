// All SQL about documents: made, found, shown in pages, changed, gone.
#include "state/store/store.h"

#include <algorithm>

#include "state/base/error.h"
#include "state/store/index.h"

namespace cvm {

namespace {

// A list is bound as one JSON text: however long lists are, there are few statements.
constexpr std::string_view in_list = " in (select value from json_each(?))";

std::string list_text(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) {
    // To SQLite's JSON it would end there, and find what it must not.
    if (value.find('\0') == std::string::npos) list.push_back(value);
  }
  return list.dump();
}

// The `from … where …` of a query and what to bind to it, in order.
class Selection {
 public:
  // Of the filters the one that leaves least comes first.
  Selection(const Kind& kind, std::int64_t part, const std::vector<const Filter*>& filters,
            const Query& query)
      : part_(part),
        single_(!query.ids && !query.pending && !filters.empty() &&
                filters.front()->values.size() == 1),
        index_(query.pending ? "(select * from attribute union all select * from pending)"
                             : "attribute") {
    if (query.ids) ids_ = list_text(*query.ids);
    for (const Filter* filter : filters) {
      const bool alone = single_ && filters_.empty();
      filters_.emplace_back(kind.attribute(filter->attribute),
                            alone ? filter->values.front() : list_text(filter->values));
    }
  }

  // Of the resource that it finds.
  std::string rid() const { return ids_ || filters_.empty() ? "r.rid" : "a.rid"; }

  // Counting does not touch the documents. Ids are looked up one by one (the plus keeps SQLite from
  // reading the whole partition instead). A single value walks the index in the order of the page;
  // several values have to be collected and sorted.
  std::string sql(bool documents) const {
    std::string text = " from ";
    std::size_t left = 0;  // The first filter that is still to be asked for each row.
    if (ids_) {
      text.append("resource r where +r.part=? and r.id").append(in_list);
    } else if (filters_.empty()) {
      text += "resource r where r.part=?";
    } else {
      const std::string join = documents ? " join resource r on r.rid=a.rid" : "";
      const std::string chosen = "where part=? and name=? and value";
      text += single_ ? "attribute a" + join + " where a.part=? and a.name=? and a.value=?"
                      : "(select distinct rid from " + index_ + " " + chosen +
                            std::string(in_list) + ") a" + join + " where true";
      left = 1;
    }
    for (std::size_t i = left; i < filters_.size(); ++i) {
      text.append(" and exists (select 1 from " + index_ + " b where b.part=? and b.name=?")
          .append(" and b.value")
          .append(in_list)
          .append(" and b.rid=")
          .append(rid())
          .append(")");
    }
    return text;
  }

  void bind(Statement& statement) const {
    if (ids_ || filters_.empty()) statement.bind(part_);
    if (ids_) statement.bind(*ids_);
    for (const auto& [attribute, text] : filters_) statement.bind(part_).bind(attribute).bind(text);
  }

 private:
  std::int64_t part_;
  bool single_;
  std::string index_;
  std::optional<std::string> ids_;
  std::vector<std::pair<int, std::string>> filters_;
};

// How many rows a filter leaves, counted no further than it matters for choosing.
std::int64_t estimate(Database& database, const Kind& kind, std::int64_t part,
                      const Filter& filter) {
  Statement statement = database.prepare(
      "select count(*) from (select 1 from attribute where part=? and name=? and value" +
      std::string(in_list) + " limit 200)");
  const std::string values = list_text(filter.values);
  statement.bind(part).bind(kind.attribute(filter.attribute)).bind(values).step();
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

std::int64_t Store::part(std::string_view kind, bool make) const {
  {
    Statement found =
        database_.prepare("select part from partition where kind=? and account=? and region=?");
    found.bind(kind).bind(tenant_.account).bind(tenant_.region);
    if (found.step()) return found.integer(0);
  }
  if (!make) return 0;
  database_.prepare("insert into partition (kind, account, region) values (?,?,?)")
      .bind(kind)
      .bind(tenant_.account)
      .bind(tenant_.region)
      .run();
  return database_.last_id();
}

Resource Store::create(std::string_view name, RandomStream& random, Json doc, Json hidden) {
  const Kind& kind = kinds_.get(name);
  Resource made{&kind, 0, part(name, true), kind.new_id(random), std::move(doc), std::move(hidden),
                {}};
  while (locate(database_, kinds_, made.id)) made.id = kind.new_id(random);
  made.doc[kind.id_member] = made.id;
  insert(made);
  return made;
}

void Store::restore(std::string_view kind, std::string_view id, const Json& doc,
                    const Json& hidden) {
  Resource made{&kinds_.get(kind), 0, part(kind, true), std::string(id), doc, hidden, {}};
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

Resource Store::read(const Kind& kind, std::string_view id, const Statement& row) {
  Resource resource{&kind,
                    row.integer(0),
                    row.integer(1),
                    std::string(id),
                    Json::parse(row.text(2)),
                    Json::parse(row.text(3)),
                    {}};
  resource.stored = attributes_of(kind, resource.doc);
  return resource;
}

std::optional<Resource> Store::find(std::string_view kind, std::string_view id) const {
  Statement found = database_.prepare(
      "select r.rid, r.part, r.doc, r.hidden from resource r join partition p on p.part=r.part"
      " where r.id=? and p.kind=? and p.account=? and p.region=?");
  found.bind(id).bind(kind).bind(tenant_.account).bind(tenant_.region);
  if (!found.step()) return std::nullopt;
  return read(kinds_.get(kind), id, found);
}

Resource Store::get(std::string_view kind, std::string_view id) const {
  auto found = find(kind, id);
  if (!found) {
    const Kind& wanted = kinds_.get(kind);
    throw Error{wanted.missing, wanted.id_member, std::string(id), {}};
  }
  return std::move(*found);
}

Page Store::page(std::string_view name, const Query& query) const {
  const Kind& kind = kinds_.get(name);
  Page page;
  const std::int64_t in = part(name, false);
  if (in == 0 || (query.ids && query.ids->empty())) return page;
  std::vector<const Filter*> filters;
  for (const Filter& filter : query.filters) filters.push_back(&filter);
  if (filters.size() > 1 && !query.ids) {
    std::vector<std::pair<std::int64_t, const Filter*>> sized;
    for (const Filter* filter : filters) {
      sized.emplace_back(estimate(database_, kind, in, *filter), filter);
    }
    std::stable_sort(sized.begin(), sized.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < sized.size(); ++i) filters[i] = sized[i].second;
  }
  const Selection selection(kind, in, filters, query);
  if (query.filters.empty() && !query.ids) {
    page.total = count(name);
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
  Statement rows = database_.prepare("select r.id, " + shown + selection.sql(true) + " order by " +
                                     selection.rid() + " desc limit ? offset ?");
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

std::int64_t Store::count(std::string_view kind) const {
  Statement found =
      database_.prepare("select n from partition where kind=? and account=? and region=?");
  found.bind(kind).bind(tenant_.account).bind(tenant_.region);
  return found.step() ? found.integer(0) : 0;
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
  release(resource);
  for (const char* sql :
       {"delete from access_grant where rid=?", "delete from resource where rid=?"})
    database_.prepare(sql).bind(resource.rid).run();
  database_.prepare("delete from transition where id=?").bind(resource.id).run();
}

std::optional<std::pair<Tenant, const Kind*>> Store::locate(Database& database, const Kinds& kinds,
                                                            std::string_view id) {
  Statement found = database.prepare(
      "select p.account, p.region, p.kind from resource r join partition p on p.part=r.part"
      " where r.id=?");
  if (!found.bind(id).step()) return std::nullopt;
  return std::pair(Tenant{std::string(found.text(0)), std::string(found.text(1))},
                   kinds.find(found.text(2)));
}

std::vector<std::pair<std::string, std::int64_t>> Store::totals(Database& database,
                                                                const Kinds& kinds) {
  std::vector<std::pair<std::string, std::int64_t>> totals;
  for (const auto& kind : kinds.all()) {
    if (kind->id_member.empty()) continue;
    Statement sum = database.prepare("select coalesce(sum(n), 0) from partition where kind=?");
    sum.bind(kind->name).step();
    totals.emplace_back(kind->name, sum.integer(0));
  }
  return totals;
}

std::vector<Tenant> Store::tenants(Database& database, std::string_view kind) {
  Statement found = database.prepare(
      "select account, region from partition where kind=? and n>0 order by account, region");
  found.bind(kind);
  std::vector<Tenant> tenants;
  while (found.step()) tenants.push_back({std::string(found.text(0)), std::string(found.text(1))});
  return tenants;
}

}  // namespace cvm
