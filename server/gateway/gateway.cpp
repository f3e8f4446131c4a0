// The one list of steps that a request goes through; their order is the contract's (section 8).
#include "server/gateway/gateway.h"

#include <spdlog/spdlog.h>

#include "handlers/api/formats.h"
#include "handlers/api/validate.h"
#include "handlers/registry.h"
#include "server/admin/admin.h"
#include "server/auth/crypto.h"
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

bool reads_only(std::string_view action) {
  return action.starts_with("Describe") || action.starts_with("Inquir");
}

}  // namespace

Gateway::Gateway(State& state, const Model& model, GatewayOptions options,
                 std::function<Time()> wall_time)
    : state_(state),
      model_(model),
      options_(std::move(options)),
      wall_time_(std::move(wall_time)),
      started_(wall_time_()) {
  state_.set_fault_names(fault_names());
}

FaultNames Gateway::fault_names() const {
  FaultNames names{.catalog = state_.catalog()};
  for (const auto& [name, action] : model_.actions()) names.actions.push_back(name);
  names.is_code = [this](std::string_view code) { return model_.errors().contains(code); };
  names.has_parameter = [this](std::string_view action, std::string_view parameter) {
    return model_.find(action)->in.find(parameter) != nullptr;
  };
  names.begins_operation = [](std::string_view action) { return !reads_only(action); };
  names.states = model_.shape("Instance")->find("InstanceState")->values;
  names.account = [this](const std::string& name) { return account(name); };
  return names;
}

std::string Gateway::account(const std::string& name) const {
  const bool uin = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
  if (uin) return name;
  if (options_.auth.mode == Auth::strict && !state_.credentials().find(name)) {
    throw ConfigError{"account: no SecretId or uin `" + name + "`"};
  }
  return state_.credentials().account(name).uin;
}

