// Who calls, what rules may name, and the calls of scenarios.
#include "server/control/control.h"

#include "handlers/api/reply.h"
#include "handlers/api/validate.h"
#include "handlers/core.h"
#include "server/request/wire.h"

namespace cvm {

Control::Control(State& state, const Model& model, const Registry& registry, ControlOptions options,
                 std::function<Time()> wall_time)
    : state_(state),
      model_(model),
      registry_(registry),
      options_(options),
      wall_time_(std::move(wall_time)) {
  state_.set_fault_names(fault_names());
}

FaultNames Control::fault_names() const {
  FaultNames names{.catalog = state_.catalog()};
  for (const auto& [name, action] : model_.actions()) names.actions.push_back(name);
  names.is_code = [this](std::string_view code) { return model_.errors().contains(code); };
  names.has_parameter = [this](std::string_view action, std::string_view parameter) {
    return model_.find(action)->in.find(parameter) != nullptr;
  };
  names.begins_operation = [this](std::string_view action) {
    return !model_.find(action)->only_reads();
  };
  for (const auto& kind : state_.kinds().all())
    names.states.insert(names.states.end(), kind->states.begin(), kind->states.end());
  names.account = [this](const std::string& name) { return account(name); };
  return names;
}

std::string Control::account(const std::string& name) const {
  const bool uin = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
  if (uin) return name;
  if (options_.auth == Auth::strict && !state_.credentials().find(name)) {
    throw ConfigError{"account: no SecretId or uin `" + name + "`"};
  }
  return state_.credentials().account(name).uin;
}

const FaultRule& Control::add_fault(Settings& settings, const Json& given) {
  return settings.faults.add(given, state_.fault_names(), state_.times(wall()));
}

Json Control::call(const std::string& secret_id, const std::string& name,
                   const std::string& region_name, const Json& given) {
  const Action* action = model_.find(name);
  if (action == nullptr) throw Error{"InvalidAction", "Action", name, {}};
  const Region* region = action->needs_region ? state_.catalog().region(region_name)
                                              : &state_.catalog().regions().front();
  if (region == nullptr) throw Error{"UnsupportedRegion", "Region", region_name, {}};
  Json params = given;
  if (const auto refusal = validate(*action, params, {options_.ignore_unknown_parameters, false}))
    throw *refusal;
  const std::string uin = state_.credentials().account(secret_id).uin;
  const std::string request_id = state_.next_request_id(uin);
  const Effect no_effect;
  const ActionCall call{*action, registry_.find(name), uin,      *region, params,
                        "",      request_id,           no_effect};
  return Json::parse(finish_body(execute(state_, call, wall()), request_id)).at("Response");
}

}  // namespace cvm
