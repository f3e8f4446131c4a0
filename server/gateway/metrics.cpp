// Counting is two look-ups in small maps; the text is made when somebody asks.
#include "server/gateway/metrics.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "server/gateway/log_sink.h"

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
  text.append("cvmsim_faults_fired_total ").append(std::to_string(faults_)).append("\n");
  const auto single = [&](const std::string& name, const char* type, const char* help,
                          const std::string& value) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
    text.append(" ").append(type).append("\n");
    text.append(name).append(" ").append(value).append("\n");
  };
  single("cvmsim_connections", "gauge", "Connections that are open.",
         std::to_string(connections.open));
  single("cvmsim_connections_accepted_total", "counter", "Connections that came.",
         std::to_string(connections.accepted));
  single("cvmsim_connections_refused_total", "counter", "Connections there was no room for.",
         std::to_string(connections.refused));
  single("cvmsim_connections_evicted_total", "counter",
         "Idle connections that were closed to make room.", std::to_string(connections.evicted));
  single("cvmsim_connections_timed_out_total", "counter",
         "Connections closed because the client sent or read too slowly.",
         std::to_string(connections.timed_out));
  single("cvmsim_log_lines_dropped_total", "counter",
         "Log lines that standard error did not take at once.",
         std::to_string(log_lines_dropped()));
  return text;
}

}  // namespace cvm
