// Counters of what was served, and how long it took. May be used from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "state/base/json.h"

namespace cvm {

// Changed by the sockets alone.
struct ConnectionCounts {
  std::atomic<std::int64_t> open = 0;
  std::atomic<std::uint64_t> accepted = 0, refused = 0, evicted = 0, timed_out = 0;
};

class Metrics {
 public:
  ConnectionCounts connections;

  // `action` must be one of the API's, or empty: labels are bounded. `code` "" means answered;
  // `injected`: a fault said so.
  void count(const std::string& action, const std::string& code, bool injected,
             std::int64_t duration_us);
  void count_faults(std::size_t fired);

  // By action: the codes that were answered, those of faults aside.
  std::map<std::string, std::set<std::string>> codes() const;

  // In the text format of Prometheus.
  std::string text() const;

 private:
  static constexpr std::array<std::int64_t, 10> bounds_us = {
      100, 250, 500, 1000, 2500, 10000, 100000, 500000, 1000000, 10000000};
  struct Histogram {
    std::array<std::uint64_t, bounds_us.size() + 1> buckets{};
    std::uint64_t count = 0;
    std::int64_t sum_us = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> requests_;
  std::map<std::string, std::set<std::string>> codes_;
  std::map<std::string, Histogram> durations_;
  std::uint64_t faults_ = 0;
};

}  // namespace cvm
