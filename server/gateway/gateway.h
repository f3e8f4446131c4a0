// The whole way from a request of the API to its answer, without sockets: nearly every test calls
// it directly. May be called from several threads: parsing, signatures and validation run in
// parallel, the rest one request at a time under the state's lock.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "handlers/api/model.h"
#include "handlers/core.h"
#include "handlers/registry.h"
#include "server/gateway/exchange.h"
#include "server/gateway/journal.h"
#include "server/gateway/metrics.h"
#include "server/gateway/rate_limit.h"

namespace cvm {

struct GatewayOptions {
  AuthOptions auth;
  bool rate_limits = true;
  bool ignore_unknown_parameters = false;
};

class Gateway {
 public:
  // `wall_time` is asked once for each request.
  Gateway(State& state, const Model& model, const Registry& registry, const GatewayOptions& options,
          std::function<Time()> wall_time);

  // Answers, in two parts for who can wait: begin() answers, unless it leaves a delay.
  void begin(Exchange& exchange);
  void finish(Exchange& exchange);

  // For requests that cannot be read whole.
  HttpResponse too_large(std::size_t bytes, std::size_t limit);

  RateLimit& rate_limit() { return rate_limit_; }  // Under the state's lock.
  Journal& journal() { return journal_; }
  Metrics& metrics() { return metrics_; }

 private:
  void read_common_params(Exchange& exchange) const;
  void find_action(Exchange& exchange) const;
  std::optional<Error> read_parameters(Exchange& exchange) const;
  std::optional<Error> check_rate(const Exchange& exchange,
                                  const std::optional<std::int64_t>& limit);
  void apply_faults(Exchange& exchange, StateLock& lock);
  void perform(Exchange& exchange, StateLock& lock);
  void fail(Exchange& exchange, const Error& error);
  void complete(Exchange& exchange);
  void count(const Exchange& exchange);
  std::string error_message(const Error& error, const Exchange& exchange) const;
  template <class Work>
  void guarded(Exchange& exchange, Work work);

  State& state_;
  const Model& model_;
  const Registry& registry_;
  const GatewayOptions& options_;
  std::function<Time()> wall_time_;
  RateLimit rate_limit_;
  Journal journal_;
  Metrics metrics_;
};

}  // namespace cvm
