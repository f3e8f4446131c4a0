// What the files of the admin API share: one call, its helpers, and the tables of routes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/admin.h"
#include "server/request/wire.h"
#include "state/base/fields.h"
#include "state/base/json.h"
#include "state/base/parse_json.h"

namespace cvm {

struct AdminCall {
  Admin& admin;
  const HttpRequest& request;
  Pairs query;
  Json body;         // An object unless the route takes anything.
  std::string part;  // What stands in the path for `{…}`, decoded.

  Control& control() const { return admin.control; }
  State& state() const { return admin.control.state(); }
  Time wall() const { return admin.control.wall(); }
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
  JsonLimits body_limits = {};
  std::uint64_t body_bytes_max = 1 << 20;
  bool any_body = false;    // Takes other bodies, too, and checks them itself.
  bool locked = true;       // Runs under the state's lock.
  bool applies_due = true;  // What is due happens first, if locked; not where all is replaced.
};
using Routes = std::vector<Route>;

extern const Routes about_routes, time_routes, fault_routes, settings_routes, state_routes,
    journal_routes;
// All of them.
const Routes& all_routes();

HttpResponse answer(const Json& body, int status = 200);

}  // namespace cvm
