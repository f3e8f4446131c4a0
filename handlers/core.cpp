// What happens around every handler, in this order: time, ClientToken, the work, DryRun, commit.
#include "handlers/core.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "state/base/crypto.h"

namespace cvm {

namespace {

constexpr std::int64_t transitions_at_once = 50;  // About 2 ms.

// A ClientToken as one call gives it. No token: it asks nothing and remembers nothing.
class Idempotency {
 public:
  Idempotency(State& state, const ActionCall& call, const Args& args, Time now)
      : state_(state), call_(call), tenant_{call.account, call.region.id}, now_(now) {
    if (call.action.in.find("ClientToken") == nullptr) return;
    token_ = args.text("ClientToken");
    // Sorted: the same parameters in another order, or another encoding, are the same request.
    if (!token_.empty()) digest_ = sha256_hex(nlohmann::json(call.params).dump());
  }

  // What the same request was answered before. Throws if the token came with other parameters.
  std::optional<std::string> answered() const {
    if (token_.empty()) return std::nullopt;
    auto before = state_.recall(tenant_, call_.action.name, token_, now_);
    if (!before) return std::nullopt;
    if (before->digest == digest_) return std::move(before->reply);
    throw Error{
        std::string(call_.action.choose({"InvalidParameterCombination", "InvalidParameterValue"})),
        "ClientToken", token_, "It was used before, with other parameters."};
  }

  void remember(const std::string& reply) const {
    if (!token_.empty())
      state_.remember(tenant_, call_.action.name, token_, {digest_, reply}, now_);
  }

 private:
  State& state_;
  const ActionCall& call_;
  Tenant tenant_;
  Time now_;
  std::string token_, digest_;
};

bool is_dry_run(const Action& action, const Args& args) {
  return action.in.find("DryRun") != nullptr && args.flag("DryRun");
}

// The random streams that a call drew before it had to wait: nobody else gets them meanwhile.
struct Drawn {
  std::int64_t after = 0, last = 0;
};

std::string run(State& state, const ActionCall& call, Time wall, std::optional<Drawn>& drawn) {
  const Time now = state.now(call.account, wall);
  const Args args(call.params, call.action.in);
  const bool dry_run = is_dry_run(call.action, args);
  const Idempotency token(state, call, args, now);
  if (!dry_run) {
    if (auto before = token.answered()) return std::move(*before);
  }
  // What only reads has nothing to undo.
  std::optional<Savepoint> work;
  if (!call.action.only_reads()) state.begin(work);
  const std::int64_t counter = state.counter(call.account);
  if (drawn) state.set_counter(call.account, drawn->after);
  Store store = state.store({call.account, call.region.id});
  Lifecycle lifecycle = state.lifecycle(
      store, {call.action.name, call.request_id, now, &call.action.errors, &call.effect});
  Stock stock = state.stock(store);
  Call in_hand{args,  call.action,    call.region, store,        lifecycle, state.catalog(),
               stock, state.quotas(), now,         call.language};
  std::string reply;
  try {
    reply = call.handler(in_hand).take();
  } catch (const NotReady&) {
    if (!drawn) drawn = Drawn{counter, state.counter(call.account)};
    if (work) work->undo();
    state.set_counter(call.account, std::max(counter, drawn->last));
    throw;
  }
  if (drawn) state.set_counter(call.account, std::max(counter, drawn->last));
  if (dry_run && call.action.answers_dry_run) return reply;
  if (dry_run) throw Error{"DryRunOperation", "", "", {}};
  if (call.effect.kind == Effect::Kind::lost) {
    // Nothing else may ever get the ids that the answer names.
    const std::int64_t last = state.counter(call.account);
    if (work) work->undo();
    state.set_counter(call.account, last);
    return reply;
  }
  token.remember(reply);
  state.jump_if_shown(call.account, lifecycle.shown(), wall);
  if (work) work->commit();
  state.record(std::move(lifecycle.changes()));
  return reply;
}

}  // namespace

void let_time_pass(State& state, const std::string& account, Time wall, StateLock* lock) {
  while (!state.apply_due(account, wall, transitions_at_once)) {
    if (lock == nullptr) continue;
    lock->unlock();
    std::this_thread::yield();
    lock->lock();
  }
}

std::string execute(State& state, const ActionCall& call, Time wall, StateLock* lock) {
  if (call.handler == nullptr) {
    throw Error{"UnsupportedOperation", "Action", call.action.name,
                "This emulator does not implement it yet."};
  }
  std::optional<Drawn> drawn;
  for (;;) {
    let_time_pass(state, call.account, wall, lock);
    try {
      return run(state, call, wall, drawn);
    } catch (const NotReady& what) {
      if (lock != nullptr) lock->unlock();
      what.make();
      if (lock != nullptr) lock->lock();
    }
  }
}

}  // namespace cvm
