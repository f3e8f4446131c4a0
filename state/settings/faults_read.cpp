// Reads the grammar of fault rules and refuses what cannot work, with the reason.
#include <algorithm>
#include <cmath>

#include "state/base/fields.h"
#include "state/base/glob.h"
#include "state/settings/faults.h"

namespace cvm {

namespace {

constexpr double delay_ms_max = 600'000, seconds_max = 10.0 * 365 * 86400, factor_max = 1e6;
constexpr double count_max = 1e9;
constexpr std::size_t body_bytes_max = 1 << 20, effects_max = 1000, globs_max = 100;

[[noreturn]] void wrong(const std::string& where, const std::string& reason) {
  throw ConfigError{"fault: " + where + ": " + reason};
}

std::string text(const Json& value, const std::string& where) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    wrong(where, "must be a text, not " + value.dump());
  }
  return value.get<std::string>();
}

double number(const Json& value, const std::string& where, double low, double high) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    wrong(where, "must be a number from " + Json(low).dump() + " to " + Json(high).dump() +
                     ", not " + value.dump());
  }
  return value.get<double>();
}

std::int64_t integer(const Json& value, const std::string& where, double low, double high) {
  if (!value.is_number_integer()) wrong(where, "must be an integer, not " + value.dump());
  return static_cast<std::int64_t>(number(value, where, low, high));
}

// Texts with `*`, one or a list.
std::vector<std::string> patterns(const Json& value, const std::string& where) {
  if (value.is_array() && (value.empty() || value.size() > globs_max))
    wrong(where, "must be a pattern or a list of 1 to " + std::to_string(globs_max));
  std::vector<std::string> all;
  for (const Json& one : value.is_array() ? value : Json::array({value})) {
    all.push_back(text(one, where));
    check_glob(all.back(), "fault: " + where + ": ");
  }
  return all;
}

// Each must match at least one of what there is.
template <class Names, class NameOf>
std::vector<std::string> globs(const Json& value, const std::string& where, const Names& names,
                               NameOf name_of) {
  std::vector<std::string> all = patterns(value, where);
  for (const std::string& glob : all) {
    const bool known = std::any_of(names.begin(), names.end(), [&](const auto& name) {
      return glob_matches(glob, name_of(name));
    });
    if (!known) wrong(where, "there is none like `" + glob + "`");
  }
  return all;
}

std::vector<const Zone*> zones_of(const FaultRule& rule, const Catalog& catalog) {
  std::vector<const Zone*> zones;
  for (const Region& region : catalog.regions()) {
    if (!any_glob_matches(rule.regions, region.id)) continue;
    for (const Zone& zone : region.zones) zones.push_back(&zone);
  }
  return zones;
}

// Whether any action that the rule can match passes the test.
template <class Test>
bool some_action(const FaultRule& rule, const FaultNames& names, Test test) {
  return std::any_of(names.actions.begin(), names.actions.end(), [&](std::string_view action) {
    return any_glob_matches(rule.actions, action) && test(action);
  });
}

void read_match(const Json& match, FaultRule& rule, const FaultNames& names) {
  only(match,
       {"action", "region", "zone", "instance_type", "account", "resource", "resource_state",
        "params"},
       "fault: match: ");
  const auto given = [&](const char* name) { return match.contains(name); };
  const auto same = [](std::string_view name) { return name; };
  if (given("action")) rule.actions = globs(match["action"], "match.action", names.actions, same);
  if (given("region")) {
    rule.regions = globs(match["region"], "match.region", names.catalog.regions(),
                         [](const Region& region) { return region.id; });
  }
  if (given("zone")) {
    rule.zones = globs(match["zone"], "match.zone", zones_of(rule, names.catalog),
                       [](const Zone* zone) { return zone->id; });
  }
  if (given("instance_type")) {
    rule.types =
        globs(match["instance_type"], "match.instance_type", names.catalog.instance_types(),
              [](const InstanceType& type) { return type.id; });
  }
  if (given("account")) rule.account = names.account(text(match["account"], "match.account"));
  if (given("resource")) rule.resources = patterns(match["resource"], "match.resource");
  if (given("resource_state"))
    rule.states = globs(match["resource_state"], "match.resource_state", names.states, same);
  if (!given("params")) return;
  rule.params = match["params"];
  if (!rule.params.is_object()) wrong("match.params", "must be an object of parameters");
  for (const auto& item : rule.params.items()) {
    if (!some_action(rule, names, [&](std::string_view action) {
          return names.has_parameter(action, item.key());
        })) {
      wrong("match.params", "no such action has a parameter `" + item.key() + "`");
    }
  }
}