HttpResponse Gateway::handle(const HttpRequest& request) {
  Exchange exchange(request);
  begin(exchange);
  if (exchange.delay.count() > 0) finish(exchange);
  return std::move(exchange.response);
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

void Gateway::begin(Exchange& exchange) {
  if (is_admin(exchange.request.path())) {
    exchange.response = handle_admin(*this, exchange.request);
    return;
  }
  guarded(exchange, [&] {
    prepare(exchange);
    const std::lock_guard lock(state_.mutex);
    admit(exchange);
    exchange.delay = exchange.decision.delay;
    if (exchange.delay.count() == 0) act(exchange);
  });
  if (exchange.delay.count() == 0) complete(exchange);
}

void Gateway::finish(Exchange& exchange) {
  guarded(exchange, [&] {
    const std::lock_guard lock(state_.mutex);
    act(exchange);
  });
  complete(exchange);
}

HttpResponse Gateway::too_large(std::size_t bytes, std::size_t limit) {
  const HttpRequest unread;
  Exchange exchange(unread);
  guarded(exchange, [&] {
    throw Error{"RequestSizeLimitExceeded", "request", std::to_string(bytes),
                "The limit is " + std::to_string(limit) + " bytes."};
  });
  complete(exchange);
  return std::move(exchange.response);
}

// Steps 1 to 5: method and size, action and version given, who calls, action, version and region
// known, parameters. Touches nothing that changes.
void Gateway::prepare(Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  if (request.method != "GET" && request.method != "POST") {
    throw Error{"UnsupportedProtocol", "method", std::string(request.method), {}};
  }
  if (request.method == "GET") check_size(request.target.size(), get_bytes_max, "query");
  check_size(request.body.size(), tc3_post_bytes_max, "request body");
  exchange.common = read_common(request);
  const CommonParams& common = exchange.common;
  if (common.signing == Signing::v1)
    check_size(request.body.size(), v1_post_bytes_max, "request body");
  // What the client calls a common parameter.
  const auto name = [&](const std::string& parameter) {
    return (common.signing == Signing::tc3 ? "X-TC-" : "") + parameter;
  };
  if (common.action.empty()) throw Error{"MissingParameter", name("Action"), "", {}};
  if (common.version.empty()) throw Error{"MissingParameter", name("Version"), "", {}};

  exchange.caller =
      authenticate(request, common, state_.credentials(), options_.auth, exchange.wall);

  if (common.version != Model::version) {
    throw Error{"NoSuchVersion", name("Version"), common.version, {}};
  }
  exchange.action = model_.find(common.action);
  if (exchange.action == nullptr) {
    throw Error{"InvalidAction", name("Action"), common.action, {}};
  }
  exchange.handler = find_handler(common.action);
  if (exchange.caller.read_only && !reads_only(common.action)) {
    throw Error{"UnauthorizedOperation", "Action", common.action,
                "The SecretId `" + exchange.caller.secret_id + "` may only read."};
  }
  const auto& regions = state_.catalog().regions();
  if (exchange.action->needs_region) {
    if (common.region.empty()) throw Error{"MissingParameter", name("Region"), "", {}};
    exchange.region = state_.catalog().region(common.region);
    if (exchange.region == nullptr) {
      throw Error{"UnsupportedRegion", name("Region"), common.region, {}};
    }
  } else {
    exchange.region = &regions.front();
  }
  try {
    exchange.params = read_params(request, common, *exchange.action);
    validate(*exchange.action, exchange.params.tree,
             {options_.ignore_unknown_parameters, exchange.params.body_missing});
  } catch (const Error& error) {
    exchange.refused = error;
  }
}

// Still before anything is done: rate limit, then faults for what is not refused.
void Gateway::admit(Exchange& exchange) {
  exchange.request_id = state_.next_request_id(exchange.caller.account.uin);
  if (state_.faults().empty()) {
    if (const auto refusal = check_rate(exchange, std::nullopt)) exchange.refused = refusal;
    return;
  }
  const Tenant tenant = exchange.tenant();
  // Rules may ask for the state of what is there: it has to be that of now.
  state_.apply_due(tenant.account, exchange.wall);
  const Store store = state_.store(tenant);
  const FaultCall call{exchange.action->name,
                       exchange.request_id,
                       exchange.common.region,
                       exchange.params.tree,
                       store,
                       state_.now(tenant.account, exchange.wall)};
  std::optional<std::int64_t> limit;
  if (!exchange.refused) limit = state_.throttle(call, exchange.decision);
  if (const auto refusal = check_rate(exchange, limit)) exchange.refused = refusal;
  if (!exchange.refused) state_.evaluate(call, exchange.decision);
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

// The rest, one request at a time: time, the action itself.
void Gateway::act(Exchange& exchange) {
  if (exchange.refused) throw *exchange.refused;
  const Effect& effect = exchange.decision.effect;
  if (replace_response(effect, exchange.response)) return;
  if (effect.kind == Effect::Kind::error) throw Error{effect.code, "", "", effect.message};
  if (exchange.handler == nullptr) {
    throw Error{"UnsupportedOperation", "Action", exchange.action->name,
                "This emulator does not implement it yet."};
  }
  state_.apply_due(exchange.caller.account.uin, exchange.wall);
  exchange.response.body = finish_body(run(exchange), exchange.request_id);
}

std::string Gateway::run(Exchange& exchange) {
  std::optional<std::int64_t> drawn;
  std::string reply = attempt(exchange, drawn);
  // The work is gone, but nothing else may ever get the ids that the answer names.
  if (drawn) state_.set_counter(exchange.caller.account.uin, *drawn);
  return reply;
}

// Everything the handler does happens in one savepoint: kept, or gone if it throws.
std::string Gateway::attempt(Exchange& exchange, std::optional<std::int64_t>& drawn) {
  const Action& action = *exchange.action;
  const Tenant tenant = exchange.tenant();
  const Time now = state_.now(tenant.account, exchange.wall);
  const Args args(exchange.params.tree, action.in);
  Savepoint work(state_.database());
  std::string token, digest;
  if (action.in.find("ClientToken") != nullptr) token = args.text("ClientToken");
  const bool dry_run = action.in.find("DryRun") != nullptr && args.flag("DryRun");
  if (!token.empty() && !dry_run) {
    // Sorted: the same parameters in another order, or another encoding, are the same request.
    digest = sha256_hex(nlohmann::json(exchange.params.tree).dump());
    if (const auto before = state_.recall(tenant, action.name, token, now)) {
      if (before->digest == digest) return before->reply;
      throw Error{
          std::string(action.choose({"InvalidParameterCombination", "InvalidParameterValue"})),
          "ClientToken", token, "It was used before, with other parameters."};
    }
  }
  Store store = state_.store(tenant);
  Lifecycle lifecycle(
      state_.database(), store, state_.steps(),
      {action.name, exchange.request_id, now, &action.errors, &exchange.decision.effect});
  std::vector<std::string> shown;
  Call call{args,
            action,
            exchange.caller.account,
            *exchange.region,
            store,
            lifecycle,
            state_,
            now,
            exchange.common.language,
            shown};
  std::string reply = exchange.handler(call).take();
  if (dry_run && action.answers_dry_run) return reply;
  if (dry_run) throw Error{"DryRunOperation", "", "", {}};
  if (exchange.decision.effect.kind == Effect::Kind::lost) {
    drawn = state_.counter(tenant.account);
    return reply;
  }
  if (!token.empty()) state_.remember(tenant, action.name, token, {digest, reply}, now);
  if (!shown.empty()) state_.jump_if_shown(tenant.account, shown, exchange.wall);
  work.commit();
  state_.record(std::move(lifecycle.changes()));
  return reply;
}

void Gateway::fail(Exchange& exchange, const Error& error) {
  exchange.code = error.code;
  exchange.response.body = failure_body(error, exchange);
  const bool unknown_caller = exchange.caller.secret_id.empty();
  if (unknown_caller && error.code.starts_with("AuthFailure."))
    exchange.refused_signature = std::make_shared<RefusedRequest>(exchange.request, error);
}

std::string Gateway::failure_body(const Error& error, Exchange& exchange) {
  if (exchange.request_id.empty()) {
    const std::lock_guard lock(state_.mutex);
    exchange.request_id = state_.next_request_id(exchange.caller.account.uin);
  }
  const Effect& effect = exchange.decision.effect;
  const bool told = effect.kind == Effect::Kind::error && !effect.message.empty();
  // Whoever exchanges SecretId and SecretKey must not find the key in an answer or the journal.
  const std::string value = state_.credentials().is_key(error.value) ? "(hidden)" : error.value;
  exchange.message = told ? effect.message
                          : model_.message(error.code, error.parameter, value, error.detail,
                                           exchange.common.language);
  return error_body(error.code, exchange.message, exchange.request_id);
}

// The answer is there: faults may spoil it, and it is written down.
void Gateway::complete(Exchange& exchange) {
  corrupt_response(exchange.decision.effect, exchange.response);
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
  entry.params = std::move(exchange.params.tree);
  entry.bytes = exchange.request.body.size() + exchange.request.target.size();
  entry.faults = exchange.decision.rules;
  entry.refused = std::move(exchange.refused_signature);
  static const std::string unknown;
  const bool injected = exchange.decision.effect.kind == Effect::Kind::error ||
                        (exchange.code == "RequestLimitExceeded" && !entry.faults.empty());
  metrics_.count(exchange.action == nullptr ? unknown : exchange.action->name, exchange.code,
                 injected, exchange.duration_us);
  if (!entry.faults.empty()) metrics_.count_faults(entry.faults.size());
  exchange.entry = journal_.add(std::move(entry));
}

Json Gateway::perform(const std::string& secret_id, const std::string& action,
                      const std::string& region, const Json& params) {
  const HttpRequest none;
  Exchange exchange(none);
  exchange.wall = wall_time_();
  exchange.action = model_.find(action);
  if (exchange.action == nullptr) throw Error{"InvalidAction", "Action", action, {}};
  exchange.handler = find_handler(action);
  if (exchange.handler == nullptr)
    throw Error{"UnsupportedOperation", "Action", action, "This emulator does not implement it."};
  exchange.region = exchange.action->needs_region ? state_.catalog().region(region)
                                                  : &state_.catalog().regions().front();
  if (exchange.region == nullptr) throw Error{"UnsupportedRegion", "Region", region, {}};
  exchange.caller.account = state_.credentials().account(secret_id);
  exchange.params.tree = params;
  validate(*exchange.action, exchange.params.tree, {options_.ignore_unknown_parameters, false});
  exchange.request_id = state_.next_request_id(exchange.caller.account.uin);
  state_.apply_due(exchange.caller.account.uin, exchange.wall);
  return Json::parse(finish_body(run(exchange), exchange.request_id)).at("Response");
}

}  // namespace cvm
