// Steps as data, operations as rows, and the settling that makes rows come true.
#include "state/lifecycle.h"

#include <algorithm>
#include <cmath>

#include "state/error.h"

namespace cvm {

namespace {

constexpr double delay_max_s = 10.0 * 365 * 86400;

// `ENTER_RESCUE_MODE` -> `EnterRescueMode`, as error codes spell states.
std::string camel(std::string_view state) {
  std::string text;
  bool start = true;
  for (const char c : state) {
    if (c != '_')
      text += start ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    start = c == '_';
  }
  return text;
}

// Reads {"delay_s": n, "jitter_s": n} into a step.
void set_delay(Step& step, const Json& delay) {
  const auto seconds = [&](const char* name, double otherwise) {
    const auto found = delay.find(name);
    if (found == delay.end()) return otherwise;
    if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > delay_max_s) {
      throw ConfigError{"lifecycle: " + step.name + ": `" + name +
                        "` must be a number of seconds from 0 to ten years"};
    }
    return found->get<double>();
  };
  if (!delay.is_object()) {
    throw ConfigError{"lifecycle: " + step.name + " must be an object with delay_s, jitter_s"};
  }
  for (const auto& [name, value] : delay.items()) {
    if (name != "delay_s" && name != "jitter_s") {
      throw ConfigError{"lifecycle: " + step.name + ": unknown field `" + name + "`"};
    }
  }
  const auto milliseconds = [](double s) { return Milliseconds{std::llround(s * 1000)}; };
  step.delay = milliseconds(seconds("delay_s", static_cast<double>(step.delay.count()) / 1000));
  step.jitter = milliseconds(seconds("jitter_s", static_cast<double>(step.jitter.count()) / 1000));
}

}  // namespace

Steps::Steps(const Fixtures& fixtures, const std::string& speed) {
  const bool named = speed == "instant" || speed == "fast" || speed == "realistic";
  const Json facts = fixtures.load("lifecycle.json");
  for (const auto& [name, fact] : facts.items()) {
    Step step;
    step.name = name;
    try {
      step.from = fact.value("from", std::vector<std::string>{});
      step.via = fact.value("via", "");
      step.to = fact.value("to", "");
      step.erases = fact.value("erases", false);
      step.sets = fact.value("sets", Json::object());
      step.timer_action = fact.value("timer_action", "");
      if (speed != "instant") set_delay(step, fact.at(named ? speed : "fast"));
    } catch (const Json::exception& problem) {
      throw ConfigError{"fixtures: lifecycle.json: " + name + ": " + problem.what()};
    }
    steps_.emplace(name, std::move(step));
  }
  if (named) return;
  const auto file = read_file(speed);
  if (!file) {
    throw ConfigError{"lifecycle: `" + speed +
                      "` is none of instant, fast, realistic, and no file that can be read"};
  }
  try {
    change(Json::parse(*file));
  } catch (const Json::exception& problem) {
    throw ConfigError{"lifecycle: " + speed + ": " + problem.what()};
  }
}

const Step& Steps::get(std::string_view name) const {
  const auto found = steps_.find(name);
  if (found == steps_.end()) throw std::logic_error("no lifecycle step " + std::string(name));
  return found->second;
}

Json Steps::delays() const {
  Json delays = Json::object();
  for (const auto& [name, step] : steps_) {
    delays[name] = {{"delay_s", static_cast<double>(step.delay.count()) / 1000},
                    {"jitter_s", static_cast<double>(step.jitter.count()) / 1000}};
  }
  return delays;
}

void Steps::change(const Json& delays) {
  if (!delays.is_object()) throw ConfigError{"lifecycle: must be an object of steps"};
  auto changed = steps_;
  for (const auto& [name, delay] : delays.items()) {
    const auto found = changed.find(name);
    if (found == changed.end()) throw ConfigError{"lifecycle: unknown step `" + name + "`"};
    set_delay(found->second, delay);
  }
  steps_ = std::move(changed);
}

void Lifecycle::require(std::string_view step, const Resource& resource) const {
  const Kind& kind = *resource.kind;
  const std::string state = resource.doc.value(kind.state_member, "");
  const auto& from = steps_.get(step).from;
  const bool busy =
      kind.tells_operation && resource.doc.value("LatestOperationState", Json()) == "OPERATING";
  const bool takes = std::find(from.begin(), from.end(), state) != from.end();
  if (takes && !busy) return;
  const auto documents = [&](const std::string& code) {
    return std::binary_search(cause_.documented->begin(), cause_.documented->end(), code);
  };
  const std::string parameter = std::string(kind.id_member) + "s";
  const std::string refusal = std::string(kind.state_refusal) + camel(state);
  if (!takes && documents(refusal)) throw Error{refusal, parameter, resource.id, {}};
  if (busy) throw Error{"OperationDenied.InstanceOperationInProgress", parameter, resource.id, {}};
  throw Error{"InvalidInstance.NotSupported", parameter, resource.id,
              "Its state is `" + state + "`."};
}

