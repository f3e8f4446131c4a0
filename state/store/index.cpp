// Writes the index.
#include "state/store/index.h"

#include <algorithm>

namespace cvm {

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

AttributeValues reserved_by(const Kind& kind, const Json& doc, const Json& patch) {
  const auto touched = [&](const Attribute& attribute) {
    return attribute.reserved &&
           patch.contains(attribute.path.substr(0, attribute.path.find_first_of("/|")));
  };
  AttributeValues values;
  if (std::none_of(kind.attributes.begin(), kind.attributes.end(), touched)) return values;
  Json then = doc;
  then.update(patch, true);
  for (std::size_t i = 0; i < kind.attributes.size(); ++i) {
    if (!touched(kind.attributes[i])) continue;
    const auto now = values_at(doc, kind.attributes[i].path);
    for (std::string& value : values_at(then, kind.attributes[i].path)) {
      if (std::find(now.begin(), now.end(), value) == now.end())
        values.emplace_back(static_cast<int>(i), std::move(value));
    }
  }
  return values;
}

void write_pending(Database& database, std::int64_t part, std::int64_t rid,
                   const AttributeValues& values) {
  for (const auto& [attribute, value] : values) {
    database.prepare("insert or ignore into pending (part, name, value, rid) values (?,?,?,?)")
        .bind(part)
        .bind(attribute)
        .bind(value)
        .bind(rid)
        .run();
  }
}

void upgrade_index(Database& database, const Kinds& kinds) {
  const std::string current = kinds.signature();
  {
    Statement known = database.prepare("select value from meta where key='attributes'");
    if (known.step() && known.text(0) == current) return;
  }
  Savepoint work(database);
  database.execute("delete from attribute; delete from pending");
  Statement rows = database.prepare(
      "select r.rid, r.part, p.kind, r.doc, (select t.patch from transition t where t.id=r.id and"
      " t.operation=1) from resource r join partition p on p.part=r.part");
  while (rows.step()) {
    const Kind* kind = kinds.find(rows.text(2));
    if (kind == nullptr) continue;
    const Json doc = Json::parse(rows.text(3));
    write_attributes(database, rows.integer(1), rows.integer(0), {}, attributes_of(*kind, doc));
    if (!rows.text(4).empty()) {
      write_pending(database, rows.integer(1), rows.integer(0),
                    reserved_by(*kind, doc, Json::parse(rows.text(4))));
    }
  }
  database.prepare("insert or replace into meta (key, value) values ('attributes', ?)")
      .bind(current)
      .run();
  work.commit();
}

}  // namespace cvm
