// Matching, counting and choosing. Reading the grammar is in faults_read.cpp, keeping the rules in
// faults_kept.cpp.
#include "state/settings/faults.h"

#include <algorithm>

#include "state/base/error.h"
#include "state/base/fields.h"
#include "state/base/glob.h"
#include "state/base/ids.h"
#include "state/base/text.h"

namespace cvm {

namespace {

constexpr std::size_t rules_max = 1000, requests_kept = 100;

bool any_matches(const std::vector<std::string>& globs, const std::vector<std::string>& texts) {
  return globs.empty() || std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
           return any_glob_matches(globs, text);
         });
}

// All texts in a tree: ids may stand anywhere in it.
void collect_texts(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (!value.is_structured()) return;
  for (const auto& item : value.items()) collect_texts(item.value(), texts);
}

// What the call is about, found out once and only if a rule asks.
class Subject {
 public:
  explicit Subject(const FaultCall& call) : call_(call) {}

  const std::vector<std::string>& texts() {
    if (!texts_) collect_texts(call_.params, texts_.emplace());
    return *texts_;
  }

  std::vector<std::string> states() {
    std::vector<std::string> found;
    for (const Resource& one : resources()) {
      if (!one.kind->state.empty()) found.push_back(one.doc.value(one.kind->state, ""));
    }
    return found;
  }

  // What the parameters say, what they filter by, and where the resources they name are.
  std::vector<std::string> values(std::string_view filter, const Json::json_pointer& parameter,
                                  const Json::json_pointer& member) {
    std::vector<std::string> found;
    const auto take = [&](const Json& from, const Json::json_pointer& path) {
      if (from.contains(path)) collect_texts(from.at(path), found);
    };
    take(call_.params, parameter);
    if (const auto filters = call_.params.find("Filters"); filters != call_.params.end()) {
      for (const auto& item : filters->items()) {
        if (item.value().is_object() && item.value().value("Name", Json()) == filter) {
          take(item.value(), Json::json_pointer("/Values"));
        }
      }
    }
    for (const Resource& one : resources()) take(one.doc, member);
    return found;
  }

 private:
  const std::vector<Resource>& resources() {
    if (resources_) return *resources_;
    resources_.emplace();
    for (const std::string& text : texts()) {
      for (const auto& kind : call_.store.kinds().all()) {
        if (!kind->is_id(text)) continue;
        if (auto one = call_.store.find(kind->name, text)) resources_->push_back(std::move(*one));
      }
    }
    return *resources_;
  }

  const FaultCall& call_;
  std::optional<std::vector<std::string>> texts_;
  std::optional<std::vector<Resource>> resources_;
};

bool holds(const FaultRule& rule, const FaultCall& call, Subject& subject) {
  static const Json::json_pointer zone("/Placement/Zone"), type("/InstanceType");
  const Tenant& tenant = call.store.tenant();
  if (!rule.account.empty() && rule.account != tenant.account) return false;
  if (!any_glob_matches(rule.actions, call.action) ||
      !any_glob_matches(rule.regions, call.region)) {
    return false;
  }
  if (!rule.params.empty() && !is_part(rule.params, call.params)) return false;
  if (!any_matches(rule.resources,
                   rule.resources.empty() ? std::vector<std::string>{} : subject.texts())) {
    return false;
  }
  if (!rule.states.empty() && !any_matches(rule.states, subject.states())) return false;
  if (!rule.zones.empty() && !any_matches(rule.zones, subject.values("zone", zone, zone)))
    return false;
  return rule.types.empty() || any_matches(rule.types, subject.values("instance-type", type, type));
}

// Counts the match; whether the rule acts on it.
bool acts(FaultRule& rule, std::uint64_t seed) {
  const std::int64_t number = rule.matched++;
  rule.counted = true;
  if (number < rule.skip) return false;
  if (rule.probability >= 1) return true;
  RandomStream random(seed, "fault/" + rule.id, static_cast<std::uint64_t>(number));
  constexpr double steps = 1U << 30U;
  return static_cast<double>(random.below(1U << 30U)) / steps < rule.probability;
}

Milliseconds delay_of(const Effect& effect, const FaultRule& rule, std::uint64_t seed) {
  const auto spread = static_cast<std::uint64_t>((effect.delay_max - effect.delay_min).count()) + 1;
  RandomStream random(seed, "fault-delay/" + rule.id, static_cast<std::uint64_t>(rule.matched));
  return effect.delay_min + Milliseconds{static_cast<std::int64_t>(random.below(spread))};
}

bool available(const FaultRule& rule, const FaultCall& call, const FaultDecision& decision) {
  if (rule.spent() || contains(decision.rules, rule.id)) return false;
  if (rule.expires.empty()) return true;
  const auto own = rule.expires.find(call.store.tenant().account);
  return call.now < (own == rule.expires.end() ? rule.expires.at("") : own->second);
}

