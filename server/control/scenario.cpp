// Scenarios: read, filled in with what earlier calls answered, applied.
#include <algorithm>

#include "server/control/control.h"
#include "state/base/crypto.h"
#include "state/base/fields.h"
#include "state/base/parse_json.h"
#include "state/base/text.h"

namespace cvm {

constexpr std::size_t filled_bytes_max = 16 << 20;

// What the calls that have a name answered.
struct Control::Named {
  Json answers = Json::object();
  std::size_t filled = 0;  // Bytes that took the place of `${…}`.

  std::string text(const Json& found) {
    std::string part = found.is_string() ? found.get<std::string>() : found.dump();
    filled += part.size();
    if (filled > filled_bytes_max)
      throw ConfigError{"what takes the place of `${…}` is more than 16 MB"};
    return part;
  }
};

namespace {

template <class Work>
void each(const Json& scenario, const char* name, Work work) {
  if (scenario.contains(name)) each_member(scenario, name, work);
}

// The value of `web.InstanceIdSet[0]`.
const Json& value_of(const std::string& path, const Json& named) {
  const Json* value = &named;
  std::size_t start = 0;
  while (start < path.size()) {
    std::size_t end = path.find_first_of(".[", start);
    if (end == path.npos) end = path.size();
    if (path[start] == '[') {
      end = path.find(']', start);
      const std::string digits = end == path.npos ? "" : path.substr(start + 1, end - start - 1);
      if (digits.empty() || digits.size() > 6 ||
          digits.find_first_not_of("0123456789") != digits.npos)
        throw ConfigError{"`${" + path + "}` is no path like ${web.InstanceIdSet[0]}"};
      const std::size_t index = std::stoul(digits);
      if (!value->is_array() || index >= value->size())
        throw ConfigError{"`${" + path + "}`: there is no element " + digits};
      value = &(*value)[index];
      start = end + 1;
    } else {
      const std::string name = path.substr(start, end - start);
      if (!value->is_object() || !value->contains(name))
        throw ConfigError{"`${" + path + "}`: there is no `" + name + "`"};
      value = &(*value)[name];
      start = end;
    }
    if (start < path.size() && path[start] == '.') ++start;
  }
  return *value;
}

// Puts what they name in the place of `${…}`, in all texts of the tree.
template <class Named>
void fill(Json& value, Named& named) {
  if (value.is_structured()) {
    for (auto& item : value.items()) fill(item.value(), named);
  }
  if (!value.is_string()) return;
  const std::string text = value.get<std::string>();
  std::string filled;
  std::size_t start = 0;
  for (std::size_t from = text.find("${"); from != text.npos; from = text.find("${", start)) {
    const std::size_t end = text.find('}', from);
    if (end == text.npos) throw ConfigError{"`" + text + "`: `${` without `}`"};
    const Json& found = value_of(text.substr(from + 2, end - from - 2), named.answers);
    const std::string part = named.text(found);
    if (from == 0 && end == text.size() - 1) {
      value = found;
      return;
    }
    filled.append(text, start, from - start).append(part);
    start = end + 1;
  }
  if (start > 0) value = filled.append(text, start);
}

template <class Named>
Json filled(Json value, Named& named) {
  fill(value, named);
  return value;
}

}  // namespace

// `{"account", "advance": {…}}`
void Control::apply_advance(const Json& entry, const std::string& account) {
  only(entry, {"account", "advance"});
  // Everybody's time does not move for one account's sake.
  if (!account.empty() && !entry.contains("account")) return;
  only(entry["advance"], advance_fields, "advance: ");
  const std::string mover = text_field(entry, "account", false);
  if (!advance(mover.empty() ? "" : this->account(mover), entry["advance"]).complete)
    throw ConfigError{"advance: more falls due than one call may apply"};
}

// `{"account", "Action", "Region", "Params", "as"}`
void Control::apply_call(const Json& entry, const std::string& account, Named& named) {
  only(entry, {"account", "Action", "Region", "Params", "as", "advance"});
  const auto or_else = [](std::string text, const char* otherwise) {
    return text.empty() ? otherwise : std::move(text);
  };
  const std::string caller = or_else(text_field(entry, "account", false), "AKIDEXAMPLE");
  const std::string uin = this->account(caller);
  if (!account.empty() && account != uin) return;
  if (entry.contains("advance")) return apply_advance(entry, account);
  const std::string action = text_field(entry, "Action", true);
  const std::string region = or_else(text_field(entry, "Region", false), "ap-guangzhou");
  const Json params = filled(entry.value("Params", Json::object()), named);
  if (!params.is_object()) throw ConfigError{"`Params` must be an object"};
  try {
    Json response = call(caller, action, region, params);
    if (const std::string name = text_field(entry, "as", false); !name.empty())
      named.answers[name] = std::move(response);
  } catch (const Error& error) {
    throw ConfigError{action + ": " + error.code + ": " +
                      model_.message(error.code, error.parameter, error.value, error.detail, "")};
  }
}

// The uin that a fault rule is for; empty: for all.
std::string Control::account_of_rule(const Json& rule) const {
  static const Json::json_pointer place("/match/account");
  if (!rule.is_object() || !rule.contains(place) || !rule.at(place).is_string()) return {};
  return account(rule.at(place).get<std::string>());
}

void Control::apply_settings(const Json& scenario) {
  each(scenario, "credentials", [&](const Json& entry) {
    only(entry, credential_fields);
    state_.credentials().add(read_credential(entry));
  });
  if (scenario.contains("clock")) {
    told_at("clock", [&] {
      only(scenario["clock"], clock_fields);
      change_clock("", scenario["clock"]);
    });
  }
  state_.change_settings([&](Settings& settings) {
    if (scenario.contains("lifecycle")) settings.steps.change(scenario["lifecycle"]);
    if (scenario.contains("quotas"))
      settings.quotas.change("", scenario["quotas"], state_.catalog());
  });
  if (scenario.contains("capacity")) state_.change_capacity("", scenario["capacity"]);
}

Scenario read_scenario(const std::string& path) {
  Scenario scenario;
  scenario.name = path;
  auto text = read_file(path);
  if (!text) {
    const auto built_in = Fixtures::builtin("scenarios/" + path + ".json");
    if (!built_in) throw ConfigError{"scenario " + path + ": it cannot be read"};
    text = std::string(*built_in);
  }
  ParsedJson parsed = parse_json(*text, file_limits);
  if (!parsed.problem.empty()) throw ConfigError{"scenario " + path + ": it " + parsed.problem};
  scenario.content = std::move(parsed.value);
  return scenario;
}

Json Control::apply(const Json& scenario, const std::string& account) {
  only(scenario, scenario_fields);
  State::StateTransaction work(state_);
  Named named;
  if (account.empty()) apply_settings(scenario);
  each(scenario, "calls", [&](const Json& entry) { apply_call(entry, account, named); });
  state_.change_settings([&](Settings& settings) {
    each(scenario, "faults", [&](const Json& entry) {
      if (account.empty() || account == account_of_rule(entry))
        add_fault(settings, filled(entry, named));
    });
  });
  work.commit();
  return std::move(named.answers);
}

void Control::start_with(std::vector<Scenario> scenarios) {
  State::StateTransaction work(state_);
  Json known = state_.scenarios();
  for (const Scenario& scenario : scenarios) {
    const std::string digest = sha256_hex(scenario.content.dump());
    if (std::find(known.begin(), known.end(), digest) != known.end()) continue;
    told_at("scenario " + scenario.name, [&] { apply(scenario.content); });
    known.push_back(digest);
  }
  state_.set_scenarios(known);
  work.commit();
  scenarios_ = std::move(scenarios);
}

void Control::reset(const std::string& account) {
  State::StateTransaction work(state_);
  if (account.empty()) {
    state_.reset(wall());
  } else {
    state_.reset(account);
  }
  for (const Scenario& scenario : scenarios_)
    told_at("scenario " + scenario.name, [&] { apply(scenario.content, account); });
  work.commit();
}

}  // namespace cvm
