// Operations as rows: what begins them, and what they do to a resource when they end.
#include "state/lifecycle/lifecycle.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "state/base/error.h"
#include "state/base/text.h"
#include "state/store/records.h"

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

constexpr std::size_t rounds_told_max = 12;

bool is_busy(const Resource& resource) {
  const std::string& operation = resource.kind->operation;
  return !operation.empty() && resource.doc.value(operation + "State", Json()) == "OPERATING";
}

}  // namespace

Operation Lifecycle::prepare(std::string_view step, Resource& resource) {
  const Kind& kind = *resource.kind;
  const Step& what = steps_.get(step);
  const std::string state = resource.doc.value(kind.state, "");
  const bool takes = contains(what.from, state), busy = is_busy(resource);
  if (!takes || busy) refuse(kind, resource.id, state, busy, takes);
  return {*this, what, resource};
}

void Lifecycle::refuse(const Kind& kind, const std::string& id, const std::string& state, bool busy,
                       bool takes) const {
  const auto documents = [&](const std::string& code) {
    return std::binary_search(cause_.documented->begin(), cause_.documented->end(), code);
  };
  const std::string parameter = kind.id_member + "s";
  std::string refusal = kind.refusal;
  if (const std::size_t star = refusal.find('*'); star != refusal.npos)
    refusal.replace(star, 1, camel(state));
  if (!takes && documents(refusal)) throw Error{refusal, parameter, id, {}};
  // The first that the page has, else the first.
  const std::vector<std::string>& codes = busy ? kind.busy : kind.refused;
  const auto found = std::find_if(codes.begin(), codes.end(), documents);
  throw Error{found == codes.end() ? codes.at(0) : *found, parameter, id,
              busy ? "" : "Its state is `" + state + "`."};
}

void Operation::begin(const Json& patch) { lifecycle_->begin(*step_, *resource_, patch); }

void Lifecycle::enter(const Step& step, const Kind& kind, Json& doc) const {
  Json& state = doc[kind.state];
  if (!step.via.empty() &&
      (step.via_from.empty() || contains(step.via_from, state.get_ref<const std::string&>())))
    state = step.via;
  if (kind.operation.empty()) return;
  doc[kind.operation] = cause_.action;
  doc[kind.operation + "State"] = "OPERATING";
  doc[kind.operation + "RequestId"] = cause_.request_id;
  doc[kind.operation + "ErrorMsg"] = "";
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
  add_transition(store_.records(),
                 {store_.tenant().account, std::min(due, time_end), std::string(id),
                  static_cast<std::int64_t>(row), std::string(step), std::string(cause_.request_id),
                  patch.dump()});
}

// Until then, nobody else may get what the patch is going to give.
void Lifecycle::end_as_planned(Time due, const Step& step, const Resource& resource,
                               const Json& patch) {
  schedule(due, Row::operation, step.name, resource.id, patch);
  store_.reserve(resource, patch);
}

void Lifecycle::finish_later(const Step& step, const Resource& resource, const Json& patch,
                             const std::string& state_before) {
  const std::int64_t member = begun_++;
  Time due = cause_.now + duration(step);
  const Effect* effect = cause_.effect;
  if (effect != nullptr && effect->kind == Effect::Kind::stuck) return;
  // Of a call that works on several kinds, a state concerns those that can be in it.
  const auto concerned = [&] {
    return effect->concerns(member) &&
           (effect->state.empty() || contains(resource.kind->states, effect->state));
  };
  if (effect == nullptr || effect->kind != Effect::Kind::outcome || !concerned()) {
    return end_as_planned(due, step, resource, patch);
  }
  if (effect->after_ms >= 0) due = cause_.now + Milliseconds{effect->after_ms};
  std::string state = effect->state, ended = effect->operation_state;
  if (state.empty()) state = step.failed.empty() ? state_before : step.failed;
  const bool as_it_should =
      effect->state == patch.value(resource.kind->state, step.to) && effect->error_message.empty();
  if (ended.empty()) ended = as_it_should ? "SUCCESS" : "FAILED";
  if (as_it_should && ended == "SUCCESS") return end_as_planned(due, step, resource, patch);
  const Kind& kind = *resource.kind;
  Json wrong = {{kind.state, state}};
  if (state == step.failed) wrong.update(step.failed_sets);
  if (!kind.operation.empty()) {
    wrong[kind.operation + "State"] = ended;
    wrong[kind.operation + "ErrorMsg"] = effect->error_message;
  }
  schedule(due, Row::outcome, step.name, resource.id, wrong);
}

