// A damaged file is refused at the start: what is in it is never checked again.
#include "state/store/schema.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#include "state/base/json.h"
#include "state/catalog/fixtures.h"
#include "state/store/keys.h"

namespace cvm {

namespace {

[[noreturn]] void damaged(const std::string& how) { throw ConfigError{"it is damaged: " + how}; }

std::int64_t number(Database& database, std::string_view sql) {
  Statement found = database.prepare(sql);
  return found.step() ? found.integer(0) : 0;
}

// From version 1: fault rules were one value, and tokens expired by anybody's clock.
constexpr const char* from_1 = R"(
  drop index token_expires;
  create index token_expires on token (account, expires);
  create table fault (
    position integer primary key,
    id text not null unique,
    rule text not null,
    matched integer not null,
    used integer not null,
    fired integer not null,
    requests text not null
  );
  insert into fault (position, id, rule, matched, used, fired, requests)
    select key, value->>'$.rule.id',
           json_object('rule', value->'$.rule', 'account', value->>'$.account',
                       'expires_ms', value->'$.expires_ms'),
           value->>'$.matched', value->>'$.used', value->>'$.fired', value->'$.requests'
      from json_each((select value from meta where key='faults'), '$.rules');
  insert into meta (key, value)
    select 'fault_number', value->>'$.numbered' from meta where key='faults';
  delete from meta where key='faults';
  create table access_grant (
    account text not null, rid integer not null, primary key (account, rid)
  ) without rowid;
  create index access_grant_rid on access_grant (rid);
  drop index transition_address;
)";

// From version 2: what finds resources stood in tables with a row for each value.
constexpr const char* from_2 = R"(
  drop trigger resource_added;
  drop trigger resource_erased;
  alter table partition drop column n;
  drop table attribute;
  drop table if exists pending;
  alter table resource rename to older;
  create table resource (
    rid integer primary key autoincrement,
    part integer not null,
    id text not null,
    sum integer not null,
    doc text not null,
    hidden text not null
  );
  insert into resource (rid, part, id, sum, doc, hidden)
    select rid, part, id, 0, doc, hidden from older;
  update sqlite_sequence set seq=(select seq from sqlite_sequence where name='older')
    where name='resource' and exists (select 1 from sqlite_sequence where name='older');
  drop table older;
  create table keys (rid integer primary key, part integer not null, keys blob not null);
  delete from meta where key='attributes';
  update meta set value='3' where key='schema';
)";

// A file up to this size is read as a whole at the start: about 0.1 s.
constexpr std::int64_t checked_bytes_max = 32 << 20;

std::int64_t bytes(Database& database) {
  return number(database, "select page_count*page_size from pragma_page_count, pragma_page_size");
}

// The texts of a version that had no sums.
void add_sums(Database& database) {
  Statement rows = database.prepare("select rid, doc, hidden from resource");
  while (rows.step()) {
    database.prepare("update resource set sum=? where rid=?")
        .bind(static_cast<std::int64_t>(checksum(rows.text(1), rows.text(2))))
        .bind(rows.integer(0))
        .run();
  }
}

// "column token.expires", "index token_expires", …, sorted.
std::vector<std::string> parts(Database& database) {
  Statement found = database.prepare(
      "select type || ' ' || name from sqlite_master where name not like 'sqlite_%'"
      " union all select 'column ' || m.name || '.' || c.name"
      " from sqlite_master m, pragma_table_info(m.name) c where m.type='table' order by 1");
  std::vector<std::string> parts;
  while (found.step()) parts.emplace_back(found.text(0));
  return parts;
}

void check_parts(Database& database) {
  Database whole(":memory:");
  make_current(whole, 0);
  const std::vector<std::string> expected = parts(whole), found = parts(database);
  for (const std::string& part : expected) {
    if (!std::binary_search(found.begin(), found.end(), part)) damaged("no " + part);
  }
}

// SQLite does not look whether texts are UTF-8; documents that have more than ASCII are few.
bool is_json(const Statement& row, int text, int valid) {
  const std::string_view json = row.text(text);
  return row.integer(valid) != 0 &&
         (std::all_of(json.begin(), json.end(), [](char c) { return c >= 0; }) ||
          Json::accept(json));
}

void check_documents(Database& database) {
  Statement rows = database.prepare(
      "select id, doc, json_valid(doc), hidden, json_valid(hidden) from resource union all"
      " select 'transition ' || seq, patch, json_valid(patch), '', 1 from transition union all"
      " select 'token ' || token, reply || '}}', json_valid(reply || '}}'), '', 1 from token"
      " union all select 'account ' || account, clock, clock='' or json_valid(clock), '', 1"
      " from account");
  while (rows.step()) {
    if (!is_json(rows, 1, 2) || !is_json(rows, 3, 4))
      damaged("what it holds of " + std::string(rows.text(0)) + " is no JSON");
  }
}

}  // namespace

int examine(Database& database) {
  if (number(database, "select count(*) from sqlite_master") == 0) return 0;
  if (number(database,
             "select count(*) from pragma_table_info('meta') where name in ('key','value')") != 2) {
    throw ConfigError{"it is not a cvmsim state file"};
  }
  int version = 0;
  {
    Statement found = database.prepare("select value from meta where key='schema'");
    if (!found.step()) throw ConfigError{"it is not a cvmsim state file"};
    const std::string text(found.text(0));
    std::from_chars(text.data(), text.data() + text.size(), version);
    if (version < 1 || version > schema_version) {
      throw ConfigError{"it has version " + text + ", this cvmsim reads versions 1 to " +
                        std::to_string(schema_version)};
    }
  }
  if (bytes(database) <= checked_bytes_max) {
    Statement check = database.prepare("pragma integrity_check(1)");
    if (check.step() && check.text(0) != "ok") damaged(std::string(check.text(0)));
  }
  Statement wrong = database.prepare(
      "select key from meta where key not in ('schema','attributes') and not json_valid(value)");
  if (wrong.step()) damaged("its setting `" + std::string(wrong.text(0)) + "` is no JSON");
  return version;
}

void keep_copy(Database& database, int version) {
  const std::string copy = database.path() + ".v" + std::to_string(version), part = copy + ".part";
  // Ours alone, as the file itself is: there are keys in it.
  const int made = ::open(part.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
  database.prepare("vacuum into ?").bind(part).run();
  // Whole or not at all.
  if (std::rename(part.c_str(), copy.c_str()) != 0)
    throw ConfigError{"it is of an older version, and there can be no copy " + copy};
}

void make_current(Database& database, int version) {
  if (version == 1) database.execute(from_1);
  if (version == 1 || version == 2) {
    database.execute(from_2);
    add_sums(database);
  }
  if (version != 0) return;
  database.execute(std::string(Fixtures::builtin("schema.sql").value()));
  database.prepare("insert into meta (key, value) values ('schema', ?)")
      .bind(std::to_string(schema_version))
      .run();
}

void check_contents(Database& database) {
  check_parts(database);
  if (bytes(database) > checked_bytes_max) return;
  // Keys of another version are made anew from the documents.
  const bool keyed = number(database, "select count(*) from meta where key='attributes'") > 0;
  const auto all = number(database, "select count(*) from resource");
  const bool kept =
      all ==
          number(database, "select count(*) from resource r join partition p on p.part=r.part") &&
      (!keyed || (all == number(database, "select count(*) from keys") &&
                  all == number(database,
                                "select count(*) from resource r join keys k on k.rid=r.rid"
                                " where k.part=r.part")));
  if (!kept) damaged("resources are missing");
  check_documents(database);
}

}  // namespace cvm
