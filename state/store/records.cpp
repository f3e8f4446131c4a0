// Brings memory in step with the database.
#include "state/store/records.h"

#include <cstring>

#include "state/base/error.h"
#include "state/base/parse_json.h"

namespace cvm {

namespace {

// Of how keys are made; with another, those in a file mean nothing.
constexpr std::string_view keys_version = "xxh3-128;";
constexpr std::size_t quiet_max = 10'000;  // Accounts.

}  // namespace

void require_whole(std::string_view id, std::int64_t sum, std::string_view doc,
                   std::string_view hidden) {
  if (static_cast<std::uint64_t>(sum) == checksum(doc, hidden)) return;
  throw DatabaseError("resource " + std::string(id), "the state file is damaged");
}

std::string_view bytes_of(const Keys& keys) {
  return {reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(Key)};
}

Keys keys_from(std::string_view bytes) {
  Keys keys(bytes.size() / sizeof(Key));
  if (!keys.empty()) std::memcpy(keys.data(), bytes.data(), keys.size() * sizeof(Key));
  return keys;
}

void Records::open() {
  const std::string current = std::string(keys_version) + kinds.signature();
  bool known = false;
  {
    Statement kept = database.prepare("select value from meta where key='attributes'");
    known = kept.step() && kept.text(0) == current;
  }
  Savepoint work(database);
  if (!known) {
    write_keys();
    database.prepare("insert or replace into meta (key, value) values ('attributes', ?)")
        .bind(current)
        .run();
  }
  index = read_index();
  work.commit();
}

void Records::write_keys() {
  database.execute("delete from keys");
  Statement rows = database.prepare(
      "select r.rid, r.part, p.kind, r.id, r.doc from resource r join partition p on"
      " p.part=r.part");
  while (rows.step()) {
    const Kind* kind = kinds.find(rows.text(2));
    const Keys keys =
        kind == nullptr ? Keys{id_key(rows.text(3))}
                        : keys_of(*kind, rows.integer(1), rows.text(3), stored_json(rows.text(4)));
    database.prepare("insert into keys (rid, part, keys) values (?,?,?)")
        .bind(rows.integer(0))
        .bind(rows.integer(1))
        .bind_blob(bytes_of(keys))
        .run();
  }
}

Index Records::read_index() {
  Index made;
  made.clear();
  Statement parts = database.prepare("select part, kind, account, region from partition");
  while (parts.step())
    made.add_partition(parts.integer(0), parts.text(1), parts.text(2), parts.text(3));
  Statement rows = database.prepare("select rid, part, keys from keys");
  while (rows.step()) {
    if (!made.partitions().contains(rows.integer(1)))
      throw ConfigError{"it is damaged: resources are missing"};
    made.add(rows.integer(1), rows.integer(0), keys_from(rows.blob(2)));
  }
  read_pending(made);
  return made;
}

void Records::read_pending(Index& into) {
  Statement rows = database.prepare("select id, patch from transition where operation=1");
  while (rows.step()) {
    const auto rid = into.with_id(rows.text(0));
    if (!rid) continue;
    Statement of = database.prepare("select part from resource where rid=?");
    if (!of.bind(*rid).step()) continue;
    const std::int64_t part = of.integer(0);
    const Kind* kind = kinds.find(into.partitions().at(part).kind);
    const Json patch = stored_json(rows.text(1));
    if (kind == nullptr || !reserves(*kind, patch)) continue;
    into.reserve(*rid, pending_keys(*kind, part, stored_json(text(*rid).doc), patch));
  }
}

const StoredText& Records::text(Rid rid) {
  if (const StoredText* kept = texts_.find(rid)) return *kept;
  Statement row = database.prepare("select id, sum, doc, hidden from resource where rid=?");
  if (!row.bind(rid).step())
    throw DatabaseError("resource " + std::to_string(rid), "the state file is damaged");
  require_whole(row.text(0), row.integer(1), row.text(2), row.text(3));
  return texts_.put(rid, {std::string(row.text(0)), std::string(row.text(2))});
}

bool Records::is_quiet(const std::string& account, Time until) const {
  const auto known = quiet_.find(account);
  return known != quiet_.end() && until < known->second;
}

void Records::falls_due(const std::string& account, Time due) {
  const auto known = quiet_.find(account);
  if (known != quiet_.end() && due < known->second) known->second = due;
}

void Records::quiet_before(const std::string& account, Time due) {
  if (quiet_.size() >= quiet_max) quiet_.clear();
  quiet_[account] = due;
}

void Records::erase_all() {
  for (const char* table :
       {"resource", "keys", "partition", "access_grant", "transition", "token", "account"})
    database.execute("delete from " + std::string(table));
  index.clear();
  texts_.clear();
  quiet_.clear();
}

// Row by row, as nothing leads from an account to its rows but memory.
void Records::erase_all_of(const std::string& account) {
  database.prepare("delete from access_grant where account=?").bind(account).run();
  for (const auto& [number, part] : index.partitions()) {
    if (part.account != account) continue;
    for (const Rid rid : Rids(part.all)) {
      Statement row = database.prepare("select keys from keys where rid=?");
      row.bind(rid).step();
      index.erase(number, rid, keys_from(row.blob(0)));
      texts_.drop(rid);
      for (const char* table : {"resource", "keys", "access_grant"})
        database.prepare("delete from " + std::string(table) + " where rid=?").bind(rid).run();
    }
  }
  for (const char* table : {"transition", "token", "account"}) {
    database.prepare("delete from " + std::string(table) + " where account=?").bind(account).run();
  }
  quiet_.erase(account);
}

void Records::undo(std::size_t mark) {
  texts_.undo();
  quiet_.clear();
  if (!index.undo(mark)) index = read_index();
}

void Records::keep() {
  texts_.keep();
  index.keep();
}

}  // namespace cvm
