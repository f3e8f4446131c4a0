// Admin calls about the server itself: is it alive, is it ready, how does it run, what can it do.
#include "server/admin/admin_call.h"

namespace cvm {

namespace {

HttpResponse get_health(AdminCall& call) {
  const auto up = std::chrono::floor<std::chrono::seconds>(call.wall() - call.admin.started);
  return answer({{"status", "ok"}, {"version", CVMSIM_VERSION}, {"uptime_s", up.count()}});
}

HttpResponse get_ready(AdminCall& call) {
  const bool ready = call.admin.ready;
  return answer({{"ready", ready}}, ready ? 200 : 503);
}

HttpResponse get_info(AdminCall& call) {
  Json actions = Json::object(), scenarios = Json::array();
  for (const auto& [name, action] : call.control().model().actions()) {
    actions[name] = call.control().registry().find(name) == nullptr ? "none" : "full";
  }
  for (const Scenario& scenario : call.control().scenarios()) scenarios.push_back(scenario.name);
  Json told = {{"version", CVMSIM_VERSION}, {"api_version", Model::version}};
  told.update(call.admin.modes);
  told.update(
      {{"clock", call.state().clock("").mode_name()},
       {"seed", call.state().seed()},
       {"state", call.state().path()},
       {"scenarios", scenarios},
       {"enforced", {"signatures", "rate limits", "parameters", "states", "quotas", "capacity"}},
       {"counts",
        {{"resources", call.state().count("resource")},
         {"pending", call.state().count("transition")},
         {"faults", call.state().faults().rules().size()},
         {"snapshots", call.admin.snapshots.size()},
         {"regions", call.state().catalog().regions().size()},
         {"instance_types", call.state().catalog().instance_types().size()},
         {"images", call.state().catalog().images().size()}}},
       {"actions", actions}});
  return answer(told);
}

Json schema_of(const Route& route) {
  if (route.any_body) return Json::object();
  Json properties = Json::object();
  for (const std::string_view field : route.fields) properties[std::string(field)] = Json::object();
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

HttpResponse get_openapi(AdminCall&) {
  Json paths = Json::object();
  for (const Route& route : all_routes()) {
    Json parameters = Json::array();
    const auto parameter = [&](std::string_view name, std::string_view in) {
      parameters.push_back({{"name", name},
                            {"in", in},
                            {"required", in == "path"},
                            {"schema", {{"type", "string"}}}});
    };
    if (const std::size_t open = route.path.find('{'); open != route.path.npos)
      parameter(route.path.substr(open + 1, route.path.find('}') - open - 1), "path");
    for (const std::string_view name : route.query) parameter(name, "query");
    Json operation = {{"summary", route.summary}, {"parameters", parameters}};
    if (route.any_body || !route.fields.empty()) {
      operation["requestBody"] = {
          {"content", {{"application/json", {{"schema", schema_of(route)}}}}}};
    }
    operation["responses"] = {
        {"200", {{"description", "done"}}},
        {"4XX",
         {{"description", "refused"},
          {"content",
           {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}}}};
    paths["/_cvmsim/" + std::string(route.path)][lower_case(route.method)] = operation;
  }
  const Json text = {{"type", "string"}};
  const Json error = {
      {"type", "object"},
      {"properties",
       {{"error", {{"type", "object"}, {"properties", {{"code", text}, {"message", text}}}}}}}};
  return answer({{"openapi", "3.0.3"},
                 {"info", {{"title", "cvmsim admin API"}, {"version", CVMSIM_VERSION}}},
                 {"paths", paths},
                 {"components", {{"schemas", {{"Error", error}}}}}});
}

}  // namespace

const Routes about_routes = {
    {.method = "GET",
     .path = "health",
     .function = get_health,
     .summary = "Whether the process lives.",
     .locked = false},
    {.method = "GET",
     .path = "ready",
     .function = get_ready,
     .summary = "200 once scenarios are applied, 503 before.",
     .locked = false},
    {.method = "GET",
     .path = "info",
     .function = get_info,
     .summary = "Modes in force, what is enforced, actions with their support, counts."},
    {.method = "GET",
     .path = "openapi.json",
     .function = get_openapi,
     .summary = "This description.",
     .locked = false},
};

}  // namespace cvm
