// What the files of the admin API share: one call, its helpers, and the tables of routes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/gateway/gateway.h"
#include "server/request/http.h"
#include "server/request/wire.h"
#include "state/base/fields.h"
#include "state/base/json.h"

namespace cvm {

struct AdminCall {
  Gateway& gateway;
  const HttpRequest& request;
  Pairs query;
  Json body;         // An object unless the route takes anything.
  std::string part;  // What stands in the path for `{…}`, decoded.

  State& state() const { return gateway.state(); }
  Time wall() const { return gateway.wall_time(); }
  // The value of a query parameter; empty if it is not given.
  std::string asked(std::string_view name) const;
  // The uin that `?account=` names; empty for every account.
  std::string account() const;
};

// A refusal with a status of its own; ConfigError becomes 400.
struct AdminError {
  int status;
  std::string code, message;
};

struct Route {
  std::string_view method, path;  // "faults/{id}"
  HttpResponse (*function)(AdminCall&);
  std::string_view summary;
  std::vector<std::string_view> query = {};   // Parameters it takes; others are refused.
  std::vector<std::string_view> fields = {};  // Members its body may have; others are refused.
  bool any_body = false;                      // Takes other bodies, too, and checks them itself.
  bool locked = true;                         // Runs under the state's lock, with time apply_dued.
};
using Routes = std::vector<Route>;

extern const Routes server_routes, time_routes, fault_routes, settings_routes, state_routes,
    journal_routes;
// All of them, in the order of the contract.
const Routes& all_routes();

HttpResponse answer(const Json& body, int status = 200);

// Readers of fields; throw ConfigError that names the field.
std::string text_field(const Json& object, const std::string& name, bool needed);
Time time_field(const Json& object, const std::string& name);
bool flag_field(const Json& object, const std::string& name, bool otherwise);

// Inline: tables in other files are made of them before main() runs.
inline const std::vector<std::string_view> clock_fields = {"mode", "now", "rate"};
inline const std::vector<std::string_view> advance_fields = {"seconds", "to", "until"};
inline const std::vector<std::string_view> credential_fields = {
    "SecretId", "SecretKey", "Token", "ExpiresAt", "Uin", "AppId", "status", "read_only"};

// Parts of scenarios that have an admin call of their own, too. The caller holds the lock.
void apply_clock(Gateway& gateway, const std::string& account, const Json& given);
std::vector<StateChange> apply_advance(Gateway& gateway, const std::string& account,
                                       const Json& given);
Credential read_credential(const Json& given);
const FaultRule& add_fault(Gateway& gateway, Settings& settings, const Json& given);

}  // namespace cvm
