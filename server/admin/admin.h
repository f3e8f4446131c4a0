// The admin API under /_cvmsim/: for testers and their tools, unsigned.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "server/admin/guard.h"
#include "server/control/control.h"
#include "server/gateway/journal.h"
#include "server/gateway/metrics.h"
#include "server/gateway/rate_limit.h"
#include "server/request/http.h"

namespace cvm {

bool is_admin(std::string_view path);
// How large the body of such a request may be.
std::uint64_t admin_body_bytes_max(const HttpRequest& request);

// What the calls work on.
class Admin {
 public:
  Admin(Control& control, Journal& journal, const Metrics& metrics, RateLimit& rate_limit,
        const AuthOptions& auth, const BrowserOptions& browser, Json modes);

  HttpResponse handle(const HttpRequest& request);

  Control& control;
  Journal& journal;
  const Metrics& metrics;
  RateLimit& rate_limit;
  const AuthOptions& auth;
  const BrowserOptions& browser;
  const Json modes;  // How the server was started, for /_cvmsim/info.
  const Time started;
  std::atomic<bool> ready = false;

  // Under the state's lock:
  struct Snapshot {
    Time taken;
    std::string text;
  };
  std::map<std::string, Snapshot, std::less<>> snapshots;
};

}  // namespace cvm
