// Operations as rows, and the settling that makes rows come true.
#include "state/lifecycle/lifecycle.h"

#include <algorithm>
#include <cmath>

#include "state/base/error.h"
#include "state/base/text.h"

namespace cvm {

namespace {

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

}  // namespace

void Lifecycle::require(std::string_view step, const Resource& resource) const {
  const Kind& kind = *resource.kind;
  const std::string state = resource.doc.value(kind.state_member, "");
  const auto& from = steps_.get(step).from;
  const bool busy =
      kind.tells_operation && resource.doc.value("LatestOperationState", Json()) == "OPERATING";
  const bool takes = contains(from, state);
  if (takes && !busy) return;
  const auto documents = [&](const std::string& code) {
    return std::binary_search(cause_.documented->begin(), cause_.documented->end(), code);
  };
  const std::string parameter = std::string(kind.id_member) + "s";
  const std::string refusal = std::string(kind.state_refusal) + camel(state);
  if (!takes && documents(refusal)) throw Error{refusal, parameter, resource.id, {}};
  // The first that the page has, else the first.
  const auto choose = [&](std::initializer_list<const char*> codes) {
    const auto found = std::find_if(codes.begin(), codes.end(), documents);
    return std::string(found == codes.end() ? *codes.begin() : *found);
  };
  if (busy) {
    throw Error{choose({"OperationDenied.InstanceOperationInProgress", "MutexOperation.TaskRunning",
                        "InvalidInstance.NotSupported"}),
                parameter,
                resource.id,
                {}};
  }
  throw Error{choose({"InvalidInstance.NotSupported", "UnsupportedOperation"}), parameter,
              resource.id, "Its state is `" + state + "`."};
}

void Lifecycle::enter(const Step& step, const Kind& kind, Json& doc) const {
  Json& state = doc[std::string(kind.state_member)];
  if (!step.via.empty() &&
      (step.via_from.empty() || contains(step.via_from, state.get_ref<const std::string&>())))
    state = step.via;
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
    duration += Milliseconds{static_cast<std::int64_t>(store_.random_stream().below(spread))};
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
  const bool as_it_should =
      effect->state == patch.value(std::string(resource.kind->state_member), step.to) &&
      effect->error_message.empty();
  if (ended.empty()) ended = as_it_should ? "SUCCESS" : "FAILED";
  if (as_it_should && ended == "SUCCESS")
    return schedule(due, Row::operation, step.name, resource.id, patch);
  const Kind& kind = *resource.kind;
  Json wrong = {{std::string(kind.state_member), state}};
  if (state == step.failed) wrong.update(step.failed_sets);
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

Resource Lifecycle::create(std::string_view step, const Kind& kind, RandomStream& random, Json doc,
                           Json hidden) {
  const Step& what = steps_.get(step);
  enter(what, kind, doc);
  Resource made = store_.create(kind, random, std::move(doc), std::move(hidden));
  finish_later(what, made, Json::object(), "");
  set_timers(what, made);
  note(what, made, "");
  return made;
}

void Lifecycle::begin(std::string_view step, Resource& resource, const Json& patch) {
  require(step, resource);
  const Step& what = steps_.get(step);
  const std::string state(resource.kind->state_member);
  const std::string from = resource.doc.value(state, "");
  enter(what, *resource.kind, resource.doc);
  store_.save(resource);
  Json afterwards = patch;
  if (what.to.empty() && !afterwards.contains(state)) afterwards[state] = from;
  finish_later(what, resource, afterwards, from);
  note(what, resource, from);
}

void Lifecycle::begin_at(Time due, std::string_view step, const Resource& resource,
                         const Json& patch) {
  schedule(due, Row::timer, step, resource.id, patch);
}

void Lifecycle::cancel(std::string_view step, const Resource& resource) {
  database_.prepare("delete from transition where id=? and step=? and operation=0")
      .bind(resource.id)
      .bind(step)
      .run();
}

bool Lifecycle::planned(std::string_view step, const Resource& resource) const {
  Statement found =
      database_.prepare("select 1 from transition where id=? and step=? and operation=0");
  return found.bind(resource.id).bind(step).step();
}

void Lifecycle::set_timers(const Step& step, Resource& resource) {
  for (const std::string& timer : step.cancels) cancel(timer, resource);
  if (!step.then.empty()) begin_at(cause_.now + step.then_after, step.then, resource);
  if (step.timer.empty()) return;
  Json& at = resource.doc[step.timer_at];
  if (at.is_null()) return;
  cancel(step.timer, resource);
  const Time due =
      add_months(parse_iso8601(at.get<std::string>()).value_or(cause_.now), step.timer_months);
  at = iso8601(due);
  begin_at(due, step.timer, resource);
}

bool Lifecycle::promised(std::string_view private_ip, std::string_view subnet_id) const {
  Statement found = database_.prepare(
      "select 1 from transition t join resource r on r.id=t.id join partition p on p.part=r.part"
      " where json_extract(t.patch, '$.PrivateIpAddresses[0]')=? and t.account=? and p.region=?"
      " and ?4 in ('', json_extract(t.patch, '$.VirtualPrivateCloud.SubnetId'))");
  return found.bind(private_ip)
      .bind(store_.tenant().account)
      .bind(store_.tenant().region)
      .bind(subnet_id)
      .step();
}

void Lifecycle::drop_operations(const Resource& resource) {
  database_.prepare("delete from transition where id=? and operation>0").bind(resource.id).run();
}

void Lifecycle::force(const Step& step, Resource& resource) {
  drop_operations(resource);
  const std::string from = resource.doc.value(std::string(resource.kind->state_member), "");
  enter(step, *resource.kind, resource.doc);
  store_.save(resource);
  finish_later(step, resource, Json::object(), from);
  note(step, resource, from);
}

void Lifecycle::pass_quietly(const Step& step, Resource& resource, const Json& patch) {
  const std::string state(resource.kind->state_member);
  const std::string from = resource.doc.value(state, "");
  if (!contains(step.from, from)) {
    Statement busy =
        database_.prepare("select max(due) from transition where id=? and operation>0");
    if (busy.bind(resource.id).step() && busy.integer(0) > 0)
      begin_at(Time{Milliseconds{busy.integer(0)}}, step.name, resource, patch);
    return;
  }
  if (!step.to.empty() && resource.doc.value("LatestOperationState", Json()) == "OPERATING") {
    drop_operations(resource);
    resource.doc["LatestOperationState"] = "FAILED";
    resource.doc["LatestOperationErrorMsg"] = "It was cut off: " + step.name + ".";
  }
  finish(step, resource, patch);
  note(step, resource, from);
}

void Lifecycle::finish(const Step& step, Resource& resource, const Json& patch) {
  if (!step.to.empty()) resource.doc[std::string(resource.kind->state_member)] = step.to;
  resource.doc.update(step.sets, true);
  const Json plan = apply(patch, resource);
  // Steps that create have set theirs when they began.
  if (!step.from.empty()) set_timers(step, resource);
  for (const Json& later : plan) {
    begin_at(parse_iso8601(later.at("at").get<std::string>()).value(),
             later.at("step").get<std::string>(), resource, later.at("patch"));
  }
  store_.save(resource);
}

namespace {

struct Row : ScheduledTransition {
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
void fire_timer(Database& database, const Steps& steps, Lifecycle& lifecycle, Resource& resource,
                const Row& row) {
  const Step* step = &steps.get(row.step);
  const Json& values = step->instead_if;
  const bool instead =
      !step->instead.empty() &&
      std::all_of(values.items().begin(), values.items().end(), [&](const auto& item) {
        return resource.doc.value(item.key(), Json()) == item.value();
      });
  if (instead) step = &steps.get(step->instead);
  if (step->quiet) return lifecycle.pass_quietly(*step, resource, Json::parse(row.patch));
  Statement running = database.prepare("select step from transition where id=? and operation>0");
  running.bind(resource.id);
  while (running.step()) {
    if (running.text(0) == step->name || steps.get(running.text(0)).erases) return;
  }
  lifecycle.force(*step, resource);
}

StateChange finish(const Step& step, Store& store, Lifecycle& lifecycle, Resource& resource,
                   const Row& row) {
  const std::string state(resource.kind->state_member);
  StateChange change{row.due,
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
  if (resource.kind->tells_operation) resource.doc["LatestOperationState"] = "SUCCESS";
  lifecycle.finish(step, resource, Json::parse(row.patch));
  change.to = resource.doc.value(state, "");
  return change;
}

}  // namespace

Json apply(const Json& patch, Resource& resource) {
  resource.doc.update(patch, true);
  resource.hidden.update(patch.value("hidden", Json::object()), true);
  resource.doc.erase("hidden");
  Json plan = patch.value("plan", Json::array());
  resource.doc.erase("plan");
  return plan;
}

void add_transition(Database& database, const ScheduledTransition& what) {
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

std::vector<StateChange> apply_due(Database& database, const Steps& steps, std::uint64_t seed,
                                   const std::string& account, Time now) {
  std::vector<StateChange> changes;
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
    Lifecycle lifecycle(database, store, steps, {step.timer_action, row->request_id, row->due});
    if (row->operation == 0) {
      fire_timer(database, steps, lifecycle, resource, *row);
    } else {
      changes.push_back(finish(step, store, lifecycle, resource, *row));
    }
    for (StateChange& change : lifecycle.changes()) changes.push_back(std::move(change));
  }
  work.commit();
  return changes;
}

}  // namespace cvm