void read_when(const Json& when, FaultRule& rule) {
  only(when, {"skip", "times", "probability", "ttl_s"}, "fault: when: ");
  const auto given = [&](const char* name) { return when.contains(name) && !when[name].is_null(); };
  if (given("skip")) rule.skip = integer(when["skip"], "when.skip", 0, count_max);
  if (given("times")) rule.times = integer(when["times"], "when.times", 1, count_max);
  if (given("probability")) {
    rule.probability = number(when["probability"], "when.probability", 0, 1);
    if (rule.probability <= 0) wrong("when.probability", "with 0 the rule would never fire");
  }
  if (given("ttl_s")) number(when["ttl_s"], "when.ttl_s", 0.001, seconds_max);
}

void read_delay(const Json& given, const std::string& where, Effect& effect) {
  const auto ms = [&](const Json& value) {
    return Milliseconds{integer(value, where, 0, delay_ms_max)};
  };
  if (!given.is_array()) {
    effect.delay_min = effect.delay_max = ms(given);
    return;
  }
  if (given.size() != 2) wrong(where, "must be a number or [min, max]");
  effect.delay_min = ms(given[0]);
  effect.delay_max = ms(given[1]);
  if (effect.delay_max < effect.delay_min) wrong(where, "the second number is below the first");
}

void read_error(const Json& given, const std::string& where, const FaultNames& names,
                Effect& effect) {
  only(given, {"code", "message"}, "fault: " + where + ": ");
  effect.kind = Effect::Kind::error;
  if (!given.contains("code")) wrong(where, "`code` is missing");
  effect.code = text(given["code"], where + ".code");
  if (!names.is_code(effect.code)) {
    wrong(where + ".code", "the API has no error code `" + effect.code + "`");
  }
  if (given.contains("message")) effect.message = text(given["message"], where + ".message");
}

void read_http(const Json& given, const std::string& where, Effect& effect) {
  only(given, {"status", "body", "content_type"}, "fault: " + where + ": ");
  effect.kind = Effect::Kind::http;
  if (!given.contains("status")) wrong(where, "`status` is missing");
  effect.status = static_cast<int>(integer(given["status"], where + ".status", 200, 599));
  effect.content_type = "text/html";
  if (given.contains("content_type")) {
    effect.content_type = text(given["content_type"], where + ".content_type");
    if (std::any_of(effect.content_type.begin(), effect.content_type.end(),
                    [](unsigned char c) { return c < 32 || c > 126; })) {
      wrong(where + ".content_type", "must be printable ASCII");
    }
  }
  if (!given.contains("body")) return;
  if (!given["body"].is_string() ||
      given["body"].get_ref<const std::string&>().size() > body_bytes_max) {
    wrong(where + ".body", "must be a text of 1 MB at most");
  }
  effect.body = given["body"].get<std::string>();
}

void read_outcome(const Json& given, const std::string& where, const FaultNames& names,
                  Effect& effect) {
  only(given, {"state", "latest_operation_state", "error_message", "which", "after_s"},
       "fault: " + where + ": ");
  effect.kind = Effect::Kind::outcome;
  if (given.contains("state")) {
    effect.state = text(given["state"], where + ".state");
    if (std::find(names.states.begin(), names.states.end(), effect.state) == names.states.end()) {
      wrong(where + ".state", "`" + effect.state +
                                  "` is no state of a resource; without `state` it goes back to "
                                  "the one it had");
    }
  }
  if (given.contains("latest_operation_state")) {
    effect.operation_state =
        text(given["latest_operation_state"], where + ".latest_operation_state");
    if (effect.operation_state != "SUCCESS" && effect.operation_state != "FAILED") {
      wrong(where + ".latest_operation_state", "must be SUCCESS or FAILED");
    }
  }
  if (given.contains("error_message"))
    effect.error_message = text(given["error_message"], where + ".error_message");
  if (given.contains("which")) {
    if (!given["which"].is_array() || given["which"].empty())
      wrong(where + ".which", "must be a list of places in the batch, from 0");
    for (const Json& one : given["which"])
      effect.which.push_back(integer(one, where + ".which", 0, 99));
  }
  if (given.contains("after_s")) {
    effect.after_ms =
        std::llround(number(given["after_s"], where + ".after_s", 0, seconds_max) * 1000);
  }
}

