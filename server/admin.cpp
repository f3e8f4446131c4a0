// One row for each call: method, path, function. Errors are 4xx with {"error":{"code","message"}}.
#include "server/admin.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "handlers/registry.h"
#include "server/gateway.h"
#include "server/wire.h"
#include "state/error.h"

namespace cvm {

namespace {

constexpr std::string_view prefix = "/_cvmsim/";
constexpr double advance_max_s = 100.0 * 365 * 86400;

struct AdminCall {
  Gateway& gateway;
  const HttpRequest& request;
  Pairs query;
  Json body;
  std::string rest = {};  // Of the path, where the route ends with a slash.

  State& state() const { return gateway.state(); }

  // The uin that `?account=` names, by SecretId or uin; empty for every account.
  std::string account() const {
    for (const auto& [name, value] : query) {
      if (name != "account") continue;
      const bool uin = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
      if (uin) return value;
      const auto credential = gateway.state().credentials().find(value);
      if (!credential && gateway.options().auth.mode == Auth::strict) {
        throw ConfigError{"account: no SecretId or uin `" + value + "`"};
      }
      return credential ? credential->account.uin : account_of(value).uin;
    }
    return {};
  }
};

struct AdminError {
  int status;
  std::string code, message;
};

HttpResponse answer(const Json& body, int status = 200) { return {status, body.dump()}; }

// Throws if an object has members besides these.
void only(const Json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) throw ConfigError{"the body must be a JSON object"};
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError{"unknown field `" + name + "`"};
    }
  }
}

Time time_field(const Json& object, const std::string& name) {
  const Json& value = object.at(name);
  if (value.is_string()) {
    if (const auto time = parse_iso8601(value.get_ref<const std::string&>())) return *time;
  }
  throw ConfigError{"`" + name + "` must be a time like 2026-01-01T00:00:00Z, not " + value.dump()};
}

Json clock_json(const AdminCall& call) {
  const std::string account = call.account();
  const Time machine = call.gateway.machine_time();
  const Clock& clock = call.state().clock(account);
  const State::Pending pending = call.state().pending(account);
  return {{"mode", clock.mode_name()},
          {"now", iso8601(clock.now(machine))},
          {"rate", clock.rate()},
          {"pending", pending.operations},
          {"next_due", pending.next_due ? Json(iso8601(*pending.next_due)) : Json()}};
}

Json changes_json(const std::vector<Change>& changes) {
  Json list = Json::array();
  for (const Change& change : changes) {
    list.push_back({{"time", iso8601(change.time)},
                    {"account", change.account},
                    {"kind", change.kind},
                    {"resource", change.id},
                    {"from", change.from},
                    {"to", change.to.empty() ? Json() : Json(change.to)},
                    {"step", change.step},
                    {"request_id", change.request_id}});
  }
  return list;
}

HttpResponse get_health(AdminCall& call) {
  const auto up = std::chrono::floor<std::chrono::seconds>(call.gateway.machine_time() -
                                                           call.gateway.started());
  return answer({{"status", "ok"}, {"version", CVMSIM_VERSION}, {"uptime_s", up.count()}});
}

HttpResponse get_ready(AdminCall& call) {
  const bool ready = call.gateway.ready;
  return answer({{"ready", ready}}, ready ? 200 : 503);
}

HttpResponse get_info(AdminCall& call) {
  static constexpr const char* auth_names[] = {"strict", "lenient", "off"};
  const GatewayOptions& options = call.gateway.options();
  Json actions = Json::object();
  for (const auto& [name, action] : call.gateway.model().actions()) {
    actions[name] = find_handler(name) == nullptr ? "none" : "full";
  }
  const std::lock_guard lock(call.state().mutex);
  return answer({{"version", CVMSIM_VERSION},
                 {"api_version", Model::version},
                 {"auth", auth_names[static_cast<int>(options.auth.mode)]},
                 {"auth_skew_s", options.auth.skew_s},
                 {"rate_limits", options.rate_limits ? "documented" : "off"},
                 {"validation", options.ignore_unknown_parameters ? "lenient" : "strict"},
                 {"lifecycle", options.lifecycle},
                 {"clock", call.state().clock("").mode_name()},
                 {"seed", call.state().seed()},
                 {"state", call.state().database().path()},
                 {"enforced", {"signatures", "rate limits", "parameters", "states", "quotas"}},
                 {"counts",
                  {{"resources", call.state().count("resource")},
                   {"pending", call.state().count("transition")},
                   {"regions", call.state().catalog().regions().size()},
                   {"instance_types", call.state().catalog().instance_types().size()},
                   {"images", call.state().catalog().images().size()}}},
                 {"actions", actions}});
}

