// The one way to run an action, for requests and scenarios alike: what every action has in common
// happens here, around its handler.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "handlers/call.h"
#include "state/lifecycle/effect.h"

namespace cvm {

using StateLock = std::unique_lock<decltype(State::mutex)>;

// A call that was let in: its parameters are valid, its caller and region are known.
struct ActionCall {
  const Action& action;
  Handler handler = nullptr;  // Null: the action is not implemented.
  std::string account;        // Uin
  const Region& region;       // Some region even where the action needs none.
  const Json& params;
  std::string_view language, request_id;
  const Effect& effect;  // What a fault makes of it.
};

// Everything that is due for the account happens, in steps between which others get the lock.
void let_time_pass(State& state, const std::string& account, Time wall, StateLock* lock);

// Lets time pass for the account, then runs the handler: everything it does is kept or, if it
// throws, undone. A ClientToken that was seen before is answered as then, DryRun changes nothing.
// Returns the answer as Reply::take() gives it. Throws Error to refuse. The caller holds the lock;
// if it hands it over, it is let go while something is made that takes long.
std::string execute(State& state, const ActionCall& call, Time wall, StateLock* lock = nullptr);

}  // namespace cvm