void one_of(const Json& given, const std::string& where,
            std::initializer_list<std::pair<std::string_view, Effect::Kind>> words,
            Effect& effect) {
  std::string all;
  for (const auto& [word, kind] : words) {
    if (given == word) effect.kind = kind;
    all.append(all.empty() ? "" : ", ").append(word);
  }
  if (effect.kind == Effect::Kind::none)
    wrong(where, "must be one of " + all + ", not " + given.dump());
}

void read_kind(const std::string& name, const Json& given, const std::string& where,
               const FaultNames& names, Effect& effect) {
  using Kind = Effect::Kind;
  if (name == "error") return read_error(given, where, names, effect);
  if (name == "http") return read_http(given, where, effect);
  if (name == "outcome") return read_outcome(given, where, names, effect);
  if (name == "disconnect") {
    return one_of(given, where,
                  {{"before", Kind::disconnect_before},
                   {"after_commit", Kind::disconnect_after_commit},
                   {"mid_body", Kind::disconnect_mid_body},
                   {"reset", Kind::disconnect_reset}},
                  effect);
  }
  if (name == "malformed") {
    one_of(given, where,
           {{"not_json", Kind::malformed},
            {"empty", Kind::malformed},
            {"no_request_id", Kind::malformed},
            {"truncated", Kind::malformed}},
           effect);
    effect.malformed = given.get<std::string>();
    return;
  }
  if (name == "throttle") {
    only(given, {"limit"}, "fault: " + where + ": ");
    effect.kind = Kind::throttle;
    effect.limit = integer(given.value("limit", Json()), where + ".limit", 0, count_max);
    return;
  }
  if (name == "slow") {
    effect.kind = Kind::slow;
    effect.factor = number(given, where, 0, factor_max);
    return;
  }
  if (given != true) wrong(where, "must be true, not " + given.dump());
  effect.kind = name == "stuck" ? Kind::stuck : name == "lost" ? Kind::lost : Kind::none;
}

Effect read_effect(const Json& given, const std::string& where, const FaultRule& rule,
                   const FaultNames& names) {
  only(given,
       {"error", "delay_ms", "http", "disconnect", "malformed", "throttle", "outcome", "stuck",
        "lost", "slow", "none"},
       "fault: " + where + ": ");
  Effect effect;
  std::string kind;
  for (const auto& item : given.items()) {
    if (item.key() == "delay_ms") {
      read_delay(item.value(), where + ".delay_ms", effect);
      continue;
    }
    if (!kind.empty()) wrong(where, "`" + kind + "` and `" + item.key() + "` cannot both happen");
    kind = item.key();
    read_kind(kind, item.value(), where + "." + kind, names, effect);
  }
  if (given.empty()) wrong(where, "it has no effect; `{\"none\":true}` says so");
  const bool operation = kind == "outcome" || kind == "stuck" || kind == "slow";
  if (operation && !some_action(rule, names, names.begins_operation)) {
    wrong(where, "`" + kind + "` needs an action that begins an operation");
  }
  return effect;
}

}  // namespace

FaultRule read_fault(const Json& given, const FaultNames& names) {
  only(given, {"id", "match", "when", "do"}, "fault: the rule: ");
  FaultRule rule;
  if (given.contains("id")) {
    rule.id = text(given["id"], "id");
    if (rule.id.size() > 64 ||
        rule.id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                  "nopqrstuvwxyz0123456789_.-") != std::string::npos) {
      wrong("id", "must be up to 64 of [A-Za-z0-9_.-], not `" + rule.id + "`");
    }
  }
  rule.match = given.value("match", Json::object());
  rule.when = given.value("when", Json::object());
  if (!given.contains("do")) wrong("do", "it is missing");
  const Json& effects = given["do"];
  rule.effects = effects.is_array() ? effects : Json::array({effects});
  if (rule.effects.empty() || rule.effects.size() > effects_max)
    wrong("do", "must be an effect or a list of 1 to 1000");
  read_match(rule.match, rule, names);
  read_when(rule.when, rule);
  for (std::size_t i = 0; i < rule.effects.size(); ++i) {
    const std::string where = effects.is_array() ? "do[" + std::to_string(i) + "]" : "do";
    rule.steps.push_back(read_effect(rule.effects[i], where, rule, names));
  }
  return rule;
}

}  // namespace cvm
