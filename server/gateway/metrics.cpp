// Counting is two look-ups in small maps; the text is made when somebody asks.
#include "server/gateway/metrics.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace cvm {

namespace {

std::string seconds(std::int64_t us) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", static_cast<double>(us) / 1e6);
  return text.data();
}

}  // namespace

void Metrics::count(const std::string& action, const std::string& code, bool injected,
                    std::int64_t duration_us) {
  const std::lock_guard lock(mutex_);
  ++requests_[{action, code}];
  if (!injected && !code.empty() && !action.empty()) codes_[action].insert(code);
  Histogram& histogram = durations_[action];
  const auto bucket = std::lower_bound(bounds_us.begin(), bounds_us.end(), duration_us);
  ++histogram.buckets[static_cast<std::size_t>(bucket - bounds_us.begin())];
  ++histogram.count;
  histogram.sum_us += duration_us;
}

void Metrics::count_faults(std::size_t fired) {
  const std::lock_guard lock(mutex_);
  faults_ += fired;
}

std::map<std::string, std::set<std::string>> Metrics::codes() const {
  const std::lock_guard lock(mutex_);
  return codes_;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text =
      "# HELP cvmsim_requests_total API requests by action and error code; OK: answered.\n"
      "# TYPE cvmsim_requests_total counter\n";
  const auto label = [](const std::string& action) { return action.empty() ? "none" : action; };
  for (const auto& [key, count] : requests_) {
    text.append("cvmsim_requests_total{action=\"").append(label(key.first)).append("\",code=\"");
    text.append(key.second.empty() ? "OK" : key.second).append("\"} ");
    text.append(std::to_string(count)).append("\n");
  }
  text +=
      "# HELP cvmsim_request_duration_seconds Time to handle a request, injected delays aside.\n"
      "# TYPE cvmsim_request_duration_seconds histogram\n";
  for (const auto& [action, histogram] : durations_) {
    const std::string name = "cvmsim_request_duration_seconds";
    const std::string of = "{action=\"" + label(action) + "\"";
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= bounds_us.size(); ++i) {
      sum += histogram.buckets[i];
      const std::string bound = i < bounds_us.size() ? seconds(bounds_us[i]) : "+Inf";
      text.append(name).append("_bucket").append(of).append(",le=\"").append(bound).append("\"} ");
      text.append(std::to_string(sum)).append("\n");
    }
    text.append(name).append("_sum").append(of).append("} ");
    text.append(seconds(histogram.sum_us)).append("\n");
    text.append(name).append("_count").append(of).append("} ");
    text.append(std::to_string(histogram.count)).append("\n");
  }
  text +=
      "# HELP cvmsim_faults_fired_total How often a fault rule acted on a request.\n"
      "# TYPE cvmsim_faults_fired_total counter\n";
  return text.append("cvmsim_faults_fired_total ").append(std::to_string(faults_)).append("\n");
}

}  // namespace cvm