void Lifecycle::note(const Step& step, const Resource& resource, const std::string& from,
                     Time time) {
  changes_.push_back({time, store_.tenant().account, resource.kind->name, resource.id, from,
                      resource.doc.value(resource.kind->state, ""), step.name,
                      std::string(cause_.request_id)});
}

Resource Lifecycle::create(std::string_view step, std::string_view kind, RandomStream& random,
                           Json doc, Json hidden) {
  return create_in(store_, step, kind, random, std::move(doc), std::move(hidden));
}

Resource Lifecycle::create_in(Store& there, std::string_view step, std::string_view kind,
                              RandomStream& random, Json doc, Json hidden) {
  const Step& what = steps_.get(step);
  enter(what, there.kind(kind), doc);
  Resource made = there.draft(kind, random, std::move(doc), std::move(hidden));
  note(what, made, "", cause_.now);
  const bool at_once = is_instant(what);
  if (at_once) finish_now(what, made, Json::object());
  there.insert(made);
  if (!at_once) finish_later(what, made, Json::object(), "");
  set_timers(what, made);
  return made;
}

bool Lifecycle::is_instant(const Step& step) const {
  const auto effect = cause_.effect == nullptr ? Effect::Kind::none : cause_.effect->kind;
  return step.delay.count() == 0 && step.jitter.count() == 0 && effect != Effect::Kind::stuck &&
         effect != Effect::Kind::outcome && effect != Effect::Kind::slow;
}

// What takes no time has happened when the call is over, as if it had been due at once.
void Lifecycle::finish_now(const Step& step, Resource& resource, const Json& patch) {
  const std::string from = resource.doc.value(resource.kind->state, "");
  ++begun_;
  settle(step, resource, patch);
  note(step, resource, from, cause_.now);
}

void Lifecycle::begin(const Step& step, Resource& resource, const Json& patch) {
  const std::string& state = resource.kind->state;
  const std::string from = resource.doc.value(state, "");
  enter(step, *resource.kind, resource.doc);
  Json afterwards = patch;
  if (step.to.empty() && !afterwards.contains(state)) afterwards[state] = from;
  note(step, resource, from, cause_.now);
  if (is_instant(step) && !step.erases) {
    finish_now(step, resource, afterwards);
    store_.save(resource);
  } else {
    store_.save(resource);
    finish_later(step, resource, afterwards, from);
  }
}

void Lifecycle::begin_at(Time due, std::string_view step, const Resource& resource,
                         const Json& patch) {
  if (due < time_end) schedule(due, Row::timer, step, resource.id, patch);
}

void Lifecycle::cancel(std::string_view step, const Resource& resource) {
  store_.records()
      .database.prepare("delete from transition where id=? and step=? and operation=0")
      .bind(resource.id)
      .bind(step)
      .run();
}

bool Lifecycle::planned(std::string_view step, const Resource& resource) const {
  Statement found = store_.records().database.prepare(
      "select 1 from transition where id=? and step=? and operation=0");
  return found.bind(resource.id).bind(step).step();
}

std::optional<Time> Lifecycle::due(const Resource& resource) const {
  Statement found = store_.records().database.prepare(
      "select min(due) from transition where id=? and operation>0 having count(*) > 0");
  if (!found.bind(resource.id).step()) return std::nullopt;
  return Time{Milliseconds{found.integer(0)}};
}

void Lifecycle::set_timers(const Step& step, Resource& resource) {
  for (const std::string& timer : step.cancels) cancel(timer, resource);
  if (!step.then.empty()) begin_at(cause_.now + step.then_after, step.then, resource);
  if (step.timer.empty()) return;
  Json& at = resource.doc[step.timer_at];
  if (at.is_null()) return;
  cancel(step.timer, resource);
  Time due =
      add_months(parse_iso8601(at.get<std::string>()).value_or(cause_.now), step.timer_months);
  if (step.timer_months > 0) due = repeat(step, resource, due);
  at = iso8601(due);
  begin_at(due, step.timer, resource);
}

