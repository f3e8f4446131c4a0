// Fixed windows of a second; old ones are dropped when there are many.
#include "server/gateway/rate_limit.h"

namespace cvm {

namespace {
constexpr std::size_t windows_max = 10000;
}

int RateLimit::count(std::string_view account, std::string_view region, std::string_view action,
                     Time wall) {
  const std::int64_t second =
      std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  if (windows_.size() > windows_max && swept_ != second) {
    std::erase_if(windows_, [&](const auto& entry) { return entry.second.second != second; });
    swept_ = second;
  }
  std::string name;
  name.reserve(account.size() + region.size() + action.size() + 2);
  name.append(account).append("\n").append(region).append("\n").append(action);
  Window& window = windows_[name];
  if (window.second != second) window = {second, 0};
  return ++window.requests;
}

}  // namespace cvm
