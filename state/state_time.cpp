// How simulated time moves: each account's clock, what falls due, jumps to what comes next.
#include <algorithm>

#include "state/base/error.h"
#include "state/state.h"
#include "state/store/records.h"

namespace cvm {

namespace {

void in_order(std::vector<StateChange>& changes) {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const StateChange& a, const StateChange& b) { return a.time < b.time; });
}

}  // namespace

const Clock& State::clock(const std::string& account) const {
  const auto own = settings_.own_clocks.find(account);
  return own == settings_.own_clocks.end() ? settings_.clock : own->second;
}

std::map<std::string, Time, std::less<>> State::times(Time wall) const {
  std::map<std::string, Time, std::less<>> times = {{"", settings_.clock.now(wall)}};
  for (const auto& [account, clock] : settings_.own_clocks) times[account] = clock.now(wall);
  return times;
}

std::vector<StateChange> State::apply_due_account(const std::string& account, Time wall) {
  return cvm::apply_due(records(), settings_.steps, settings_.seed, account, now(account, wall));
}

bool State::apply_due(const std::string& account, Time wall, std::int64_t most) {
  const Time now = this->now(account, wall);
  record(cvm::apply_due(records(), settings_.steps, settings_.seed, account, now, most));
  return records().is_quiet(account, now);
}

void State::apply_due_all(Time wall) {
  std::vector<StateChange> changes;
  for (const std::string& scope : scopes("")) {
    for (StateChange& change : apply_due_scope(scope, wall)) changes.push_back(std::move(change));
  }
  in_order(changes);
  record(std::move(changes));
}

Clock& State::clock_of(const std::string& scope) {
  return scope.empty() ? settings_.clock : settings_.own_clocks.at(scope);
}

std::vector<std::string> State::scopes(const std::string& account) const {
  if (!account.empty()) return {account};
  std::vector<std::string> all = {""};
  for (const auto& [own, clock] : settings_.own_clocks) all.push_back(own);
  return all;
}

std::vector<std::string> State::waiting_in(const std::string& scope) const {
  if (!scope.empty()) return {scope};
  std::vector<std::string> accounts;
  Statement waiting =
      database().prepare("select distinct account from transition order by account");
  while (waiting.step()) {
    std::string name(waiting.text(0));
    if (!settings_.own_clocks.contains(name)) accounts.push_back(std::move(name));
  }
  return accounts;
}

std::vector<StateChange> State::apply_due_scope(const std::string& scope, Time wall) {
  std::vector<StateChange> changes;
  for (const std::string& name : waiting_in(scope)) {
    for (StateChange& change : apply_due_account(name, wall)) changes.push_back(std::move(change));
  }
  return changes;
}

State::Pending State::pending_in(const std::string& scope) const {
  Pending sum;
  for (const std::string& name : waiting_in(scope)) {
    Statement counted = database().prepare(
        "select operation, count(*), min(due), max(due) from transition where account=?"
        " group by operation");
    counted.bind(name);
    while (counted.step()) {
      const Time due{Milliseconds{counted.integer(2)}};
      if (!sum.next_due || due < *sum.next_due) sum.next_due = due;
      if (counted.integer(0) == 0) continue;
      sum.operations += counted.integer(1);
      sum.last_operation =
          std::max(sum.last_operation.value_or(due), Time{Milliseconds{counted.integer(3)}});
    }
  }
  return sum;
}

State::Pending State::pending(const std::string& account) const {
  Pending sum;
  for (const std::string& scope : account.empty() ? scopes("") : std::vector{account}) {
    const Pending part = pending_in(scope);
    sum.operations += part.operations;
    if (part.last_operation)
      sum.last_operation =
          std::max(sum.last_operation.value_or(*part.last_operation), *part.last_operation);
    if (part.next_due)
      sum.next_due = std::min(sum.next_due.value_or(*part.next_due), *part.next_due);
  }
  return sum;
}

