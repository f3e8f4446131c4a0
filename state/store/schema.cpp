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
  create table pending (
    part integer not null, name integer not null, value text not null, rid integer not null,
    primary key (part, name, value, rid)
  ) without rowid;
  create index pending_rid on pending (rid);
  create table access_grant (
    account text not null, rid integer not null, primary key (account, rid)
  ) without rowid;
  create index access_grant_rid on access_grant (rid);
  drop index transition_address;
  update meta set value='2' where key='schema';
)";

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
  {
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
  if (version != 0) return;
  database.execute(std::string(Fixtures::builtin("schema.sql").value()));
  database.prepare("insert into meta (key, value) values ('schema', ?)")
      .bind(std::to_string(schema_version))
      .run();
}

void check_contents(Database& database) {
  check_parts(database);
  const bool counted = number(database,
                              "select count(*) from partition p"
                              " where n<>(select count(*) from resource where part=p.part)") == 0 &&
                       number(database,
                              "select count(*) from (select distinct part from resource)"
                              " where part not in (select part from partition)") == 0;
  if (!counted) damaged("resources are missing");
  check_documents(database);
}

}  // namespace cvm
