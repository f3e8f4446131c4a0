// Reads scenarios, fills in what earlier calls answered, and makes the calls.
#include "server/control/scenario.h"

#include <algorithm>

#include "server/admin/admin_call.h"
#include "server/auth/crypto.h"

namespace cvm {

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

Json filled(const Json& value, const Json& named) {
  if (value.is_structured()) {
    Json copy = value;
    for (auto& item : copy.items()) item.value() = filled(item.value(), named);
    return copy;
  }
  if (!value.is_string()) return value;
  std::string text = value.get<std::string>();
  for (std::size_t from = text.find("${"); from != text.npos; from = text.find("${", from)) {
    const std::size_t end = text.find('}', from);
    if (end == text.npos) throw ConfigError{"`" + text + "`: `${` without `}`"};
    const Json& found = value_of(text.substr(from + 2, end - from - 2), named);
    if (from == 0 && end == text.size() - 1) return found;
    const std::string part = found.is_string() ? found.get<std::string>() : found.dump();
    text.replace(from, end - from + 1, part);
    from += part.size();
  }
  return text;
}

// `{"account", "Action", "Region", "Params", "as"}`, or `{"account", "advance": {…}}`.
void make_call(Gateway& gateway, const Json& entry, const std::string& account, Json& named) {
  only(entry, {"account", "Action", "Region", "Params", "as", "advance"});
  std::string caller = text_field(entry, "account", false);
  if (caller.empty()) caller = "AKIDEXAMPLE";
  const std::string uin = gateway.account(caller);
  if (!account.empty() && account != uin) return;
  if (entry.contains("advance")) {
    only(entry, {"account", "advance"});
    // Everybody's time does not move for one account's sake.
    if (!account.empty() && !entry.contains("account")) return;
    only(entry["advance"], advance_fields, "advance: ");
    apply_advance(gateway, entry.contains("account") ? uin : "", entry["advance"]);
    return;
  }
  const std::string action = text_field(entry, "Action", true);
  std::string region = text_field(entry, "Region", false);
  if (region.empty()) region = "ap-guangzhou";
  const Json params = filled(entry.value("Params", Json::object()), named);
  if (!params.is_object()) throw ConfigError{"`Params` must be an object"};
  try {
    Json response = gateway.perform(caller, action, region, params);
    if (const std::string name = text_field(entry, "as", false); !name.empty())
      named[name] = std::move(response);
  } catch (const Error& error) {
    throw ConfigError{
        action + ": " + error.code + ": " +
        gateway.model().message(error.code, error.parameter, error.value, error.detail, "")};
  }
}

// The uin that a fault rule is for; empty: for all.
std::string account_in(Gateway& gateway, const Json& rule) {
  static const Json::json_pointer place("/match/account");
  if (!rule.is_object() || !rule.contains(place) || !rule.at(place).is_string()) return {};
  return gateway.account(rule.at(place).get<std::string>());
}

void change_settings(Gateway& gateway, const Json& scenario) {
  State& state = gateway.state();
  each(scenario, "credentials", [&](const Json& entry) {
    only(entry, credential_fields);
    state.credentials().add(read_credential(entry));
  });
  if (scenario.contains("clock")) {
    told_at("clock", [&] {
      only(scenario["clock"], clock_fields);
      apply_clock(gateway, "", scenario["clock"]);
    });
  }
  state.change_settings([&](Settings& settings) {
    if (scenario.contains("lifecycle")) settings.steps.change(scenario["lifecycle"]);
    if (scenario.contains("capacity"))
      settings.capacity.change("", scenario["capacity"], state.catalog(), state.database());
    if (scenario.contains("quotas"))
      settings.quotas.change("", scenario["quotas"], state.catalog());
  });
}

}  // namespace

Scenario read_scenario(const std::string& path) {
  Scenario scenario;
  scenario.name = path;
  auto text = read_file(path);
  if (!text) {
    const auto built_in = Fixtures::builtin("scenarios/" + path + ".json");
    if (!built_in) throw ConfigError{"scenario " + path + ": it cannot be read"};
    text = std::string(*built_in);
  }
  try {
    scenario.content = Json::parse(*text);
  } catch (const Json::exception& problem) {
    throw ConfigError{"scenario " + path + ": " + problem.what()};
  }
  return scenario;
}

Json apply_scenario(Gateway& gateway, const Json& scenario, const std::string& account) {
  only(scenario, scenario_fields);
  State& state = gateway.state();
  State::StateTransaction work(state);
  Json named = Json::object();
  if (account.empty()) change_settings(gateway, scenario);
  each(scenario, "calls", [&](const Json& entry) { make_call(gateway, entry, account, named); });
  state.change_settings([&](Settings& settings) {
    each(scenario, "faults", [&](const Json& entry) {
      if (!account.empty() && account != account_in(gateway, entry)) return;
      add_fault(gateway, settings, filled(entry, named));
    });
  });
  work.commit();
  return named;
}

void start_with(Gateway& gateway, std::vector<Scenario> scenarios) {
  const std::lock_guard lock(gateway.state().mutex);
  State::StateTransaction work(gateway.state());
  Json known = gateway.state().scenarios();
  for (const Scenario& scenario : scenarios) {
    const std::string digest = sha256_hex(scenario.content.dump());
    if (std::find(known.begin(), known.end(), digest) != known.end()) continue;
    told_at("scenario " + scenario.name, [&] { apply_scenario(gateway, scenario.content); });
    known.push_back(digest);
  }
  gateway.state().set_scenarios(known);
  work.commit();
  gateway.scenarios = std::move(scenarios);
}

void reset(Gateway& gateway, const std::string& account) {
  State& state = gateway.state();
  State::StateTransaction work(state);
  if (account.empty()) {
    state.reset(gateway.wall_time());
  } else {
    state.reset(account);
  }
  for (const Scenario& scenario : gateway.scenarios) {
    told_at("scenario " + scenario.name,
            [&] { apply_scenario(gateway, scenario.content, account); });
  }
  work.commit();
  if (account.empty()) gateway.rate_limit().clear();
  gateway.journal().clear(account);
}

}  // namespace cvm
