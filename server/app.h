// The program behind its sockets: what is asked of the API goes through the gateway, what is asked
// under /_cvmsim/ to the admin API. The only place that knows both.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/admin/admin.h"
#include "server/control/control.h"
#include "server/gateway/gateway.h"

namespace cvm {

struct AppOptions {
  GatewayOptions gateway;
  BrowserOptions browser;
  std::string lifecycle = "fast";  // As told by /_cvmsim/info.
};

class App {
 public:
  // `wall_time` is asked once for each request.
  App(State& state, const Model& model, const Registry& registry, AppOptions options,
      const std::function<Time()>& wall_time);

  // Applies the scenarios; then it is ready. Throws ConfigError.
  void start_with(std::vector<Scenario> scenarios);

  // Answers; delays are told in the exchange and not waited for.
  HttpResponse handle(const HttpRequest& request);
  // The same in two parts for who can wait: begin() answers, unless it leaves a delay.
  void begin(Exchange& exchange);
  void finish(Exchange& exchange) { gateway_.finish(exchange); }
  // For requests that cannot be read whole.
  HttpResponse too_large(std::size_t bytes, std::size_t limit) {
    return gateway_.too_large(bytes, limit);
  }

  State& state() { return state_; }
  Metrics& metrics() { return gateway_.metrics(); }

 private:
  State& state_;
  const AppOptions options_;
  Gateway gateway_;
  Control control_;
  Admin admin_;
};

}  // namespace cvm