// A step whose timer begins it again, as a subscription renews itself, goes round at once as long
// as nothing else happens to the resource: what comes of it is the same, and a leap of centuries
// costs no more than one of a year. Of the rounds, those of the first year are noted.
Time Lifecycle::repeat(const Step& step, const Resource& resource, Time due) {
  const Step& timer = steps_.get(step.timer);
  if (timer.instead != step.name || !step.to.empty() || !timer.gives_way(resource.doc)) return due;
  Time until = cause_.horizon;
  {
    Statement other = store_.records().database.prepare(
        "select min(due) from transition where id=? having count(*) > 0");
    if (other.bind(resource.id).step())
      until = std::min(until, Time{Milliseconds{other.integer(0) - 1}});
  }
  const std::int64_t months = step.timer_months;
  while (due <= until && due < time_end) {
    const bool told = repeated_.size() + 1 < rounds_told_max;
    if (told) repeated_.push_back(due);
    // Only the first 28 days are in every month: later ones may move when one is left out.
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(due)};
    const bool one_by_one = told || date.day() > std::chrono::day{28};
    const std::int64_t rounds = one_by_one ? 1 : months_between(due, until) / months;
    due = add_months(due, std::max<std::int64_t>(1, rounds) * months);
  }
  return due;
}

void Lifecycle::drop_operations(const Resource& resource) {
  store_.records()
      .database.prepare("delete from transition where id=? and operation>0")
      .bind(resource.id)
      .run();
  store_.release(resource);
}

void Lifecycle::end_operations(Resource& resource, const std::string& how,
                               const std::string& message) {
  drop_operations(resource);
  const std::string& operation = resource.kind->operation;
  if (operation.empty()) return;
  resource.doc[operation + "State"] = how;
  resource.doc[operation + "ErrorMsg"] = message;
}

void Lifecycle::force(const Step& step, Resource& resource) {
  drop_operations(resource);
  const std::string from = resource.doc.value(resource.kind->state, "");
  enter(step, *resource.kind, resource.doc);
  store_.save(resource);
  finish_later(step, resource, Json::object(), from);
  note(step, resource, from, cause_.now);
}

void Lifecycle::pass_quietly(const Step& step, Resource& resource, const Json& patch) {
  const std::string& state = resource.kind->state;
  const std::string from = resource.doc.value(state, "");
  if (!contains(step.from, from)) {
    Statement busy = store_.records().database.prepare(
        "select max(due) from transition where id=? and operation>0");
    if (busy.bind(resource.id).step() && busy.integer(0) > 0)
      begin_at(Time{Milliseconds{busy.integer(0)}}, step.name, resource, patch);
    return;
  }
  if (!step.to.empty() && is_busy(resource))
    end_operations(resource, "FAILED", "It was cut off: " + step.name + ".");
  finish(step, resource, patch);
  note(step, resource, from, cause_.now);
  for (const Time again : std::exchange(repeated_, {})) note(step, resource, from, again);
}

void Lifecycle::settle(const Step& step, Resource& resource, const Json& patch) {
  const Kind& kind = *resource.kind;
  if (!step.quiet && !kind.operation.empty()) resource.doc[kind.operation + "State"] = "SUCCESS";
  if (!step.to.empty()) resource.doc[kind.state] = step.to;
  resource.doc.update(step.sets, true);
  const Json plan = apply(patch, resource);
  // Steps that create have set theirs when they began.
  if (!step.from.empty()) set_timers(step, resource);
  for (const Json& later : plan) {
    begin_at(parse_iso8601(later.at("at").get<std::string>()).value(),
             later.at("step").get<std::string>(), resource, later.at("patch"));
  }
}

void Lifecycle::finish(const Step& step, Resource& resource, const Json& patch) {
  settle(step, resource, patch);
  store_.save(resource);
}

Json apply(const Json& patch, Resource& resource) {
  resource.doc.update(patch, true);
  resource.hidden.update(patch.value("hidden", Json::object()), true);
  resource.doc.erase("hidden");
  Json plan = patch.value("plan", Json::array());
  resource.doc.erase("plan");
  return plan;
}

void add_transition(Records& records, const ScheduledTransition& what) {
  records.falls_due(what.account, what.due);
  records.database
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

}  // namespace cvm
