// The one list of steps that a request goes through; their order is what clients see, and is told
// in the README.
#include "server/gateway/gateway.h"

#include <spdlog/spdlog.h>

#include "handlers/api/validate.h"
#include "server/gateway/response_faults.h"

namespace cvm {

namespace {

// Documented limits of a request (reference: "Request Structure").
constexpr std::size_t get_bytes_max = 32 << 10;
constexpr std::size_t v1_post_bytes_max = 1 << 20;
constexpr std::size_t tc3_post_bytes_max = 10 << 20;

void check_size(std::size_t bytes, std::size_t limit, const char* what) {
  if (bytes <= limit) return;
  throw Error{"RequestSizeLimitExceeded", what, std::to_string(bytes),
              "The limit is " + std::to_string(limit) + " bytes."};
}

void check_method_and_size(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "POST") {
    throw Error{"UnsupportedProtocol", "method", std::string(request.method), {}};
  }
  if (request.method == "GET") check_size(request.target.size(), get_bytes_max, "query");
  check_size(request.body.size(), tc3_post_bytes_max, "request body");
}

// What the client calls a common parameter.
std::string common_name(const Exchange& exchange, const char* parameter) {
  return (exchange.common.signing == Signing::tc3 ? "X-TC-" : "") + std::string(parameter);
}

}  // namespace

Gateway::Gateway(State& state, const Model& model, const Registry& registry,
                 const GatewayOptions& options, std::function<Time()> wall_time)
    : state_(state),
      model_(model),
      registry_(registry),
      options_(options),
      wall_time_(std::move(wall_time)) {}

void Gateway::begin(Exchange& exchange) {
  guarded(exchange, [&] {
    // Touches nothing that changes: requests run in parallel here.
    check_method_and_size(exchange.request);  // 1. method and size
    read_common_params(exchange);             // 2. Action and Version are given
    exchange.caller = authenticate(           // 3. who calls: credentials, signature, time
        exchange.request, exchange.common, state_.credentials(), options_.auth, exchange.wall);
    find_action(exchange);                         // 4. Action, Version and Region are known
    exchange.refusal = read_parameters(exchange);  // 5. parameters; told after the rate limit
    std::unique_lock lock(state_.mutex);
    exchange.request_id = state_.next_request_id(exchange.caller.account.uin);
    apply_faults(exchange, lock);  // 6. rate limit  7. faults before the work
    exchange.delay = exchange.decision.delay;
    if (exchange.delay.count() == 0) perform(exchange, lock);
  });
  if (exchange.delay.count() == 0) complete(exchange);
}

void Gateway::finish(Exchange& exchange) {
  guarded(exchange, [&] {
    std::unique_lock lock(state_.mutex);
    perform(exchange, lock);
  });
  complete(exchange);
}

void Gateway::perform(Exchange& exchange, StateLock& lock) {
  const Effect& effect = exchange.decision.effect;
  if (exchange.refusal) return fail(exchange, *exchange.refusal);  // 8. what 5 and 6 refused
  if (replace_response(effect, exchange.response)) return;         // 9. faults instead of the work
  if (effect.kind == Effect::Kind::error)
    return fail(exchange, {effect.code, "", "", effect.message});
  const ActionCall call{*exchange.action,
                        registry_.find(exchange.action->name),
                        exchange.caller.account.uin,
                        *exchange.region,
                        exchange.params.tree,
                        exchange.common.language,
                        exchange.request_id,
                        effect};
  std::string opened = execute(state_, call, exchange.wall, &lock);  // 10. the work
  exchange.response.body = finish_body(std::move(opened), exchange.request_id);
}

void Gateway::complete(Exchange& exchange) {
  corrupt_response(exchange.decision.effect, exchange.response);  // 11. faults after the work
  count(exchange);                                                // 12. metrics and journal
  JournalEntry entry;
  entry.request_id = exchange.request_id;
  entry.time = exchange.wall;
  entry.account = exchange.caller.account.uin;
  entry.secret_id = exchange.caller.secret_id;
  entry.action = exchange.common.action;
  entry.version = exchange.common.version;
  entry.region = exchange.common.region;
  entry.source = exchange.request.source;
  entry.method = exchange.request.method;
  entry.status = exchange.response.status;
  entry.code = exchange.code;
  entry.message = exchange.message;
  entry.duration_us = exchange.duration_us;
  entry.params = kept_params(std::move(exchange.params.tree), exchange.params.text);
  entry.faults = exchange.decision.rules;
  entry.refused = std::move(exchange.refused_signature);
  exchange.entry = journal_.add(std::move(entry));
}

// Runs a part of the way; what goes wrong becomes the answer.
template <class Work>
void Gateway::guarded(Exchange& exchange, Work work) {
  const auto start = std::chrono::steady_clock::now();
  exchange.wall = wall_time_();
  try {
    work();
  } catch (const Error& error) {
    fail(exchange, error);
  } catch (const std::exception& bug) {
    // Ours, not the client's: the savepoint has undone the work.
    spdlog::error("bug: {}: {}", exchange.common.action, bug.what());
    fail(exchange, {"InternalError", "", "", {}});
  }
  const auto passed = std::chrono::steady_clock::now() - start;
  exchange.duration_us += std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
}

