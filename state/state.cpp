// Opens the state, moves its clocks, and keeps what is remembered beside the resources.
#include "state/state.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <stdexcept>

#include "state/error.h"

namespace cvm {

namespace {

constexpr std::string_view schema_version = "1";
constexpr auto token_life = std::chrono::hours{24};
constexpr int idle_rounds_max = 100000;

std::string meta(Database& database, std::string_view key) {
  Statement found = database.prepare("select value from meta where key=?");
  found.bind(key);
  return found.step() ? std::string(found.text(0)) : std::string();
}

void set_meta(Database& database, std::string_view key, std::string_view value) {
  database.prepare("insert or replace into meta (key, value) values (?,?)")
      .bind(key)
      .bind(value)
      .run();
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

}  // namespace

State::State(const StateOptions& options, Time machine)
    : fixtures_(options.fixtures),
      catalog_(fixtures_),
      steps_(fixtures_, options.lifecycle),
      start_steps_(steps_),
      quotas_(fixtures_.load("quotas.json")),
      prices_(fixtures_.load("prices.json")),
      database_(options.path),
      clock_(Clock::parse(options.clock.empty() ? "real" : options.clock, machine)),
      start_clock_(options.clock) {
  try {
    quota("instances");
    for (const char* name : {"spot_percent", "prepaid_hours_per_month"})
      prices_.at(name).get<double>();
    for (const char* years : {"1", "3", "5"})
      prices_.at("year_discount_percent").at(years).get<double>();
  } catch (const Json::exception& problem) {
    throw ConfigError{std::string("fixtures: quotas.json, prices.json: ") + problem.what()};
  }
  open(options, machine);
}

void State::open(const StateOptions& options, Time machine) {
  const bool fresh = [&] {
    Statement tables = database_.prepare("select count(*) from sqlite_master");
    tables.step();
    return tables.integer(0) == 0;
  }();
  Savepoint work(database_);
  if (fresh) {
    database_.execute(std::string(Fixtures::builtin("schema.sql").value()));
    set_meta(database_, "schema", schema_version);
  }
  std::string version;
  try {
    version = meta(database_, "schema");
  } catch (const std::runtime_error&) {
    version = "unknown";
  }
  if (version != schema_version) {
    throw ConfigError{"the state file " + options.path + " has version " + version +
                      ", this cvmsim reads version " + std::string(schema_version)};
  }
  const std::string kept_seed = meta(database_, "seed");
  seed_ = options.seed ? *options.seed : kept_seed.empty() ? random_seed() : number(kept_seed);
  set_meta(database_, "seed", std::to_string(seed_));
  starts_ = fresh ? 0 : number(meta(database_, "starts")) + 1;
  set_meta(database_, "starts", std::to_string(starts_));
  if (const std::string kept = meta(database_, "clock"); !kept.empty()) {
    const Clock mode = clock_;
    clock_ = Clock::load(Json::parse(kept));
    // The mode may be changed at a restart, the time does not jump with it.
    if (!options.clock.empty()) clock_.change_mode(mode, machine);
  }
  {
    Statement own = database_.prepare("select account, clock from account where clock<>''");
    while (own.step()) {
      own_clocks_.emplace(own.text(0), Clock::load(Json::parse(own.text(1))));
    }
  }
  save_clock("");
  if (const std::string kept = meta(database_, "credentials"); !kept.empty()) {
    credentials_.load(Json::parse(kept));
  }
  Store::upgrade(database_);
  work.keep();
}

std::string State::next_request_id(const std::string& account) {
  return Draw(seed_, "request/" + account, (starts_ << 40U) + ++requests_[account]).uuid();
}

const Clock& State::clock(const std::string& account) const {
  const auto own = own_clocks_.find(account);
  return own == own_clocks_.end() ? clock_ : own->second;
}

void State::save_clock(const std::string& account) {
  if (account.empty()) {
    set_meta(database_, "clock", clock_.dump().dump());
    return;
  }
  const std::string text = own_clocks_.at(account).dump().dump();
  database_
      .prepare(
          "insert into account (account, clock) values (?, ?)"
          " on conflict (account) do update set clock=excluded.clock")
      .bind(account)
      .bind(text)
      .run();
}

std::vector<Change> State::settle(const std::string& account, Time machine) {
  return cvm::settle(database_, steps_, seed_, account, now(account, machine));
}

Clock& State::clock_of(const std::string& scope) {
  return scope.empty() ? clock_ : own_clocks_.at(scope);
}

std::vector<std::string> State::scopes(const std::string& account) const {
  if (!account.empty()) return {account};
  std::vector<std::string> all = {""};
  for (const auto& [own, clock] : own_clocks_) all.push_back(own);
  return all;
}

std::vector<std::string> State::waiting_in(const std::string& scope) const {
  if (!scope.empty()) return {scope};
  std::vector<std::string> accounts;
  Statement waiting = database_.prepare("select distinct account from transition order by account");
  while (waiting.step()) {
    std::string name(waiting.text(0));
    if (!own_clocks_.contains(name)) accounts.push_back(std::move(name));
  }
  return accounts;
}

std::vector<Change> State::settle_scope(const std::string& scope, Time machine) {
  std::vector<Change> changes;
  for (const std::string& name : waiting_in(scope)) {
    for (Change& change : settle(name, machine)) changes.push_back(std::move(change));
  }
  return changes;
}

State::Pending State::pending_in(const std::string& scope) const {
  Pending sum;
  for (const std::string& name : waiting_in(scope)) {
    Statement counted = database_.prepare(
        "select operation, count(*), min(due) from transition where account=? group by operation");
    counted.bind(name);
    while (counted.step()) {
      const Time due{Milliseconds{counted.integer(2)}};
      if (!sum.next_due || due < *sum.next_due) sum.next_due = due;
      if (counted.integer(0) == 0) continue;
      sum.operations += counted.integer(1);
      if (!sum.next_operation || due < *sum.next_operation) sum.next_operation = due;
    }
  }
  return sum;
}

State::Pending State::pending(const std::string& account) const {
  Pending sum;
  const auto earlier = [](std::optional<Time>& kept, const std::optional<Time>& other) {
    if (other && (!kept || *other < *kept)) kept = other;
  };
  for (const std::string& scope : account.empty() ? scopes("") : std::vector{account}) {
    const Pending part = pending_in(scope);
    sum.operations += part.operations;
    earlier(sum.next_operation, part.next_operation);
    earlier(sum.next_due, part.next_due);
  }
  return sum;
}

bool State::has_resources(const std::string& scope) const {
  Statement counted = database_.prepare("select account from partition where n>0 group by account");
  while (counted.step()) {
    const std::string account(counted.text(0));
    if (scope.empty() ? !own_clocks_.contains(account) : account == scope) return true;
  }
  return false;
}

std::vector<Change> State::move_clock(const std::string& account, const ClockMove& move,
                                      Time machine) {
  const Clock kept_clock = clock_;
  const auto kept_own = own_clocks_;
  try {
    Savepoint work(database_);
    if (!account.empty()) own_clocks_.try_emplace(account, clock_);
    std::vector<Change> changes;
    for (const std::string& scope : scopes(account)) {
      Clock& clock = clock_of(scope);
      const Time before = clock.now(machine);
      move(scope, clock);
      const Time after = clock.now(machine);
      if (after < before && has_resources(scope)) {
        throw ConfigError{"clock: time cannot run backwards while resources exist: it is " +
                          iso8601(before) + ", asked for " + iso8601(after)};
      }
      save_clock(scope);
      for (Change& change : settle_scope(scope, machine)) changes.push_back(std::move(change));
    }
    work.keep();
    std::stable_sort(changes.begin(), changes.end(),
                     [](const Change& a, const Change& b) { return a.time < b.time; });
    return changes;
  } catch (...) {
    clock_ = kept_clock;
    own_clocks_ = kept_own;
    throw;
  }
}

std::vector<Change> State::advance_until_idle(const std::string& account, Time machine) {
  std::vector<Change> all;
  for (int round = 0; round < idle_rounds_max; ++round) {
    bool idle = true;
    std::vector<Change> changes = move_clock(
        account,
        [&](const std::string& scope, Clock& clock) {
          const Pending waiting = pending_in(scope);
          if (!waiting.next_operation) return;
          idle = false;
          clock.set(std::max(*waiting.next_operation, clock.now(machine)), machine);
        },
        machine);
    for (Change& change : changes) all.push_back(std::move(change));
    if (idle) break;
  }
  return all;
}

void State::jump_if_shown(const std::string& account, const std::vector<std::string>& ids,
                          Time machine) {
  if (clock(account).mode() != Clock::Mode::automatic) return;
  std::optional<Time> next;
  for (const std::string& id : ids) {
    Statement due = database_.prepare(
        "select min(due) from transition where id=? and operation=1 having count(*) > 0");
    if (!due.bind(id).step()) continue;
    const Time at{Milliseconds{due.integer(0)}};
    if (!next || at < *next) next = at;
  }
  if (!next || *next <= now(account, machine)) return;
  // The account's own clock jumps: nobody else's time moves because this client polls.
  own_clocks_.try_emplace(account, clock_).first->second.set(*next, machine);
  save_clock(account);
}

std::optional<Remembered> State::recall(const Tenant& tenant, std::string_view action,
                                        std::string_view token, Time now) {
  database_.prepare("delete from token where expires<=?")
      .bind(now.time_since_epoch().count())
      .run();
  Statement found = database_.prepare(
      "select digest, reply from token where account=? and region=? and action=? and token=?");
  found.bind(tenant.account).bind(tenant.region).bind(action).bind(token);
  if (!found.step()) return std::nullopt;
  return Remembered{std::string(found.text(0)), std::string(found.text(1))};
}

void State::remember(const Tenant& tenant, std::string_view action, std::string_view token,
                     const Remembered& what, Time now) {
  database_
      .prepare(
          "insert or replace into token (account, region, action, token, digest, reply, expires)"
          " values (?,?,?,?,?,?,?)")
      .bind(tenant.account)
      .bind(tenant.region)
      .bind(action)
      .bind(token)
      .bind(what.digest)
      .bind(what.reply)
      .bind((now + token_life).time_since_epoch().count())
      .run();
}

void State::reset(Time machine) {
  Savepoint work(database_);
  for (const char* table :
       {"resource", "partition", "attribute", "transition", "token", "account"}) {
    database_.execute("delete from " + std::string(table));
  }
  const Clock fresh = Clock::parse(start_clock_.empty() ? "real" : start_clock_, machine);
  set_meta(database_, "clock", fresh.dump().dump());
  set_meta(database_, "starts", "0");
  set_meta(database_, "credentials", "");
  work.keep();
  credentials_.clear();
  steps_ = start_steps_;
  clock_ = fresh;
  own_clocks_.clear();
  requests_.clear();
  starts_ = 0;
}

void State::save_credentials() { set_meta(database_, "credentials", credentials_.dump().dump()); }

std::int64_t State::quota(const std::string& name) const {
  return quotas_.at("*").at(name).get<std::int64_t>();
}

std::int64_t State::count(std::string_view table) const {
  Statement counted = database_.prepare("select count(*) from " + std::string(table));
  counted.step();
  return counted.integer(0);
}

}  // namespace cvm
