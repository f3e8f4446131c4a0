// The command line and its environment variables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/app.h"
#include "server/cli/commands.h"
#include "server/gateway/request_log.h"
#include "server/net/session.h"

namespace cvm {

struct Options {
  std::string command = "serve";
  CommandOptions asking;  // Of the other commands.

  // What follows is for serve.
  StateOptions state;
  AppOptions app;
  ServerOptions server;
  std::vector<std::string> scenarios;  // Files, or names of built-in ones.
  std::string tls_directory;
  LogFormat log = LogFormat::text;
  std::string log_level = "info";
};

// Flags win over variables. Nothing: the program is to end with `exit_code` (after --help,
// --version). Throws ConfigError with one line.
std::optional<Options> read_options(int argc, const char* const* argv, int& exit_code);

// `127.0.0.1:8080`, `[::1]:0`. Throws ConfigError.
ListenerOptions parse_listener(const std::string& text, bool tls);

}  // namespace cvm
