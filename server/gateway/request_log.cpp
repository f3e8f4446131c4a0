// spdlog does the writing; secrets never get here: neither parameters nor headers are logged.
#include "server/gateway/request_log.h"

#include <spdlog/spdlog.h>

#include "server/gateway/log_sink.h"
#include "state/base/error.h"

namespace cvm {

namespace {
LogFormat format = LogFormat::text;
constexpr std::size_t target_max = 100;
}  // namespace

void configure_log(LogFormat how, const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    throw ConfigError{"log-level: `" + level + "` is none of trace, debug, info, warn, error, off"};
  }
  format = how;
  auto log = std::make_shared<spdlog::logger>("cvmsim", stderr_sink());
  log->set_pattern(how == LogFormat::text ? "%Y-%m-%dT%H:%M:%S.%eZ %l %v" : "%v",
                   spdlog::pattern_time_type::utc);
  log->set_level(parsed);
  spdlog::set_default_logger(std::move(log));
}

void log_request(const Exchange& exchange) {
  if (!spdlog::should_log(spdlog::level::info)) return;
  const HttpRequest& request = exchange.request;
  // The query may hold a signature: only the path is told.
  const std::string_view path =
      request.target.substr(0, std::min(request.target.find('?'), target_max));
  static const JournalEntry none;
  const JournalEntry& entry = exchange.entry ? *exchange.entry : none;
  if (format == LogFormat::json) {
    Json line = entry_facts(entry);
    line["faults"] = entry.faults;
    line["time"] =
        iso8601_ms(std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now()));
    line["source"] = request.source;
    line["method"] = request.method;
    line["path"] = path;
    line["status"] = exchange.response.status;
    spdlog::info(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  if (!exchange.entry) {
    spdlog::info("{} {} {} {}", request.method, path, exchange.response.status, request.source);
    return;
  }
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text.c_str(); };
  std::string faults;
  for (const std::string& rule : entry.faults) faults += " fault=" + rule;
  spdlog::info("{} {} {} {} {}us {} {}{}", or_dash(entry.action), or_dash(entry.region),
               or_dash(entry.account), entry.code.empty() ? "OK" : entry.code, entry.duration_us,
               request.source, entry.request_id, faults);
}

}  // namespace cvm
