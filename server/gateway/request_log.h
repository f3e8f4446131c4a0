// One line for each request, to standard error.
#pragma once

#include <string_view>

#include "server/gateway/exchange.h"

namespace cvm {

enum class LogFormat { text, json };

// `level` as spdlog names them: trace, debug, info, warn, error, off. Throws ConfigError.
void configure_log(LogFormat format, const std::string& level);

void log_request(const Exchange& exchange);

}  // namespace cvm
