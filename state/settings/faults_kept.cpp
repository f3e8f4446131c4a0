// Fault rules as one JSON value, for exports, and as rows: a call writes the counters of those
// rules that it changed, not all that testers ever gave.
#include "state/base/fields.h"
#include "state/settings/faults.h"

namespace cvm {

namespace {

// What never changes while the rule stands.
Json as_given(const FaultRule& rule) {
  Json expires = Json::object();
  for (const auto& [account, time] : rule.expires)
    expires[account] = time.time_since_epoch().count();
  return {
      {"rule", {{"id", rule.id}, {"match", rule.match}, {"when", rule.when}, {"do", rule.effects}}},
      {"account", rule.account},
      {"expires_ms", expires}};
}

}  // namespace

Json Faults::dump() const {
  Json saved = Json::array();
  for (const FaultRule& rule : rules_) {
    Json one = as_given(rule);
    one["matched"] = rule.matched;
    one["used"] = rule.used;
    one["fired"] = rule.fired;
    one["requests"] = rule.requests;
    saved.push_back(std::move(one));
  }
  return {{"numbered", numbered_}, {"rules", saved}};
}

void Faults::load(const Json& saved, const FaultNames& names) {
  exactly(saved, {"numbered", "rules"});
  Faults loaded;
  loaded.numbered_ = natural_member(saved, "numbered");
  each_member(saved, "rules", [&](const Json& one) {
    exactly(one, {"rule", "account", "expires_ms", "matched", "used", "fired", "requests"});
    exactly(one.at("rule"), {"id", "match", "when", "do"}, "rule: ");
    // The SecretId that the rule names may be unknown by now; its account is not.
    FaultNames known = names;
    auto account = one.at("account").get<std::string>();
    known.account = [&](const std::string&) { return account; };
    FaultRule rule = read_fault(one.at("rule"), known);
    const Json& expires = one.at("expires_ms");
    if (!expires.is_object() || (!expires.empty() && !expires.contains("")))
      throw ConfigError{"`expires_ms` must be an object of clocks"};
    for (const auto& own : expires.items())
      rule.expires[own.key()] = time_member(expires, own.key(), time_end + std::chrono::years{10});
    const auto count = [&](const char* name) {
      return static_cast<std::int64_t>(natural_member(one, name));
    };
    rule.matched = count("matched");
    rule.used = count("used");
    rule.fired = count("fired");
    rule.requests = one.at("requests").get<std::deque<std::string>>();
    loaded.put(std::move(rule));
  });
  *this = std::move(loaded);
}

void Faults::save(Database& database) {
  database.prepare("delete from fault").run();
  for (FaultRule& rule : rules_) {
    database
        .prepare(
            "insert into fault (id, rule, matched, used, fired, requests)"
            " values (?,?,0,0,0,'[]')")
        .bind(rule.id)
        .bind(as_given(rule).dump())
        .run();
    rule.counted = true;
  }
  database.prepare("insert or replace into meta (key, value) values ('fault_number', ?)")
      .bind(std::to_string(numbered_))
      .run();
  save_counts(database);
}

void Faults::save_counts(Database& database) {
  std::optional<Savepoint> work;
  for (const FaultRule& rule : rules_) {
    if (!rule.counted) continue;
    if (!work) work.emplace(database);
    database.prepare("update fault set matched=?, used=?, fired=?, requests=? where id=?")
        .bind(rule.matched)
        .bind(rule.used)
        .bind(rule.fired)
        .bind(Json(rule.requests).dump())
        .bind(rule.id)
        .run();
  }
  if (!work) return;
  work->commit();
  for (FaultRule& rule : rules_) rule.counted = false;
}

Json Faults::saved(Database& database) {
  Json rules = Json::array();
  Statement rows =
      database.prepare("select rule, matched, used, fired, requests from fault order by position");
  while (rows.step()) {
    Json one = Json::parse(rows.text(0));
    int column = 0;
    for (const char* name : {"matched", "used", "fired", "requests"})
      one[name] = Json::parse(rows.text(++column));
    rules.push_back(std::move(one));
  }
  Statement number = database.prepare("select value from meta where key='fault_number'");
  const bool any = number.step();
  return {{"numbered", any ? Json::parse(number.text(0)) : Json(0U)}, {"rules", rules}};
}

}  // namespace cvm