HttpResponse post_reset(AdminCall& call) {
  only(call.body, {});
  const std::lock_guard lock(call.state().mutex);
  call.state().reset(call.gateway.machine_time());
  call.gateway.rate_limit().clear();
  return answer({{"reset", true}});
}

HttpResponse get_clock(AdminCall& call) {
  const std::lock_guard lock(call.state().mutex);
  return answer(clock_json(call));
}

HttpResponse put_clock(AdminCall& call) {
  only(call.body, {"mode", "now", "rate"});
  const Time machine = call.gateway.machine_time();
  std::optional<Clock> mode;
  std::optional<Time> now;
  if (call.body.contains("mode")) {
    if (!call.body["mode"].is_string()) throw ConfigError{"`mode` must be a text"};
    mode = Clock::parse(call.body["mode"].get<std::string>(), machine);
  }
  if (call.body.contains("rate")) {
    if (!call.body["rate"].is_number()) throw ConfigError{"`rate` must be a number"};
    mode = Clock::parse("x" + call.body["rate"].dump(), machine);
  }
  if (call.body.contains("mode") && call.body.contains("rate") &&
      mode->mode_name() != call.body["mode"]) {
    throw ConfigError{"`rate` contradicts `mode`"};
  }
  if (call.body.contains("now")) now = time_field(call.body, "now");
  const std::lock_guard lock(call.state().mutex);
  call.state().move_clock(
      call.account(),
      [&](const std::string&, Clock& clock) {
        if (mode) clock.change_mode(*mode, machine);
        if (now) clock.set(*now, machine);
      },
      machine);
  return answer(clock_json(call));
}

HttpResponse post_advance(AdminCall& call) {
  only(call.body, {"seconds", "to", "until"});
  if (call.body.size() != 1) throw ConfigError{"give one of `seconds`, `to`, `until`"};
  const Time machine = call.gateway.machine_time();
  const std::lock_guard lock(call.state().mutex);
  std::vector<Change> changes;
  if (call.body.contains("until")) {
    if (call.body["until"] != "idle") throw ConfigError{"`until` can only be `idle`"};
    changes = call.state().advance_until_idle(call.account(), machine);
  } else if (call.body.contains("to")) {
    const Time to = time_field(call.body, "to");
    changes = call.state().move_clock(
        call.account(), [&](const std::string&, Clock& clock) { clock.set(to, machine); }, machine);
  } else {
    const Json& seconds = call.body["seconds"];
    if (!seconds.is_number() || seconds.get<double>() < 0 ||
        seconds.get<double>() > advance_max_s) {
      throw ConfigError{"`seconds` must be a number from 0 to a hundred years"};
    }
    const Milliseconds step{std::llround(seconds.get<double>() * 1000)};
    changes = call.state().move_clock(
        call.account(),
        [&](const std::string&, Clock& clock) { clock.set(clock.now(machine) + step, machine); },
        machine);
  }
  Json told = clock_json(call);
  told["transitions"] = changes_json(changes);
  return answer(told);
}

HttpResponse get_lifecycle(AdminCall& call) {
  const std::lock_guard lock(call.state().mutex);
  return answer(call.state().steps().delays());
}

HttpResponse put_lifecycle(AdminCall& call) {
  const std::lock_guard lock(call.state().mutex);
  call.state().steps().change(call.body);
  return answer(call.state().steps().delays());
}

// What is shown of a credential: never the key, never the token.
Json credential_json(const Credential& one) {
  return {{"SecretId", one.secret_id},
          {"Uin", one.account.uin},
          {"AppId", one.account.app_id},
          {"ExpiresAt", one.expires_at ? Json(iso8601(*one.expires_at)) : Json()},
          {"temporary", !one.token.empty()},
          {"status", one.enabled ? "enabled" : "disabled"},
          {"read_only", one.read_only}};
}

HttpResponse get_credentials(AdminCall& call) {
  Json list = Json::array();
  for (const Credential& one : call.state().credentials().added())
    list.push_back(credential_json(one));
  return answer({{"credentials", list}});
}

std::string text_field(const Json& object, const std::string& name, bool needed) {
  const auto found = object.find(name);
  const bool given = found != object.end();
  if (given ? !found->is_string() || found->get<std::string>().empty() : needed) {
    throw ConfigError{"`" + name + "` must be a text"};
  }
  return given ? found->get<std::string>() : std::string();
}

