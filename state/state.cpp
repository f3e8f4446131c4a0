// Opens the state, keeps what testers set and what is remembered beside the resources.
#include "state/state.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <stdexcept>

#include "state/base/error.h"
#include "state/base/fields.h"
#include "state/store/records.h"
#include "state/store/schema.h"

namespace cvm {

namespace {

constexpr auto token_life = std::chrono::hours{24};
// Accounts with a counter of their own for RequestIds; the others share one, so that a client who
// makes up names without end does not fill the memory.
constexpr std::size_t request_counters_max = 10'000;

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

// Reads a setting that is kept, if it is.
template <class Read>
void read_kept(Database& database, const std::string& key, Read read) {
  const std::string kept = meta(database, key);
  if (!kept.empty()) told_at(key, [&] { read(Json::parse(kept)); });
}

// Whatever is wrong while a state file is read is told as one line about that file.
template <class Work>
void told_of_file(const std::string& path, Work work) {
  try {
    work();
  } catch (const DatabaseError& failure) {
    throw file_error(path, failure.reason());
  } catch (const ConfigError& mistake) {
    throw file_error(path, mistake.message);
  } catch (const Json::exception& problem) {
    throw file_error(path, problem.what());
  }
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

State::~State() = default;

Database& State::database() const { return records_->database; }

const std::string& State::path() const { return database().path(); }

std::vector<std::pair<std::string, std::int64_t>> State::totals() const {
  return Store::totals(records());
}

State::State(const StateOptions& options, Time wall)
    : fixtures_(options.fixtures),
      catalog_(fixtures_),
      kinds_(fixtures_),
      records_(std::make_unique<Records>(options.path, kinds_)),
      settings_{.clock = Clock::parse(options.clock.empty() ? "real" : options.clock, wall),
                .steps = Steps(fixtures_, options.lifecycle),
                .quotas = Quotas(fixtures_)},
      start_(settings_),
      start_clock_(options.clock.empty() ? "real" : options.clock),
      transitions_max_(options.transitions_max) {
  told_of_file(options.path, [&] { open(options, wall); });
}

void State::open(const StateOptions& options, Time wall) {
  const int version = examine(database());
  database().use_log();
  if (version != 0 && version < schema_version) keep_copy(database(), version);
  Savepoint work(database());
  make_current(database(), version);
  if (version != 0) check_contents(database());
  load_kept(options, version == 0, wall);
  records().open();
  save_settings();
  work.commit();
}

void State::load_kept(const StateOptions& options, bool fresh, Time wall) {
  const std::string kept_seed = meta(database(), "seed");
  start_.seed = options.seed        ? *options.seed
                : kept_seed.empty() ? random_seed()
                                    : number(kept_seed);
  settings_.seed = start_.seed;
  settings_.starts = fresh ? 0 : number(meta(database(), "starts")) + 1;
  read_kept(database(), "clock", [&](const Json& kept) {
    const Clock mode = settings_.clock;
    settings_.clock = Clock::load(kept);
    // The mode may be changed at a restart, the time does not jump with it.
    if (!options.clock.empty()) settings_.clock.change_mode(mode, wall);
  });
  Statement own = database().prepare("select account, clock from account where clock<>''");
  while (own.step()) {
    told_at("clock of " + std::string(own.text(0)), [&] {
      settings_.own_clocks.emplace(own.text(0), Clock::load(Json::parse(own.text(1))));
    });
  }
  read_kept(database(), "credentials", [&](const Json& kept) { credentials_.load(kept); });
  // An option given at a restart wins over what testers had set.
  if (options.lifecycle == "fast") {
    read_kept(database(), "lifecycle", [&](const Json& kept) { settings_.steps.change(kept); });
  }
  read_kept(database(), "quotas", [&](const Json& kept) { settings_.quotas.load(kept, catalog_); });
  read_kept(database(), "capacity",
            [&](const Json& kept) { settings_.capacity.load(kept, catalog_); });
  read_kept(database(), "scenarios", [](const Json& kept) {
    if (!kept.is_array()) throw ConfigError{"it must be a list"};
  });
}

void State::save_settings() {
  save_clock("");
  set_meta(database(), "seed", std::to_string(settings_.seed));
  set_meta(database(), "starts", std::to_string(settings_.starts));
  set_meta(database(), "credentials", credentials_.dump().dump());
  set_meta(database(), "lifecycle", settings_.steps.delays().dump());
  set_meta(database(), "quotas", settings_.quotas.dump().dump());
  set_meta(database(), "capacity", settings_.capacity.dump().dump());
  if (keeps_faults()) settings_.faults.save(database());
}

// Rules in memory are not written down at each call, nor those that were not read yet.
bool State::keeps_faults() const { return names_ && database().path() != ":memory:"; }

void State::save_faults() {
  if (keeps_faults()) settings_.faults.save_counts(database());
}

void State::set_fault_names(FaultNames names) {
  names_.emplace(std::move(names));
  told_of_file(database().path(), [&] {
    told_at("faults", [&] { settings_.faults.load(Faults::saved(database()), *names_); });
  });
}

std::string State::next_request_id(const std::string& account) {
  auto& counters = settings_.requests;
  const bool own = counters.size() < request_counters_max || counters.contains(account);
  const std::uint64_t number = ++counters[own ? account : ""];
  return RandomStream(settings_.seed, "request/" + account, (settings_.starts << 40U) + number)
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
    set_meta(database(), "clock", settings_.clock.dump().dump());
    return;
  }
  const std::string text = settings_.own_clocks.at(account).dump().dump();
  database()
      .prepare(
          "insert into account (account, clock) values (?, ?)"
          " on conflict (account) do update set clock=excluded.clock")
      .bind(account)
      .bind(text)
      .run();
}

std::optional<IdempotencyRecord> State::recall(const Tenant& tenant, std::string_view action,
                                               std::string_view token, Time now) {
  database()
      .prepare("delete from token where account=? and expires<=?")
      .bind(tenant.account)
      .bind(now.time_since_epoch().count())
      .run();
  Statement found = database().prepare(
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
  database()
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

const Kind* State::kind_of(std::string_view id) const {
  const auto place = Store::locate(records(), id);
  return place ? place->second : nullptr;
}

StateChange State::force(std::string_view id, const Forced& to, Time wall) {
  const auto place = Store::locate(records(), id).value();
  const Kind& kind = *place.second;
  Store of = store(place.first);
  Resource resource = of.get(kind.name, id);
  StateChange change{now(place.first.account, wall),
                     place.first.account,
                     kind.name,
                     resource.id,
                     resource.doc.value(kind.state, ""),
                     to.state,
                     "forced",
                     ""};
  Savepoint work(database());
  lifecycle(of, {}).end_operations(resource, to.operation_state, to.error_message);
  resource.doc[kind.state] = to.state;
  of.save(resource);
  work.commit();
  record({change});
  return change;
}

std::int64_t State::counter(const std::string& account) const {
  Statement found = database().prepare("select counter from account where account=?");
  return found.bind(account).step() ? found.integer(0) : 0;
}

void State::set_counter(const std::string& account, std::int64_t counter) {
  database()
      .prepare(
          "insert into account (account, counter) values (?, ?)"
          " on conflict (account) do update set counter=excluded.counter")
      .bind(account)
      .bind(counter)
      .run();
}

void State::reset(Time wall) {
  StateTransaction work(*this);
  records().erase_all();
  settings_ = start_;
  settings_.clock = Clock::parse(start_clock_, wall);
  credentials_.clear();
  save_settings();
  work.commit();
  events_.clear();
}

void State::reset(const std::string& account) {
  StateTransaction work(*this);
  records().erase_all_of(account);
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
  const std::string kept = meta(database(), "scenarios");
  return kept.empty() ? Json::array() : Json::parse(kept);
}

void State::set_scenarios(const Json& names) { set_meta(database(), "scenarios", names.dump()); }

State::StateTransaction::StateTransaction(State& state)
    : state_(state),
      settings_(state.settings_),
      credentials_(state.credentials_.added()),
      events_(state.events_.total()),
      work_(state.database()) {}

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
  Statement counted = database().prepare("select count(*) from " + std::string(table));
  counted.step();
  return counted.integer(0);
}

}  // namespace cvm