void Gateway::read_common_params(Exchange& exchange) const {
  exchange.common = read_common(exchange.request);
  const CommonParams& common = exchange.common;
  if (common.signing == Signing::v1)
    check_size(exchange.request.body.size(), v1_post_bytes_max, "request body");
  if (common.action.empty())
    throw Error{"MissingParameter", common_name(exchange, "Action"), "", {}};
  if (common.version.empty())
    throw Error{"MissingParameter", common_name(exchange, "Version"), "", {}};
}

void Gateway::find_action(Exchange& exchange) const {
  const CommonParams& common = exchange.common;
  if (common.version != Model::version)
    throw Error{"NoSuchVersion", common_name(exchange, "Version"), common.version, {}};
  exchange.action = model_.find(common.action);
  if (exchange.action == nullptr)
    throw Error{"InvalidAction", common_name(exchange, "Action"), common.action, {}};
  if (exchange.caller.read_only && !exchange.action->only_reads()) {
    throw Error{"UnauthorizedOperation", "Action", common.action,
                "The SecretId `" + exchange.caller.secret_id + "` may only read."};
  }
  if (!exchange.action->needs_region) {
    exchange.region = &state_.catalog().regions().front();
    return;
  }
  if (common.region.empty())
    throw Error{"MissingParameter", common_name(exchange, "Region"), "", {}};
  exchange.region = state_.catalog().region(common.region);
  if (exchange.region == nullptr)
    throw Error{"UnsupportedRegion", common_name(exchange, "Region"), common.region, {}};
}

std::optional<Error> Gateway::read_parameters(Exchange& exchange) const {
  try {
    exchange.params = read_params(exchange.request, exchange.common, *exchange.action);
  } catch (const Error& refusal) {
    return refusal;
  }
  return validate(*exchange.action, exchange.params.tree,
                  {options_.ignore_unknown_parameters, exchange.params.body_missing});
}

// A rule may put a limit of its own in the place of the documented one; other rules see only what
// is not refused.
void Gateway::apply_faults(Exchange& exchange, StateLock& lock) {
  if (state_.faults().empty()) {
    if (auto refusal = check_rate(exchange, std::nullopt)) exchange.refusal = std::move(refusal);
    return;
  }
  const Tenant tenant = exchange.tenant();
  // Rules may ask for the state of what is there: it has to be that of now.
  let_time_pass(state_, tenant.account, exchange.wall, &lock);
  const Store store = state_.store(tenant);
  const FaultCall call{exchange.action->name,
                       exchange.request_id,
                       exchange.common.region,
                       exchange.params.tree,
                       store,
                       state_.now(tenant.account, exchange.wall)};
  std::optional<std::int64_t> limit;
  if (!exchange.refusal) limit = state_.throttle(call, exchange.decision);
  if (auto refusal = check_rate(exchange, limit)) exchange.refusal = std::move(refusal);
  if (!exchange.refusal) state_.evaluate(call, exchange.decision);
  state_.save_faults();
}

std::optional<Error> Gateway::check_rate(const Exchange& exchange,
                                         const std::optional<std::int64_t>& limit) {
  if (!options_.rate_limits && !limit) return std::nullopt;
  const int requests = rate_limit_.count(exchange.caller.account.uin, exchange.region->id,
                                         exchange.action->name, exchange.wall);
  const std::int64_t most = limit.value_or(exchange.action->rate);
  if (requests <= most) return std::nullopt;
  return Error{"RequestLimitExceeded", std::to_string(most), std::to_string(requests), {}};
}

HttpResponse Gateway::too_large(std::size_t bytes, std::size_t limit) {
  const HttpRequest unread;
  Exchange exchange(unread);
  guarded(exchange, [&] { check_size(bytes, limit, "request"); });
  complete(exchange);
  return std::move(exchange.response);
}

void Gateway::fail(Exchange& exchange, const Error& error) {
  if (exchange.request_id.empty()) {
    const std::lock_guard lock(state_.mutex);
    exchange.request_id = state_.next_request_id(exchange.caller.account.uin);
  }
  exchange.code = error.code;
  exchange.message = error_message(error, exchange);
  exchange.response.body = error_body(error.code, exchange.message, exchange.request_id);
  const bool unknown_caller = exchange.caller.secret_id.empty();
  if (unknown_caller && error.code.starts_with("AuthFailure."))
    exchange.refused_signature = std::make_shared<RefusedRequest>(exchange.request, error);
}

std::string Gateway::error_message(const Error& error, const Exchange& exchange) const {
  const Effect& effect = exchange.decision.effect;
  if (effect.kind == Effect::Kind::error && !effect.message.empty()) return effect.message;
  // Whoever exchanges SecretId and SecretKey must not find the key in an answer or the journal.
  const std::string value = state_.credentials().is_key(error.value) ? "(hidden)" : error.value;
  return model_.message(error.code, error.parameter, value, error.detail, exchange.common.language);
}

void Gateway::count(const Exchange& exchange) {
  static const std::string unknown;
  const std::vector<std::string>& rules = exchange.decision.rules;
  const bool injected = exchange.decision.effect.kind == Effect::Kind::error ||
                        (exchange.code == "RequestLimitExceeded" && !rules.empty());
  metrics_.count(exchange.action == nullptr ? unknown : exchange.action->name, exchange.code,
                 injected, exchange.duration_us);
  if (!rules.empty()) metrics_.count_faults(rules.size());
}

}  // namespace cvm
