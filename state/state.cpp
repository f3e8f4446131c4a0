// Opens the state, keeps what testers set and what is remembered beside the resources.
#include "state/state.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <stdexcept>

#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::string_view schema_version = "1";
constexpr auto token_life = std::chrono::hours{24};

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

State::State(const StateOptions& options, Time wall)
    : fixtures_(options.fixtures),
      catalog_(fixtures_),
      prices_(fixtures_.load("prices.json")),
      database_(options.path),
      settings_{.clock = Clock::parse(options.clock.empty() ? "real" : options.clock, wall),
                .steps = Steps(fixtures_, options.lifecycle),
                .quotas = Quotas(fixtures_)},
      start_(settings_),
      start_clock_(options.clock.empty() ? "real" : options.clock) {
  try {
    for (const char* name : {"spot_percent", "prepaid_hours_per_month"})
      prices_.at(name).get<double>();
    for (const char* years : {"1", "3", "5"})
      prices_.at("year_discount_percent").at(years).get<double>();
  } catch (const Json::exception& problem) {
    throw ConfigError{std::string("fixtures: prices.json: ") + problem.what()};
  }
  open(options, wall);
}

void State::open(const StateOptions& options, Time wall) {
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
  load_kept(options, fresh, wall);
  Store::upgrade(database_);
  save_settings();
  work.commit();
}

void State::load_kept(const StateOptions& options, bool fresh, Time wall) {
  const std::string kept_seed = meta(database_, "seed");
  start_.seed = options.seed        ? *options.seed
                : kept_seed.empty() ? random_seed()
                                    : number(kept_seed);
  settings_.seed = start_.seed;
  settings_.starts = fresh ? 0 : number(meta(database_, "starts")) + 1;
  if (const std::string kept = meta(database_, "clock"); !kept.empty()) {
    const Clock mode = settings_.clock;
    settings_.clock = Clock::load(Json::parse(kept));
    // The mode may be changed at a restart, the time does not jump with it.
    if (!options.clock.empty()) settings_.clock.change_mode(mode, wall);
  }
  Statement own = database_.prepare("select account, clock from account where clock<>''");
  while (own.step()) {
    settings_.own_clocks.emplace(own.text(0), Clock::load(Json::parse(own.text(1))));
  }
  if (const std::string kept = meta(database_, "credentials"); !kept.empty()) {
    credentials_.load(Json::parse(kept));
  }
  // An option given at a restart wins over what testers had set.
  if (const std::string kept = meta(database_, "lifecycle");
      !kept.empty() && options.lifecycle == "fast") {
    settings_.steps.change(Json::parse(kept));
  }
  if (const std::string kept = meta(database_, "quotas"); !kept.empty())
    settings_.quotas.load(Json::parse(kept), catalog_);
  if (const std::string kept = meta(database_, "capacity"); !kept.empty())
    settings_.capacity.load(Json::parse(kept), catalog_);
  kept_faults_ = meta(database_, "faults");
}

void State::save_settings() {
  save_clock("");
  set_meta(database_, "seed", std::to_string(settings_.seed));
  set_meta(database_, "starts", std::to_string(settings_.starts));
  set_meta(database_, "credentials", credentials_.dump().dump());
  set_meta(database_, "lifecycle", settings_.steps.delays().dump());
  set_meta(database_, "quotas", settings_.quotas.dump().dump());
  set_meta(database_, "capacity", settings_.capacity.dump().dump());
  save_faults();
}

void State::save_faults() {
  if (!names_ || database_.path() == ":memory:") return;
  set_meta(database_, "faults", settings_.faults.dump().dump());
}

void State::set_fault_names(FaultNames names) {
  names_.emplace(std::move(names));
  if (!kept_faults_.empty()) settings_.faults.load(Json::parse(kept_faults_), *names_);
  kept_faults_.clear();
}

std::string State::next_request_id(const std::string& account) {
  return RandomStream(settings_.seed, "request/" + account,
                      (settings_.starts << 40U) + ++settings_.requests[account])
      .uuid();
}

std::optional<std::int64_t> State::throttle(const FaultCall& call, FaultDecision& decision) {
  return settings_.faults.throttle(call, settings_.seed, decision);
}

void State::evaluate(const FaultCall& call, FaultDecision& decision) {
  settings_.faults.evaluate(call, settings_.seed, decision);
}

void State::save_clock(const std::string& account) {
  if (account.empty()) {
    set_meta(database_, "clock", settings_.clock.dump().dump());
    return;
  }
  const std::string text = settings_.own_clocks.at(account).dump().dump();
  database_
      .prepare(
          "insert into account (account, clock) values (?, ?)"
          " on conflict (account) do update set clock=excluded.clock")
      .bind(account)
      .bind(text)
      .run();
}

