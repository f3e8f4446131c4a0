// Where log lines go: standard error, which must neither stop nor end the server.
#pragma once

#include <spdlog/sinks/sink.h>

#include <cstdint>
#include <memory>

namespace cvm {

// Lines that standard error does not take at once are dropped; control characters in them are
// escaped, so that nobody can write a line of their own.
std::shared_ptr<spdlog::sinks::sink> stderr_sink();

// By all sinks together.
std::uint64_t log_lines_dropped();

}  // namespace cvm
