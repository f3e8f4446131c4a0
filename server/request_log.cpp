// spdlog does the writing; secrets never get here: neither parameters nor headers are logged.
#include "server/request_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "state/error.h"

namespace cvm {

namespace {
LogFormat format = LogFormat::text;
constexpr std::size_t target_max = 100;
}  // namespace

void set_up_log(LogFormat how, const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    throw ConfigError{"log-level: `" + level + "` is none of trace, debug, info, warn, error, off"};
  }
  format = how;
  auto log =
      std::make_shared<spdlog::logger>("cvmsim", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log->set_pattern(how == LogFormat::text ? "%Y-%m-%dT%H:%M:%S.%eZ %l %v" : "%v",
                   spdlog::pattern_time_type::utc);
  log->set_level(parsed);
  spdlog::set_default_logger(std::move(log));
}

void log_request(const RequestRecord& record, std::string_view method, std::string_view target,
                 std::string_view source, const HttpResponse& response,
                 std::chrono::nanoseconds duration) {
  if (!spdlog::should_log(spdlog::level::info)) return;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  // The query may hold a signature: only the path is told.
  const std::string_view path = target.substr(0, std::min(target.find('?'), target_max));
  if (format == LogFormat::json) {
    const Json line = {
        {"time",
         iso8601(std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now()))},
        {"request_id", record.request_id},
        {"account", record.account},
        {"secret_id", record.secret_id},
        {"action", record.action},
        {"region", record.region},
        {"source", source},
        {"method", method},
        {"path", path},
        {"status", response.status},
        {"code", record.code},
        {"duration_us", micros}};
    spdlog::info(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  if (record.action.empty() && record.request_id.empty()) {
    spdlog::info("{} {} {} {}us {}", method, path, response.status, micros, source);
    return;
  }
  spdlog::info("{} {} {} {} {}us {} {}", record.action.empty() ? "-" : record.action,
               record.region.empty() ? "-" : record.region,
               record.account.empty() ? "-" : record.account,
               record.code.empty() ? "OK" : record.code, micros, source, record.request_id);
}

}  // namespace cvm