HttpResponse post_credentials(AdminCall& call) {
  only(call.body,
       {"SecretId", "SecretKey", "Token", "ExpiresAt", "Uin", "AppId", "status", "read_only"});
  Credential made;
  made.secret_id = text_field(call.body, "SecretId", true);
  if (!is_key_name(made.secret_id, 128)) {
    throw ConfigError{"`SecretId` must be up to 128 of [A-Za-z0-9_-]"};
  }
  made.secret_key = text_field(call.body, "SecretKey", true);
  made.token = text_field(call.body, "Token", false);
  made.account = account_of(made.secret_id);
  if (call.body.contains("ExpiresAt")) made.expires_at = time_field(call.body, "ExpiresAt");
  if (const std::string uin = text_field(call.body, "Uin", false); !uin.empty()) {
    if (uin.size() > 20 || uin.find_first_not_of("0123456789") != uin.npos) {
      throw ConfigError{"`Uin` must be digits, not `" + uin + "`"};
    }
    made.account.uin = uin;
  }
  if (call.body.contains("AppId")) {
    if (!call.body["AppId"].is_number_integer()) throw ConfigError{"`AppId` must be an integer"};
    made.account.app_id = call.body["AppId"].get<std::int64_t>();
  }
  const std::string status =
      call.body.contains("status") ? text_field(call.body, "status", true) : "enabled";
  if (status != "enabled" && status != "disabled") {
    throw ConfigError{"`status` must be enabled or disabled, not `" + status + "`"};
  }
  made.enabled = status == "enabled";
  if (call.body.contains("read_only")) {
    if (!call.body["read_only"].is_boolean())
      throw ConfigError{"`read_only` must be true or false"};
    made.read_only = call.body["read_only"].get<bool>();
  }
  const std::lock_guard lock(call.state().mutex);
  call.state().credentials().add(made);
  call.state().save_credentials();
  return answer(credential_json(made));
}

HttpResponse delete_credential(AdminCall& call) {
  const std::lock_guard lock(call.state().mutex);
  if (!call.state().credentials().erase(call.rest)) {
    throw AdminError{404, "NotFound", "no credential `" + call.rest + "` was added"};
  }
  call.state().save_credentials();
  return answer({{"deleted", call.rest}});
}

struct Route {
  std::string_view method, path;
  HttpResponse (*function)(AdminCall&);
  bool for_account = false;  // Takes ?account=.
};

constexpr Route routes[] = {
    {"GET", "health", get_health},
    {"GET", "ready", get_ready},
    {"GET", "info", get_info},
    {"POST", "reset", post_reset},
    {"GET", "clock", get_clock, true},
    {"PUT", "clock", put_clock, true},
    {"POST", "clock/advance", post_advance, true},
    {"GET", "lifecycle", get_lifecycle},
    {"PUT", "lifecycle", put_lifecycle},
    {"GET", "credentials", get_credentials},
    {"POST", "credentials", post_credentials},
    {"DELETE", "credentials/", delete_credential},
};

HttpResponse dispatch(Gateway& gateway, const HttpRequest& request) {
  const std::string_view path = request.path().substr(prefix.size());
  bool path_known = false;
  for (const Route& route : routes) {
    const bool open = route.path.ends_with('/');
    if (open ? !path.starts_with(route.path) || path == route.path : path != route.path) continue;
    path_known = true;
    if (route.method != request.method) continue;
    AdminCall call{gateway, request, {}, Json::object()};
    if (open) call.rest = path.substr(route.path.size());
    try {
      call.query = parse_query(request.query());
    } catch (const Error& error) {
      throw ConfigError{"query: " + error.detail};
    }
    for (const auto& [name, value] : call.query) {
      if (name != "account" || !route.for_account)
        throw ConfigError{"unknown query parameter `" + name + "`"};
    }
    if (request.method != "GET" && !request.body.empty()) {
      call.body = Json::parse(request.body, nullptr, false);
      if (call.body.is_discarded()) throw ConfigError{"the body is not valid JSON"};
    }
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

bool is_admin(std::string_view path) {
  return path.starts_with(prefix) || path == prefix.substr(0, prefix.size() - 1);
}

HttpResponse handle_admin(Gateway& gateway, const HttpRequest& request) {
  const auto refusal = [](int status, std::string_view code, std::string_view message) {
    const Json body = {{"error", {{"code", code}, {"message", message}}}};
    return HttpResponse{status, body.dump(-1, ' ', false, Json::error_handler_t::replace)};
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
