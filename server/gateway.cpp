// The one list of steps that a request goes through; their order is the contract's (section 8).
#include "server/gateway.h"

#include <spdlog/spdlog.h>

#include "handlers/api/formats.h"
#include "handlers/api/validate.h"
#include "handlers/registry.h"
#include "server/admin.h"
#include "server/crypto.h"
#include "server/wire.h"

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

}  // namespace

// What is known of a request before the lock is taken.
struct Gateway::Prepared {
  Time machine{};
  Common common;
  Caller caller;
  std::string request_id;
  const Action* action = nullptr;
  const Region* region = nullptr;
  Handler handler = nullptr;  // Of an action that is implemented.
  Params params;
  // What is wrong with the parameters. Told only after the rate limit has been counted.
  std::optional<Error> refused;
};

Gateway::Gateway(State& state, const Model& model, GatewayOptions options,
                 std::function<Time()> machine_time)
    : state_(state),
      model_(model),
      options_(std::move(options)),
      machine_time_(std::move(machine_time)),
      started_(machine_time_()) {}

HttpResponse Gateway::handle(const HttpRequest& request) {
  RequestRecord record;
  return handle(request, record);
}

HttpResponse Gateway::handle(const HttpRequest& request, RequestRecord& record) {
  if (is_admin(request.path())) return handle_admin(*this, request);
  Prepared prepared;
  prepared.machine = machine_time_();
  HttpResponse response;
  try {
    prepare(request, prepared);
    response.body = call(prepared);
  } catch (const Error& error) {
    record.code = error.code;
    response.body = failure_body(error, prepared);
  } catch (const std::exception& bug) {
    // Ours, not the client's: the savepoint has undone the work.
    spdlog::error("bug: {}: {}", prepared.common.action, bug.what());
    record.code = "InternalError";
    response.body = failure_body({"InternalError", "", "", {}}, prepared);
  }
  record.request_id = prepared.request_id;
  record.account = prepared.caller.account.uin;
  record.secret_id = prepared.caller.secret_id;
  record.action = prepared.common.action;
  record.region = prepared.common.region;
  return response;
}

HttpResponse Gateway::too_large(std::size_t bytes, std::size_t limit) {
  Prepared prepared;
  return {200, failure_body({"RequestSizeLimitExceeded", "request", std::to_string(bytes),
                             "The limit is " + std::to_string(limit) + " bytes."},
                            prepared)};
}

// Steps 1 to 5: method and size, action and version given, who calls, action, version and region
// known, parameters. Touches nothing that changes.
void Gateway::prepare(const HttpRequest& request, Prepared& prepared) {
  if (request.method != "GET" && request.method != "POST") {
    throw Error{"UnsupportedProtocol", "method", std::string(request.method), {}};
  }
  if (request.method == "GET") check_size(request.target.size(), get_bytes_max, "query");
  check_size(request.body.size(), tc3_post_bytes_max, "request body");
  prepared.common = read_common(request);
  const Common& common = prepared.common;
  if (common.signing == Signing::v1)
    check_size(request.body.size(), v1_post_bytes_max, "request body");
  // What the client calls a common parameter.
  const auto name = [&](const std::string& parameter) {
    return (common.signing == Signing::tc3 ? "X-TC-" : "") + parameter;
  };
  if (common.action.empty()) throw Error{"MissingParameter", name("Action"), "", {}};
  if (common.version.empty()) throw Error{"MissingParameter", name("Version"), "", {}};

  prepared.caller =
      authenticate(request, common, state_.credentials(), options_.auth, prepared.machine);

  if (common.version != Model::version) {
    throw Error{"NoSuchVersion", name("Version"), common.version, {}};
  }
  prepared.action = model_.find(common.action);
  if (prepared.action == nullptr) {
    throw Error{"InvalidAction", name("Action"), common.action, {}};
  }
  prepared.handler = find_handler(common.action);
  const bool reads = common.action.starts_with("Describe") || common.action.starts_with("Inquir");
  if (prepared.caller.read_only && !reads) {
    throw Error{"UnauthorizedOperation", "Action", common.action,
                "The SecretId `" + prepared.caller.secret_id + "` may only read."};
  }
  const auto& regions = state_.catalog().regions();
  if (prepared.action->needs_region) {
    if (common.region.empty()) throw Error{"MissingParameter", name("Region"), "", {}};
    prepared.region = state_.catalog().region(common.region);
    if (prepared.region == nullptr) {
      throw Error{"UnsupportedRegion", name("Region"), common.region, {}};
    }
  } else {
    prepared.region = &regions.front();
  }
  try {
    prepared.params = read_params(request, common, *prepared.action);
    validate(*prepared.action, prepared.params.tree,
             {options_.ignore_unknown_parameters, prepared.params.body_missing});
  } catch (const Error& error) {
    prepared.refused = error;
  }
}

