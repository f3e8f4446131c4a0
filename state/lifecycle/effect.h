// What a fault does to one call (README, Make it fail).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/base/time.h"

namespace cvm {

struct Effect {
  enum class Kind {
    none,
    error,
    http,
    disconnect_before,
    disconnect_reset,
    disconnect_after_commit,
    disconnect_mid_body,
    malformed,
    throttle,
    outcome,
    stuck,
    lost,
    slow
  };

  Kind kind = Kind::none;
  // Before anything else, with any kind: a random time between the two.
  Milliseconds delay_min{}, delay_max{};

  std::string code, message;       // error; an empty message stands for the code's own text
  int status = 0;                  // http
  std::string body, content_type;  // http
  std::string malformed;           // not_json, empty, no_request_id, truncated
  std::int64_t limit = 0;          // throttle: requests in one second
  double factor = 1;               // slow

  // outcome: how an operation ends that the call begins. `state` empty: as it was before;
  // `operation_state` empty: FAILED, unless the operation ends as it should and without a message.
  std::string state, operation_state, error_message;
  std::vector<std::int64_t> which;  // Members of the batch, from 0; all of them if empty.
  std::int64_t after_ms = -1;       // Below 0: when the operation would have ended anyway.

  bool delays() const { return delay_max.count() > 0; }
  bool concerns(std::int64_t member) const {
    if (which.empty()) return true;
    for (const std::int64_t one : which) {
      if (one == member) return true;
    }
    return false;
  }
};

}  // namespace cvm
