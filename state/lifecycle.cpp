// Steps as data, operations as rows, and the settling that makes rows come true.
#include "state/lifecycle.h"

#include <algorithm>
#include <cmath>

#include "state/fields.h"

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
  only(delay, {"delay_s", "jitter_s"}, "lifecycle: " + step.name + ": ");
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
      step.failed = fact.value("failed", "");
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

void Lifecycle::enter(const Step& step, const Kind& kind, Json& doc) const {
  if (!step.via.empty()) doc[std::string(kind.state_member)] = step.via;
  if (!kind.tells_operation) return;
  doc["LatestOperation"] = cause_.action;
  doc["LatestOperationState"] = "OPERATING";
  doc["LatestOperationRequestId"] = cause_.request_id;
  doc["LatestOperationErrorMsg"] = "";
}

Milliseconds Lifecycle::duration(const Step& step) {
  Milliseconds duration = step.delay;
  if (step.jitter.count() > 0) {
    const auto spread = static_cast<std::uint64_t>(step.jitter.count()) + 1;
    duration += Milliseconds{static_cast<std::int64_t>(store_.draw().below(spread))};
  }
  if (cause_.effect == nullptr || cause_.effect->kind != Effect::Kind::slow) return duration;
  const double slow = static_cast<double>(duration.count()) * cause_.effect->factor;
  return Milliseconds{std::llround(std::min(slow, delay_max_s * 1000))};
}

void Lifecycle::schedule(Time due, Row row, std::string_view step, std::string_view id,
                         const Json& patch) {
  add_transition(database_,
                 {store_.tenant().account, due, std::string(id), static_cast<std::int64_t>(row),
                  std::string(step), std::string(cause_.request_id), patch.dump()});
}

void Lifecycle::finish_later(const Step& step, const Resource& resource, const Json& patch,
                             const std::string& state_before) {
  const std::int64_t member = begun_++;
  Time due = cause_.now + duration(step);
  const Effect* effect = cause_.effect;
  if (effect != nullptr && effect->kind == Effect::Kind::stuck) return;
  if (effect == nullptr || effect->kind != Effect::Kind::outcome || !effect->concerns(member)) {
    return schedule(due, Row::operation, step.name, resource.id, patch);
  }
  if (effect->after_ms >= 0) due = cause_.now + Milliseconds{effect->after_ms};
  std::string state = effect->state, ended = effect->operation_state;
  if (state.empty()) state = step.failed.empty() ? state_before : step.failed;
  const bool as_it_should = state == step.to && effect->error_message.empty();
  if (ended.empty()) ended = as_it_should ? "SUCCESS" : "FAILED";
  if (as_it_should && ended == "SUCCESS")
    return schedule(due, Row::operation, step.name, resource.id, patch);
  const Kind& kind = *resource.kind;
  Json wrong = {{std::string(kind.state_member), state}};
  if (kind.tells_operation) {
    wrong["LatestOperationState"] = ended;
    wrong["LatestOperationErrorMsg"] = effect->error_message;
  }
  schedule(due, Row::outcome, step.name, resource.id, wrong);
}

void Lifecycle::note(const Step& step, const Resource& resource, const std::string& from) {
  changes_.push_back({cause_.now, store_.tenant().account, std::string(resource.kind->name),
                      resource.id, from,
                      resource.doc.value(std::string(resource.kind->state_member), ""), step.name,
                      std::string(cause_.request_id)});
}

Resource Lifecycle::create(std::string_view step, const Kind& kind, Draw& draw, Json doc,
                           Json hidden) {
  const Step& what = steps_.get(step);
  enter(what, kind, doc);
  Resource made = store_.create(kind, draw, std::move(doc), std::move(hidden));
  finish_later(what, made, Json::object(), "");
  note(what, made, "");
  return made;
}

void Lifecycle::begin(std::string_view step, Resource& resource, const Json& patch) {
  require(step, resource);
  const Step& what = steps_.get(step);
  const std::string from = resource.doc.value(std::string(resource.kind->state_member), "");
  enter(what, *resource.kind, resource.doc);
  store_.save(resource);
  finish_later(what, resource, patch, from);
  note(what, resource, from);
}

void Lifecycle::begin_at(Time due, std::string_view step, const Resource& resource) {
  schedule(due, Row::timer, step, resource.id, Json::object());
}

void Lifecycle::force(std::string_view step, Resource& resource) {
  const Step& what = steps_.get(step);
  database_.prepare("delete from transition where id=? and operation>0").bind(resource.id).run();
  const std::string from = resource.doc.value(std::string(resource.kind->state_member), "");
  enter(what, *resource.kind, resource.doc);
  store_.save(resource);
  finish_later(what, resource, Json::object(), from);
  note(what, resource, from);
}

namespace {

struct Row : Transition {
  std::int64_t seq = 0;
};

std::optional<Row> next_due(Database& database, const std::string& account, Time now) {
  Statement found = database.prepare(
      "select seq, due, id, operation, step, request_id, patch from transition"
      " where account=? and due<=? order by due, seq limit 1");
  found.bind(account).bind(now.time_since_epoch().count());
  if (!found.step()) return std::nullopt;
  return Row{
      {account, Time{Milliseconds{found.integer(1)}}, std::string(found.text(2)), found.integer(3),
       std::string(found.text(4)), std::string(found.text(5)), std::string(found.text(6))},
      found.integer(0)};
}

// A timer overrides what the resource is doing; unless its step is under way already.
std::vector<Change> fire_timer(Database& database, const Steps& steps, Store& store,
                               Resource& resource, const Row& row) {
  {
    Statement running =
        database.prepare("select 1 from transition where id=? and step=? and operation>0");
    if (running.bind(resource.id).bind(row.step).step()) return {};
  }
  Lifecycle lifecycle(database, store, steps,
                      {steps.get(row.step).timer_action, row.request_id, row.due});
  lifecycle.force(row.step, resource);
  return std::move(lifecycle.changes());
}

Change finish(const Step& step, Store& store, Resource& resource, const Row& row) {
  const std::string state(resource.kind->state_member);
  Change change{row.due,
                store.tenant().account,
                std::string(resource.kind->name),
                resource.id,
                resource.doc.value(state, ""),
                "",
                step.name,
                row.request_id};
  if (row.operation == 2) {
    resource.doc.update(Json::parse(row.patch), true);
    store.save(resource);
    change.to = resource.doc.value(state, "");
    return change;
  }
  if (step.erases) {
    store.erase(resource);
    return change;
  }
  if (!step.to.empty()) resource.doc[std::string(resource.kind->state_member)] = step.to;
  if (resource.kind->tells_operation) resource.doc["LatestOperationState"] = "SUCCESS";
  resource.doc.update(step.sets, true);
  resource.doc.update(Json::parse(row.patch), true);
  store.save(resource);
  change.to = resource.doc.value(state, "");
  return change;
}

}  // namespace

void add_transition(Database& database, const Transition& what) {
  database
      .prepare(
          "insert into transition (account, due, id, operation, step, request_id, patch)"
          " values (?,?,?,?,?,?,?)")
      .bind(what.account)
      .bind(what.due.time_since_epoch().count())
      .bind(what.id)
      .bind(what.operation)
      .bind(what.step)
      .bind(what.request_id)
      .bind(what.patch)
      .run();
}

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
    if (row->operation == 0) {
      for (Change& change : fire_timer(database, steps, store, resource, *row))
        changes.push_back(std::move(change));
    } else {
      changes.push_back(finish(steps.get(row->step), store, resource, *row));
    }
  }
  work.keep();
  return changes;
}

}  // namespace cvm
