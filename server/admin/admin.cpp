// The admin API: finds the route, checks query and body by its row, answers errors as 4xx with
// {"error":{"code","message"}}.
#include "server/admin/admin.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/admin/admin_call.h"

namespace cvm {

namespace {

constexpr std::string_view prefix = "/_cvmsim/";

// Whether the path is the route's; the part in braces is taken from it.
bool fits(std::string_view route, std::string_view path, std::string& part) {
  const std::size_t open = route.find('{');
  if (open == route.npos) return path == route;
  const std::string_view tail = route.substr(route.find('}') + 1);
  if (!path.starts_with(route.substr(0, open)) || !path.ends_with(tail) ||
      path.size() <= open + tail.size()) {
    return false;
  }
  const std::string_view inside = path.substr(open, path.size() - open - tail.size());
  if (inside.find('/') != inside.npos) return false;
  part = inside;
  return true;
}

void read_query(const Route& route, AdminCall& call) {
  try {
    call.query = parse_query(call.request.query());
  } catch (const Error& error) {
    throw ConfigError{"query: " + error.detail};
  }
  for (const auto& [name, value] : call.query) {
    if (std::find(route.query.begin(), route.query.end(), name) == route.query.end())
      throw ConfigError{"unknown query parameter `" + name + "`"};
  }
}

void read_body(const Route& route, AdminCall& call) {
  call.body = Json::object();
  if (route.method == "GET" || call.request.body.empty()) return;
  call.body = Json::parse(call.request.body, nullptr, false);
  if (call.body.is_discarded()) throw ConfigError{"the body is not valid JSON"};
  if (route.any_body) return;
  if (!call.body.is_object()) throw ConfigError{"the body must be a JSON object"};
  only(call.body, route.fields);
}

HttpResponse dispatch(Gateway& gateway, const HttpRequest& request) {
  const std::string_view path = request.path().substr(prefix.size());
  bool path_known = false;
  for (const Route& route : all_routes()) {
    AdminCall call{gateway, request, {}, {}, {}};
    if (!fits(route.path, path, call.part)) continue;
    path_known = true;
    if (route.method != request.method) continue;
    read_query(route, call);
    read_body(route, call);
    if (!route.locked) return route.function(call);
    const std::lock_guard lock(gateway.state().mutex);
    gateway.state().apply_due_all(gateway.wall_time());
    return route.function(call);
  }
  if (path_known) {
    throw AdminError{
        405, "MethodNotAllowed",
        std::string(request.method) + " is not allowed for " + std::string(request.path())};
  }
  throw AdminError{404, "NotFound", "no admin call " + std::string(request.path())};
}

}  // namespace

std::string AdminCall::asked(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::string AdminCall::account() const {
  for (const auto& [key, value] : query) {
    if (key == "account") return gateway.account(value);
  }
  return {};
}

const Routes& all_routes() {
  static const Routes joined = [] {
    Routes routes;
    for (const Routes* table : {&server_routes, &state_routes, &time_routes, &fault_routes,
                                &settings_routes, &journal_routes}) {
      routes.insert(routes.end(), table->begin(), table->end());
    }
    return routes;
  }();
  return joined;
}

HttpResponse answer(const Json& body, int status) {
  return {status, body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

std::string text_field(const Json& object, const std::string& name, bool needed) {
  const auto found = object.find(name);
  const bool given = found != object.end();
  if (given ? !found->is_string() || found->get<std::string>().empty() : needed) {
    throw ConfigError{"`" + name + "` must be a text"};
  }
  return given ? found->get<std::string>() : std::string();
}

Time time_field(const Json& object, const std::string& name) {
  const Json& value = object.at(name);
  if (value.is_string()) {
    if (const auto time = parse_iso8601_ms(value.get_ref<const std::string&>())) return *time;
  }
  throw ConfigError{"`" + name + "` must be a time like 2026-01-01T00:00:00Z, not " + value.dump()};
}

bool flag_field(const Json& object, const std::string& name, bool otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if (!found->is_boolean()) throw ConfigError{"`" + name + "` must be true or false"};
  return found->get<bool>();
}

bool is_admin(std::string_view path) {
  return path.starts_with(prefix) || path == prefix.substr(0, prefix.size() - 1);
}

HttpResponse handle_admin(Gateway& gateway, const HttpRequest& request) {
  const auto refusal = [](int status, std::string_view code, std::string_view message) {
    return answer({{"error", {{"code", code}, {"message", message}}}}, status);
  };
  try {
    if (request.path().size() < prefix.size()) throw AdminError{404, "NotFound", "no admin call"};
    return dispatch(gateway, request);
  } catch (const AdminError& error) {
    return refusal(error.status, error.code, error.message);
  } catch (const ConfigError& error) {
    return refusal(400, "BadRequest", error.message);
  } catch (const std::exception& bug) {
    spdlog::error("bug: admin: {}", bug.what());
    return refusal(500, "InternalError", "an internal error occurred; see the log");
  }
}

}  // namespace cvm
