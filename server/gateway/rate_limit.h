// Requests in one second of wall time, by account, region and action.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "state/base/time.h"

namespace cvm {

class RateLimit {
 public:
  // How many requests this one makes in the running second, itself included.
  int count(std::string_view account, std::string_view region, std::string_view action, Time wall);
  void clear() { windows_.clear(); }

 private:
  struct Window {
    std::int64_t second = 0;
    int requests = 0;
  };
  std::unordered_map<std::string, Window> windows_;
  std::int64_t swept_ = 0;
};

}  // namespace cvm