void Lifecycle::enter(std::string_view step, const Kind& kind, Json& doc) const {
  const Step& what = steps_.get(step);
  if (!what.via.empty()) doc[std::string(kind.state_member)] = what.via;
  if (!kind.tells_operation) return;
  doc["LatestOperation"] = cause_.action;
  doc["LatestOperationState"] = "OPERATING";
  doc["LatestOperationRequestId"] = cause_.request_id;
  doc["LatestOperationErrorMsg"] = "";
}

Milliseconds Lifecycle::duration(const Step& step) {
  if (step.jitter.count() == 0) return step.delay;
  const auto spread = static_cast<std::uint64_t>(step.jitter.count()) + 1;
  return step.delay + Milliseconds{static_cast<std::int64_t>(store_.draw().below(spread))};
}

void Lifecycle::schedule(Time due, bool operation, std::string_view step, std::string_view id,
                         const Json& patch) {
  const std::string text = patch.dump();
  database_
      .prepare(
          "insert into transition (account, due, id, operation, step, request_id, patch)"
          " values (?,?,?,?,?,?,?)")
      .bind(store_.tenant().account)
      .bind(due.time_since_epoch().count())
      .bind(id)
      .bind(operation ? 1 : 0)
      .bind(step)
      .bind(cause_.request_id)
      .bind(text)
      .run();
}

void Lifecycle::finish_later(std::string_view step, const Resource& resource, const Json& patch) {
  schedule(cause_.now + duration(steps_.get(step)), true, step, resource.id, patch);
}

void Lifecycle::begin(std::string_view step, Resource& resource, const Json& patch) {
  require(step, resource);
  enter(step, *resource.kind, resource.doc);
  store_.save(resource);
  finish_later(step, resource, patch);
}

void Lifecycle::begin_at(Time due, std::string_view step, const Resource& resource) {
  schedule(due, false, step, resource.id, Json::object());
}

namespace {

struct Row {
  std::int64_t seq;
  Time due;
  std::string id;
  bool operation;
  std::string step;
  std::string request_id;
  std::string patch;
};

std::optional<Row> next_due(Database& database, const std::string& account, Time now) {
  Statement found = database.prepare(
      "select seq, due, id, operation, step, request_id, patch from transition"
      " where account=? and due<=? order by due, seq limit 1");
  found.bind(account).bind(now.time_since_epoch().count());
  if (!found.step()) return std::nullopt;
  return Row{found.integer(0),           Time{Milliseconds{found.integer(1)}},
             std::string(found.text(2)), found.integer(3) != 0,
             std::string(found.text(4)), std::string(found.text(5)),
             std::string(found.text(6))};
}

// A timer overrides what the resource is doing: its operations are dropped, and the step begins;
// unless that very step is under way.
void fire_timer(Database& database, const Steps& steps, Store& store, Resource& resource,
                const Row& row) {
  {
    Statement running =
        database.prepare("select 1 from transition where id=? and step=? and operation=1");
    if (running.bind(resource.id).bind(row.step).step()) return;
  }
  database.prepare("delete from transition where id=? and operation=1").bind(resource.id).run();
  Lifecycle lifecycle(database, store, steps,
                      {steps.get(row.step).timer_action, row.request_id, row.due, nullptr});
  lifecycle.enter(row.step, *resource.kind, resource.doc);
  store.save(resource);
  lifecycle.finish_later(row.step, resource);
}

void finish(const Step& step, Store& store, Resource& resource, const Row& row) {
  if (step.erases) {
    store.erase(resource);
    return;
  }
  if (!step.to.empty()) resource.doc[std::string(resource.kind->state_member)] = step.to;
  if (resource.kind->tells_operation) resource.doc["LatestOperationState"] = "SUCCESS";
  resource.doc.update(step.sets, true);
  resource.doc.update(Json::parse(row.patch), true);
  store.save(resource);
}

}  // namespace

std::vector<Change> settle(Database& database, const Steps& steps, std::uint64_t seed,
                           const std::string& account, Time now) {
  std::vector<Change> changes;
  std::optional<Row> row = next_due(database, account, now);
  if (!row) return changes;
  Savepoint work(database);
  for (; row; row = next_due(database, account, now)) {
    database.prepare("delete from transition where seq=?").bind(row->seq).run();
    const auto place = Store::locate(database, row->id);
    if (!place || place->second == nullptr) continue;
    Store store(database, seed, place->first);
    Resource resource = store.get(*place->second, row->id);
    const Step& step = steps.get(row->step);
    const std::string state(resource.kind->state_member);
    const std::string from = resource.doc.value(state, "");
    if (row->operation) {
      finish(step, store, resource, *row);
    } else {
      fire_timer(database, steps, store, resource, *row);
    }
    changes.push_back({row->due, account, std::string(resource.kind->name), resource.id, from,
                       row->operation && step.erases ? "" : resource.doc.value(state, ""),
                       step.name, row->request_id});
  }
  work.keep();
  return changes;
}

}  // namespace cvm
