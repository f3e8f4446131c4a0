// The whole way from a request to its answer, without sockets: nearly every test calls it directly.
// May be called from several threads: parsing, signatures and validation run in parallel, the rest
// one request at a time under the state's lock.
#pragma once

#include <atomic>
#include <functional>

#include "handlers/api/model.h"
#include "handlers/call.h"
#include "server/http.h"
#include "server/rate_limit.h"
#include "server/signature.h"
#include "state/state.h"

namespace cvm {

struct GatewayOptions {
  AuthOptions auth;
  bool rate_limits = true;
  bool ignore_unknown_parameters = false;
  std::string lifecycle = "fast";  // As told by /_cvmsim/info.
};

// What is logged of a request.
struct RequestRecord {
  std::string request_id, account, secret_id, action, region, code;
};

class Gateway {
 public:
  // `machine_time` is asked once for each request.
  Gateway(State& state, const Model& model, GatewayOptions options,
          std::function<Time()> machine_time);

  HttpResponse handle(const HttpRequest& request);
  HttpResponse handle(const HttpRequest& request, RequestRecord& record);

  // For requests that cannot be read whole.
  HttpResponse too_large(std::size_t bytes, std::size_t limit);

  State& state() { return state_; }
  const Model& model() const { return model_; }
  const GatewayOptions& options() const { return options_; }
  RateLimit& rate_limit() { return rate_limit_; }
  Time machine_time() const { return machine_time_(); }
  Time started() const { return started_; }
  std::atomic<bool> ready = false;

 private:
  struct Prepared;
  void prepare(const HttpRequest& request, Prepared& prepared);
  std::string call(Prepared& prepared);
  void check_rate(const Prepared& prepared, const Tenant& tenant);
  std::string run(Prepared& prepared, const Tenant& tenant);
  std::string failure_body(const Error& error, Prepared& prepared);

  State& state_;
  const Model& model_;
  GatewayOptions options_;
  std::function<Time()> machine_time_;
  Time started_;
  RateLimit rate_limit_;
};

}  // namespace cvm