// Takes the rule's next effect.
const Effect& fire(FaultRule& rule, const FaultCall& call, std::uint64_t seed,
                   FaultDecision& decision) {
  const Effect& effect = rule.next();
  ++rule.used;
  if (effect.kind == Effect::Kind::none && !effect.delays()) return effect;
  ++rule.fired;
  rule.requests.emplace_back(call.request_id);
  if (rule.requests.size() > requests_kept) rule.requests.pop_front();
  decision.rules.push_back(rule.id);
  if (effect.delays()) decision.delay += delay_of(effect, rule, seed);
  return effect;
}

}  // namespace

bool is_part(const Json& part, const Json& whole) {
  if (part.is_object()) {
    if (!whole.is_object()) return false;
    for (const auto& item : part.items()) {
      const auto found = whole.find(item.key());
      if (found == whole.end() || !is_part(item.value(), *found)) return false;
    }
    return true;
  }
  if (!part.is_array() || !whole.is_array()) return part == whole;
  auto from = whole.begin();
  for (const Json& element : part) {
    from = std::find_if(from, whole.end(), [&](const Json& one) { return is_part(element, one); });
    if (from == whole.end()) return false;
    ++from;
  }
  return true;
}

const Effect& FaultRule::next() const {
  const auto last = static_cast<std::int64_t>(steps.size()) - 1;
  return steps[static_cast<std::size_t>(std::min(used, last))];
}

void Faults::put(FaultRule rule) {
  const auto same = std::find_if(rules_.begin(), rules_.end(),
                                 [&](const FaultRule& one) { return one.id == rule.id; });
  if (same != rules_.end()) {
    *same = std::move(rule);
    return;
  }
  if (rules_.size() >= rules_max) {
    throw ConfigError{"faults: there can be " + std::to_string(rules_max) + " rules at most"};
  }
  rules_.push_back(std::move(rule));
}

const FaultRule& Faults::add(const Json& given, const FaultNames& names,
                             const std::map<std::string, Time, std::less<>>& now) {
  FaultRule rule = read_fault(given, names);
  while (rule.id.empty() || (!given.contains("id") && find(rule.id) != nullptr)) {
    rule.id = "fault-" + std::to_string(++numbered_);
  }
  if (rule.when.contains("ttl_s") && !rule.when["ttl_s"].is_null()) {
    const double seconds = rule.when["ttl_s"].get<double>();
    for (const auto& [account, time] : now)
      rule.expires[account] = time + Milliseconds{std::llround(seconds * 1000)};
  }
  const std::string id = rule.id;
  put(std::move(rule));
  return *find(id);
}

bool Faults::erase(std::string_view id) {
  return std::erase_if(rules_, [&](const FaultRule& rule) { return rule.id == id; }) > 0;
}

void Faults::clear(const std::string& account) {
  std::erase_if(rules_,
                [&](const FaultRule& rule) { return account.empty() || rule.account == account; });
}

const FaultRule* Faults::find(std::string_view id) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(),
                                  [&](const FaultRule& rule) { return rule.id == id; });
  return found == rules_.end() ? nullptr : &*found;
}

std::optional<std::int64_t> Faults::throttle(const FaultCall& call, std::uint64_t seed,
                                             FaultDecision& decision) {
  Subject subject(call);
  for (FaultRule& rule : rules_) {
    if (rule.next().kind != Effect::Kind::throttle || !available(rule, call, decision)) continue;
    if (!holds(rule, call, subject) || !acts(rule, seed)) continue;
    return fire(rule, call, seed, decision).limit;
  }
  return std::nullopt;
}

void Faults::evaluate(const FaultCall& call, std::uint64_t seed, FaultDecision& decision) {
  Subject subject(call);
  for (FaultRule& rule : rules_) {
    if (rule.next().kind == Effect::Kind::throttle || !available(rule, call, decision)) continue;
    if (!holds(rule, call, subject) || !acts(rule, seed)) continue;
    const Effect& effect = fire(rule, call, seed, decision);
    if (effect.kind == Effect::Kind::none) continue;
    decision.effect = effect;
    return;
  }
}

Json Faults::shown(const FaultRule& rule) {
  auto own = rule.expires.find(rule.account);
  if (own == rule.expires.end()) own = rule.expires.find("");
  const Json expires_at = own == rule.expires.end() ? Json() : Json(iso8601(own->second));
  return {{"id", rule.id},       {"match", rule.match},      {"when", rule.when},
          {"do", rule.effects},  {"expires_at", expires_at}, {"matched", rule.matched},
          {"fired", rule.fired}, {"requests", rule.requests}};
}

}  // namespace cvm
