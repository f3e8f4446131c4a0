// Tells the two ways of asking apart.
#include "server/app.h"

namespace cvm {

namespace {

Json modes_of(const GatewayOptions& options, const std::string& lifecycle) {
  static constexpr const char* auth_names[] = {"strict", "lenient", "off"};
  return {{"auth", auth_names[static_cast<int>(options.auth.mode)]},
          {"auth_skew_s", options.auth.skew_s},
          {"rate_limits", options.rate_limits ? "documented" : "off"},
          {"validation", options.ignore_unknown_parameters ? "lenient" : "strict"},
          {"lifecycle", lifecycle}};
}

}  // namespace

App::App(State& state, const Model& model, const Registry& registry, AppOptions options,
         const std::function<Time()>& wall_time)
    : state_(state),
      options_(std::move(options)),
      gateway_(state, model, registry, options_.gateway, wall_time),
      control_(state, model, registry,
               {options_.gateway.auth.mode, options_.gateway.ignore_unknown_parameters}, wall_time),
      admin_(control_, gateway_.journal(), gateway_.metrics(), gateway_.rate_limit(),
             options_.gateway.auth, options_.browser,
             modes_of(options_.gateway, options_.lifecycle)) {}

void App::start_with(std::vector<Scenario> scenarios) {
  const std::lock_guard lock(state_.mutex);
  control_.start_with(std::move(scenarios));
  admin_.ready = true;
}

HttpResponse App::handle(const HttpRequest& request) {
  Exchange exchange(request);
  begin(exchange);
  if (exchange.delay.count() > 0) finish(exchange);
  return std::move(exchange.response);
}

void App::begin(Exchange& exchange) {
  if (is_admin(exchange.request.path())) {
    exchange.response = admin_.handle(exchange.request);
  } else {
    gateway_.begin(exchange);
  }
}

}  // namespace cvm
