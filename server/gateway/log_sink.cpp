// Asks before each write whether there is room: a pipe that nobody reads is full for ever.
#include "server/gateway/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <mutex>
#include <string>
#include <string_view>

namespace cvm {

namespace {

std::atomic<std::uint64_t> dropped = 0;

// A description of our own, where there can be one: whether writes to it wait is then for us to
// say, and not for others who write to the same pipe or terminal.
int open_stderr() {
  struct stat facts {};
  if (::fstat(STDERR_FILENO, &facts) != 0) return STDERR_FILENO;
  if (!S_ISFIFO(facts.st_mode) && !S_ISCHR(facts.st_mode)) return STDERR_FILENO;
  const int own = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  return own < 0 ? STDERR_FILENO : own;
}

std::string escaped(std::string_view line) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(line.size());
  for (const char c : line) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      text.append("\\u00").append(1, digits[code >> 4U]).append(1, digits[code & 15U]);
    } else {
      text.append(1, c);
    }
  }
  return text;
}

class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  StderrSink() : descriptor_(open_stderr()) {}
  ~StderrSink() override {
    if (descriptor_ != STDERR_FILENO) ::close(descriptor_);
  }
  StderrSink(const StderrSink&) = delete;
  StderrSink& operator=(const StderrSink&) = delete;

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string_view line(formatted.data(), formatted.size());
    if (line.ends_with('\n')) line.remove_suffix(1);
    // After a line that was cut off, the next one begins at a line's start all the same.
    if (!write((cut_off_ ? "\n" : "") + escaped(line) + "\n")) ++dropped;
  }

  void flush_() override {}

  // In parts so small that a pipe with any room takes them whole.
  bool write(std::string_view text) {
    for (bool first = true; !text.empty(); first = false) {
      pollfd ready{descriptor_, POLLOUT, 0};
      ssize_t written = -1;
      if (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0) {
        written = ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
      }
      if (written <= 0) {
        cut_off_ = cut_off_ || !first;
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    cut_off_ = false;
    return true;
  }

  const int descriptor_;
  bool cut_off_ = false;
};

}  // namespace

std::shared_ptr<spdlog::sinks::sink> stderr_sink() { return std::make_shared<StderrSink>(); }

std::uint64_t log_lines_dropped() { return dropped; }

}  // namespace cvm
