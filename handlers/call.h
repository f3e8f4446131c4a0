// All that a handler may touch, in one parameter. Store, lifecycle and stock are bound to the call:
// to its account and region, its action and its RequestId. `now` is the only time there is.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/api/args.h"
#include "handlers/api/model.h"
#include "handlers/api/reply.h"
#include "state/base/error.h"
#include "state/state.h"

namespace cvm {

struct Call {
  const Args& args;
  const Action& action;
  const Region& region;  // Some region even where the action needs none.
  Store& store;
  Lifecycle& lifecycle;
  const Catalog& catalog;
  Stock& stock;
  const Quotas& quotas;
  Time now;
  std::string_view language;
};

// Thrown by a handler that needs what takes long to make and depends on nothing but the random
// streams that it has drawn. It is made without the lock, and the handler runs again, with the same
// streams; it draws no more than it had.
struct NotReady {
  std::function<void()> make;
};

// Runs to completion; throws Error to refuse, which undoes all it did.
using Handler = Reply (*)(Call&);
using Actions = std::vector<std::pair<std::string_view, Handler>>;

}  // namespace cvm