// The rest, one request at a time: rate limit, time, the action itself.
std::string Gateway::call(Prepared& prepared) {
  const Tenant tenant{prepared.caller.account.uin, prepared.region->id};
  const std::lock_guard lock(state_.mutex);
  prepared.request_id = state_.next_request_id(tenant.account);
  check_rate(prepared, tenant);
  if (prepared.refused) throw *prepared.refused;
  if (prepared.handler == nullptr) {
    throw Error{"UnsupportedOperation", "Action", prepared.action->name,
                "This emulator does not implement it yet."};
  }
  state_.settle(tenant.account, prepared.machine);
  return finish_body(run(prepared, tenant), prepared.request_id);
}

void Gateway::check_rate(const Prepared& prepared, const Tenant& tenant) {
  if (!options_.rate_limits) return;
  const int requests =
      rate_limit_.count(tenant.account, tenant.region, prepared.action->name, prepared.machine);
  if (requests <= prepared.action->rate) return;
  throw Error{
      "RequestLimitExceeded", std::to_string(prepared.action->rate), std::to_string(requests), {}};
}

// Everything the handler does happens in one savepoint: kept, or gone if it throws.
std::string Gateway::run(Prepared& prepared, const Tenant& tenant) {
  const Action& action = *prepared.action;
  const Time now = state_.now(tenant.account, prepared.machine);
  const Args args(prepared.params.tree, action.in);
  Savepoint work(state_.database());
  std::string token, digest;
  if (action.in.find("ClientToken") != nullptr) token = args.text("ClientToken");
  const bool dry_run = action.in.find("DryRun") != nullptr && args.flag("DryRun");
  if (!token.empty() && !dry_run) {
    // Sorted: the same parameters in another order, or another encoding, are the same request.
    digest = sha256_hex(nlohmann::json(prepared.params.tree).dump());
    if (const auto before = state_.recall(tenant, action.name, token, now)) {
      if (before->digest == digest) return before->reply;
      throw Error{
          std::string(action.choose({"InvalidParameterCombination", "InvalidParameterValue"})),
          "ClientToken", token, "It was used before, with other parameters."};
    }
  }
  Store store = state_.store(tenant);
  Lifecycle lifecycle(state_.database(), store, state_.steps(),
                      {action.name, prepared.request_id, now, &action.errors});
  std::vector<std::string> shown;
  Call call{args,
            action,
            prepared.caller.account,
            *prepared.region,
            store,
            lifecycle,
            state_,
            now,
            prepared.common.language,
            shown};
  std::string reply = prepared.handler(call).take();
  if (dry_run) throw Error{"DryRunOperation", "", "", {}};
  if (!token.empty()) state_.remember(tenant, action.name, token, {digest, reply}, now);
  if (!shown.empty()) state_.jump_if_shown(tenant.account, shown, prepared.machine);
  work.keep();
  return reply;
}

std::string Gateway::failure_body(const Error& error, Prepared& prepared) {
  if (prepared.request_id.empty()) {
    const std::lock_guard lock(state_.mutex);
    prepared.request_id = state_.next_request_id(prepared.caller.account.uin);
  }
  return error_body(error.code,
                    model_.message(error.code, error.parameter, error.value, error.detail,
                                   prepared.common.language),
                    prepared.request_id);
}

}  // namespace cvm
