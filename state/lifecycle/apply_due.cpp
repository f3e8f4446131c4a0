// What falls due comes true, row by row in due order.
#include <new>
#include <stdexcept>

#include "state/base/error.h"
#include "state/base/parse_json.h"
#include "state/lifecycle/lifecycle.h"
#include "state/store/records.h"

namespace cvm {

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
void fire_timer(const Steps& steps, Store& store, Lifecycle& lifecycle, Resource& resource,
                const Row& row) {
  const Step* step = &steps.get(row.step);
  if (step->gives_way(resource.doc)) step = &steps.get(step->instead);
  if (step->quiet) return lifecycle.pass_quietly(*step, resource, stored_json(row.patch));
  Statement running =
      store.records().database.prepare("select step from transition where id=? and operation>0");
  running.bind(resource.id);
  while (running.step()) {
    if (running.text(0) == step->name || steps.get(running.text(0)).erases) return;
  }
  lifecycle.force(*step, resource);
}

StateChange finish(const Step& step, Store& store, Lifecycle& lifecycle, Resource& resource,
                   const Row& row) {
  const Kind& kind = *resource.kind;
  const std::string& state = kind.state;
  StateChange change{
      row.due,   store.tenant().account, kind.name, resource.id, resource.doc.value(state, ""), "",
      step.name, row.request_id};
  if (row.operation == 2) {
    resource.doc.update(stored_json(row.patch), true);
    store.save(resource);
    change.to = resource.doc.value(state, "");
    return change;
  }
  if (step.erases) {
    store.erase(resource);
    return change;
  }
  store.release(resource);
  lifecycle.finish(step, resource, stored_json(row.patch));
  change.to = resource.doc.value(state, "");
  return change;
}

std::vector<StateChange> apply_row(const Steps& steps, Store& store, const Kind& kind,
                                   const Row& row, Time horizon) {
  Savepoint work(store.records().database);
  std::vector<StateChange> changes;
  Resource resource = store.get(kind.name, row.id);
  const Step& step = steps.get(row.step);
  Lifecycle lifecycle(store, steps,
                      {.action = step.timer_action,
                       .request_id = row.request_id,
                       .now = row.due,
                       .horizon = horizon});
  if (row.operation == 0) {
    fire_timer(steps, store, lifecycle, resource, row);
  } else {
    changes.push_back(finish(step, store, lifecycle, resource, row));
  }
  for (StateChange& change : lifecycle.changes()) changes.push_back(std::move(change));
  work.commit();
  return changes;
}

// What is wrong with a row that cannot be applied; empty if nothing is. A database that fails or
// memory that is out says nothing about the row, and is passed on.
template <class Work>
std::string problem_of(Work work) {
  try {
    work();
    return {};
  } catch (const std::runtime_error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& bug) {
    return bug.what();
  } catch (const Error& refusal) {
    return refusal.code;
  }
}

// A row that is taken off the table. One that cannot be applied is told, and left.
void apply_one(Records& records, const Steps& steps, std::uint64_t seed, const Row& row, Time now,
               std::vector<StateChange>& changes) {
  const auto place = Store::locate(records, row.id);
  if (!place || place->second == nullptr) return;
  Store store(records, seed, place->first);
  std::vector<StateChange> applied;
  const std::string problem =
      problem_of([&] { applied = apply_row(steps, store, *place->second, row, now); });
  if (!problem.empty()) {
    // What it was going to give is free again.
    if (row.operation == 1) store.release(store.get(place->second->name, row.id));
    applied = {{row.due, row.account, place->second->name, row.id, "", "", "dropped: " + problem,
                row.request_id}};
  }
  for (StateChange& change : applied) changes.push_back(std::move(change));
}

// When the account's next row falls due; the end of time if it has none.
Time first_due(Database& database, const std::string& account) {
  Statement first =
      database.prepare("select due from transition where account=? order by due limit 1");
  first.bind(account);
  return first.step() ? Time{Milliseconds{first.integer(0)}} : Time::max();
}

}  // namespace

std::vector<StateChange> apply_due(Records& records, const Steps& steps, std::uint64_t seed,
                                   const std::string& account, Time now, std::int64_t most) {
  std::vector<StateChange> changes;
  if (records.is_quiet(account, now)) return changes;
  Database& database = records.database;
  std::optional<Row> row = next_due(database, account, now);
  if (row) {
    Savepoint work(database);
    for (; row && most > 0; row = next_due(database, account, now), --most) {
      database.prepare("delete from transition where seq=?").bind(row->seq).run();
      apply_one(records, steps, seed, *row, now, changes);
    }
    work.commit();
  }
  if (!row) records.quiet_before(account, first_due(database, account));
  return changes;
}

}  // namespace cvm
