// The whole way from a request to its answer, without sockets: nearly every test calls it directly.
// May be called from several threads: parsing, signatures and validation run in parallel, the rest
// one request at a time under the state's lock.
#pragma once

#include <atomic>
#include <functional>
#include <map>

#include "handlers/api/model.h"
#include "handlers/call.h"
#include "server/auth/signature.h"
#include "server/gateway/journal.h"
#include "server/gateway/metrics.h"
#include "server/gateway/rate_limit.h"
#include "server/request/http.h"
#include "server/request/wire.h"
#include "state/state.h"

namespace cvm {

struct GatewayOptions {
  AuthOptions auth;
  bool rate_limits = true;
  bool ignore_unknown_parameters = false;
  std::string lifecycle = "fast";  // As told by /_cvmsim/info.
};

// One request on its way, and what is known of it so far.
struct Exchange {
  explicit Exchange(const HttpRequest& from) : request(from) {}

  const HttpRequest& request;
  HttpResponse response;
  // Above 0 after Gateway::begin(): a fault holds the request back so long; then comes finish().
  Milliseconds delay{};
  Journal::Entry entry;  // Once it is answered.

  Time wall{};
  CommonParams common;
  Caller caller;
  std::string request_id;
  const Action* action = nullptr;
  const Region* region = nullptr;
  Handler handler = nullptr;  // Of an action that is implemented.
  Params params;
  // What is wrong with the parameters, or that there were too many requests: the rate limit is
  // told first, both after a delay.
  std::optional<Error> refused;
  FaultDecision decision;  // By faults.
  std::string code, message;
  std::shared_ptr<const RefusedRequest> refused_signature;
  std::int64_t duration_us = 0;

  Tenant tenant() const { return {caller.account.uin, region->id}; }
};

// A scenario as it was applied when the server started; a reset applies it again.
struct Scenario {
  std::string name;
  Json content;
};

class Gateway {
 public:
  // `machine_time` is asked once for each request.
  Gateway(State& state, const Model& model, GatewayOptions options,
          std::function<Time()> wall_time);

  // Answers; delays are told in the exchange and not waited for.
  HttpResponse handle(const HttpRequest& request);

  // The same in two parts for who can wait: begin() answers, unless it leaves a delay.
  void begin(Exchange& exchange);
  void finish(Exchange& exchange);

  // For requests that cannot be read whole.
  HttpResponse too_large(std::size_t bytes, std::size_t limit);

  // An action as a scenario calls it: no signature, rate limit or fault. The caller holds the
  // state's lock. Returns the content of `Response`; throws Error.
  Json perform(const std::string& secret_id, const std::string& action, const std::string& region,
               const Json& params);

  // The uin of a SecretId or uin that can call; throws ConfigError for others.
  std::string account(const std::string& name) const;

  State& state() { return state_; }
  const Model& model() const { return model_; }
  const GatewayOptions& options() const { return options_; }
  RateLimit& rate_limit() { return rate_limit_; }
  Journal& journal() { return journal_; }
  const Metrics& metrics() const { return metrics_; }
  Time wall_time() const { return wall_time_(); }
  Time started() const { return started_; }
  std::atomic<bool> ready = false;
  // Under the state's lock:
  std::vector<Scenario> scenarios;
  struct Snapshot {
    Time taken;
    std::string text;
  };
  std::map<std::string, Snapshot, std::less<>> snapshots;

 private:
  FaultNames fault_names() const;
  void prepare(Exchange& exchange);
  void admit(Exchange& exchange);
  void act(Exchange& exchange);
  std::optional<Error> check_rate(const Exchange& exchange,
                                  const std::optional<std::int64_t>& limit);
  std::string run(Exchange& exchange);
  std::string attempt(Exchange& exchange, std::optional<std::int64_t>& drawn);
  void fail(Exchange& exchange, const Error& error);
  void complete(Exchange& exchange);
  std::string failure_body(const Error& error, Exchange& exchange);
  template <class Work>
  void guarded(Exchange& exchange, Work work);

  State& state_;
  const Model& model_;
  GatewayOptions options_;
  std::function<Time()> wall_time_;
  Time started_;
  RateLimit rate_limit_;
  Journal journal_;
  Metrics metrics_;
};

}  // namespace cvm
