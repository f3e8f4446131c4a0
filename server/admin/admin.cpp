// The admin API: finds the route, checks query and body by its row, answers errors as 4xx with
// {"error":{"code","message"}}.
#include "server/admin/admin.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/admin/admin_call.h"
#include "server/admin/guard.h"

namespace cvm {

namespace {

constexpr std::string_view prefix = "/_cvmsim/";
constexpr std::size_t message_bytes_max = 2000;

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
  ParsedJson parsed = parse_json(call.request.body, route.body_limits);
  if (!parsed.problem.empty()) throw ConfigError{"the body " + parsed.problem};
  call.body = std::move(parsed.value);
  if (route.any_body) return;
  if (!call.body.is_object()) throw ConfigError{"the body must be a JSON object"};
  only(call.body, route.fields);
}

// What is only read can be read even if nothing can be written, as on a full disk.
void apply_due(AdminCall& call, const Route& route) {
  try {
    call.state().apply_due_all(call.wall());
  } catch (const std::exception& problem) {
    if (route.method != "GET") throw;
    spdlog::error("admin: what is due could not happen: {}", problem.what());
  }
}

// The route of a request; where there is none, whether others take its path.
struct Found {
  const Route* route = nullptr;
  std::string part;  // What stands in the path for `{…}`.
  bool path_known = false;
};

Found find_route(const HttpRequest& request) {
  Found found;
  const std::string_view path =
      request.path().substr(std::min(prefix.size(), request.path().size()));
  for (const Route& route : all_routes()) {
    if (!fits(route.path, path, found.part)) continue;
    found.path_known = true;
    if (route.method != request.method) continue;
    found.route = &route;
    break;
  }
  return found;
}

HttpResponse dispatch(Admin& admin, const HttpRequest& request) {
  Found found = find_route(request);
  const std::string path(request.path());
  if (found.route == nullptr && found.path_known) {
    throw AdminError{405, "MethodNotAllowed",
                     std::string(request.method) + " is not allowed for " + path};
  }
  if (found.route == nullptr) throw AdminError{404, "NotFound", "no admin call " + path};
  const Route& route = *found.route;
  AdminCall call{admin, request, {}, {}, std::move(found.part)};
  read_query(route, call);
  read_body(route, call);
  if (!route.locked) return route.function(call);
  const std::lock_guard lock(call.state().mutex);
  if (route.applies_due) apply_due(call, route);
  return route.function(call);
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
    if (key == "account") return admin.control.account(value);
  }
  return {};
}

const Routes& all_routes() {
  static const Routes joined = [] {
    Routes routes;
    for (const Routes* table : {&about_routes, &state_routes, &time_routes, &fault_routes,
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

bool is_admin(std::string_view path) {
  return path.starts_with(prefix) || path == prefix.substr(0, prefix.size() - 1);
}

std::uint64_t admin_body_bytes_max(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return 0;
  const Route* route = find_route(request).route;
  return route == nullptr ? Route{}.body_bytes_max : route->body_bytes_max;
}

Admin::Admin(Control& to, Journal& requests, const Metrics& counters, RateLimit& rates,
             const AuthOptions& signatures, const BrowserOptions& pages, Json how)
    : control(to),
      journal(requests),
      metrics(counters),
      rate_limit(rates),
      auth(signatures),
      browser(pages),
      modes(std::move(how)),
      started(control.wall()) {}

HttpResponse Admin::handle(const HttpRequest& request) {
  HttpResponse response;
  const auto refuse = [&](int status, std::string_view code, std::string_view message) {
    // Many messages repeat what was sent.
    response = http_error(status, code, shorten(message, message_bytes_max));
  };
  try {
    refuse_web_pages(browser, request);
    if (is_preflight(browser, request)) {
      response.status = 204;
    } else if (request.path().size() < prefix.size()) {
      throw AdminError{404, "NotFound", "no admin call"};
    } else {
      response = dispatch(*this, request);
    }
  } catch (const AdminError& error) {
    refuse(error.status, error.code, error.message);
  } catch (const ConfigError& error) {
    refuse(400, "BadRequest", error.message);
  } catch (const std::exception& bug) {
    spdlog::error("bug: admin: {}", bug.what());
    refuse(500, "InternalError", "an internal error occurred; see the log");
  }
  add_browser_headers(browser, request, response);
  return response;
}

}  // namespace cvm