bool State::has_resources(const std::string& scope) const {
  for (const auto& [number, in] : records().index.partitions()) {
    if (in.all.isEmpty()) continue;
    if (scope.empty() ? !settings_.own_clocks.contains(in.account) : in.account == scope)
      return true;
  }
  return false;
}

// When the row at a place among those that are due by then falls due, counted from 0 in due order.
std::optional<Time> State::due_at(const std::string& scope, Time until, std::int64_t place) const {
  Statement due = database().prepare(
      scope.empty()
          ? "select due from transition where due<=?2 and account not in"
            " (select account from account where clock<>'') order by due limit 1 offset ?3"
          : "select due from transition where due<=?2 and account=?1 order by due limit 1 offset "
            "?3");
  due.bind(scope).bind(until.time_since_epoch().count()).bind(place);
  return due.step() ? std::optional(Time{Milliseconds{due.integer(0)}}) : std::nullopt;
}

// What falls due at one moment is never torn apart: the clock stands after it.
void State::stop_at_bound(const std::string& scope, Time before, Time wall, Moved& moved) {
  Clock& clock = clock_of(scope);
  const Time target = clock.now(wall);
  const std::int64_t left = transitions_max_ - static_cast<std::int64_t>(moved.changes.size());
  if (left <= 0) {
    if (!due_at(scope, target, 0)) return;
    clock.set(before, wall);
  } else {
    const auto last = due_at(scope, target, left - 1);
    if (!last || *last >= target) return;
    clock.set(*last, wall);
  }
  moved.complete = false;
}

void State::move_scopes(const std::string& account, const ClockMove& move, Time wall,
                        Moved& moved) {
  if (!account.empty()) settings_.own_clocks.try_emplace(account, settings_.clock);
  for (const std::string& scope : scopes(account)) {
    Clock& clock = clock_of(scope);
    const Time before = clock.now(wall);
    move(scope, clock);
    const Time after = clock.now(wall);
    if (after < before && has_resources(scope)) {
      throw ConfigError{"clock: time cannot run backwards while resources exist: it is " +
                        iso8601(before) + ", asked for " + iso8601(after)};
    }
    stop_at_bound(scope, before, wall, moved);
    save_clock(scope);
    for (StateChange& change : apply_due_scope(scope, wall))
      moved.changes.push_back(std::move(change));
  }
}

State::Moved State::move_clock(const std::string& account, const ClockMove& move, Time wall) {
  StateTransaction work(*this);
  Moved moved;
  move_scopes(account, move, wall, moved);
  work.commit();
  in_order(moved.changes);
  record(moved.changes);
  return moved;
}

// Nobody is idle before the last of the operations that are under way has ended; it may be that
// timers have begun others by then.
State::Moved State::advance_until_idle(const std::string& account, Time wall) {
  StateTransaction work(*this);
  Moved moved;
  for (bool idle = false; !idle && moved.complete;) {
    idle = true;
    const ClockMove to_last = [&](const std::string& scope, Clock& clock) {
      const Pending waiting = pending_in(scope);
      if (!waiting.last_operation) return;
      idle = false;
      clock.set(std::max(*waiting.last_operation, clock.now(wall)), wall);
    };
    move_scopes(account, to_last, wall, moved);
  }
  work.commit();
  in_order(moved.changes);
  record(moved.changes);
  return moved;
}

void State::jump_if_shown(const std::string& account, const std::vector<std::string>& ids,
                          Time wall) {
  if (clock(account).mode() != Clock::Mode::automatic) return;
  std::optional<Time> next;
  for (const std::string& id : ids) {
    Statement due = database().prepare(
        "select min(due) from transition where id=? and operation>0 having count(*) > 0");
    if (!due.bind(id).step()) continue;
    const Time at{Milliseconds{due.integer(0)}};
    if (!next || at < *next) next = at;
  }
  if (!next || *next <= now(account, wall)) return;
  // The account's own clock jumps: nobody else's time moves because this client polls.
  settings_.own_clocks.try_emplace(account, settings_.clock).first->second.set(*next, wall);
  save_clock(account);
}

}  // namespace cvm