std::optional<IdempotencyRecord> State::recall(const Tenant& tenant, std::string_view action,
                                               std::string_view token, Time now) {
  database_.prepare("delete from token where expires<=?")
      .bind(now.time_since_epoch().count())
      .run();
  Statement found = database_.prepare(
      "select digest, reply from token where account=? and region=? and action=? and token=?");
  found.bind(tenant.account).bind(tenant.region).bind(action).bind(token);
  if (!found.step()) return std::nullopt;
  return IdempotencyRecord{std::string(found.text(0)), std::string(found.text(1))};
}

void State::remember(const Tenant& tenant, std::string_view action, std::string_view token,
                     const IdempotencyRecord& what, Time now) {
  put_token(tenant, action, token, what, now + token_life);
}

void State::put_token(const Tenant& tenant, std::string_view action, std::string_view token,
                      const IdempotencyRecord& what, Time expires) {
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
      .bind(expires.time_since_epoch().count())
      .run();
}

std::optional<StateChange> State::force(const Kind& kind, std::string_view id, const Forced& to,
                                        Time wall) {
  const auto place = Store::locate(database_, id);
  if (!place || place->second != &kind) return std::nullopt;
  Store of = store(place->first);
  Resource resource = of.get(kind, id);
  const std::string state(kind.state_member);
  StateChange change{now(place->first.account, wall),
                     place->first.account,
                     std::string(kind.name),
                     resource.id,
                     resource.doc.value(state, ""),
                     to.state,
                     "forced",
                     ""};
  Savepoint work(database_);
  database_.prepare("delete from transition where id=? and operation>0").bind(id).run();
  resource.doc[state] = to.state;
  if (kind.tells_operation) {
    resource.doc["LatestOperationState"] = to.operation_state;
    resource.doc["LatestOperationErrorMsg"] = to.error_message;
  }
  of.save(resource);
  work.commit();
  record({change});
  return change;
}

std::int64_t State::counter(const std::string& account) const {
  Statement found = database_.prepare("select counter from account where account=?");
  return found.bind(account).step() ? found.integer(0) : 0;
}

void State::set_counter(const std::string& account, std::int64_t counter) {
  database_
      .prepare(
          "insert into account (account, counter) values (?, ?)"
          " on conflict (account) do update set counter=excluded.counter")
      .bind(account)
      .bind(counter)
      .run();
}

void State::erase_all() {
  for (const char* table :
       {"resource", "partition", "attribute", "transition", "token", "account"}) {
    database_.execute("delete from " + std::string(table));
  }
}

void State::reset(Time wall) {
  StateTransaction work(*this);
  erase_all();
  settings_ = start_;
  settings_.clock = Clock::parse(start_clock_, wall);
  credentials_.clear();
  save_settings();
  work.commit();
  events_.clear();
}

void State::reset(const std::string& account) {
  StateTransaction work(*this);
  for (const char* table : {"resource", "attribute"}) {
    database_
        .prepare("delete from " + std::string(table) +
                 " where part in (select part from partition where account=?)")
        .bind(account)
        .run();
  }
  for (const char* table : {"partition", "transition", "token", "account"}) {
    database_.prepare("delete from " + std::string(table) + " where account=?").bind(account).run();
  }
  settings_.own_clocks.erase(account);
  settings_.requests.erase(account);
  settings_.quotas.forget(account);
  settings_.capacity.forget(account);
  settings_.faults.clear(account);
  save_settings();
  work.commit();
  events_.forget(account);
}

Json State::scenarios() const {
  const std::string kept = meta(database_, "scenarios");
  return kept.empty() ? Json::array() : Json::parse(kept);
}

void State::set_scenarios(const Json& names) { set_meta(database_, "scenarios", names.dump()); }

State::StateTransaction::StateTransaction(State& state)
    : state_(state),
      settings_(state.settings_),
      credentials_(state.credentials_.added()),
      events_(state.events_.total()),
      work_(state.database_) {}

State::StateTransaction::~StateTransaction() {
  if (committed_) return;
  state_.settings_ = std::move(settings_);
  state_.credentials_.replace(std::move(credentials_));
  state_.events_.undo(events_);
}

void State::StateTransaction::commit() {
  work_.commit();
  committed_ = true;
}

std::int64_t State::count(std::string_view table) const {
  Statement counted = database_.prepare("select count(*) from " + std::string(table));
  counted.step();
  return counted.integer(0);
}

}  // namespace cvm
