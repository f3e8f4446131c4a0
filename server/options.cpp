// CLI11 reads; this file says what there is.
#include "server/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <iostream>

#include "state/error.h"

namespace cvm {

namespace {

std::string default_tls_directory() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "cvmsim-tls" : std::string(home) + "/.local/share/cvmsim/tls";
}

// What is read as text before it is understood.
struct Raw {
  std::string listen = "127.0.0.1:8080", tls_listen;
  std::string auth = "strict", rate_limits = "documented", validation = "strict", log = "text";
  std::string seed;
};

void declare(CLI::App& app, Options& options, Raw& raw) {
  const auto add = [&](const char* flag, auto& into, const char* variable, const char* text) {
    return app.add_option(flag, into, text)->envname(variable)->capture_default_str();
  };
  add("--listen", raw.listen, "CVMSIM_LISTEN", "ADDR:PORT for HTTP; port 0 takes a free one");
  add("--tls-listen", raw.tls_listen, "CVMSIM_TLS_LISTEN", "ADDR:PORT for HTTPS; off if not given");
  add("--tls-cert", options.server.tls_certificate, "CVMSIM_TLS_CERT",
      "PEM certificate chain for HTTPS");
  add("--tls-key", options.server.tls_key, "CVMSIM_TLS_KEY", "PEM key for HTTPS");
  add("--tls-dir", options.tls_directory, "CVMSIM_TLS_DIR",
      "where a certificate made by us, and its ca.pem, are kept");
  add("--state", options.state.path, "CVMSIM_STATE", "SQLite file that survives restarts");
  add("--auth", raw.auth, "CVMSIM_AUTH", "verify signatures, take any signature, or none")
      ->check(CLI::IsMember({"strict", "lenient", "off"}));
  add("--auth-skew", options.gateway.auth.skew_s, "CVMSIM_AUTH_SKEW",
      "seconds a timestamp may differ; 0: no check")
      ->check(CLI::NonNegativeNumber);
  add("--rate-limits", raw.rate_limits, "CVMSIM_RATE_LIMITS",
      "requests in one second, per account, region, action")
      ->check(CLI::IsMember({"documented", "off"}));
  add("--validation", raw.validation, "CVMSIM_VALIDATION", "lenient ignores unknown parameters")
      ->check(CLI::IsMember({"strict", "lenient"}));
  add("--lifecycle", options.state.lifecycle, "CVMSIM_LIFECYCLE",
      "instant, fast, realistic, or a FILE of delays");
  add("--clock", options.state.clock, "CVMSIM_CLOCK", "real, frozen, auto, or xN");
  add("--seed", raw.seed, "CVMSIM_SEED", "number that all ids follow from; random if not given");
  add("--fixtures", options.state.fixtures, "CVMSIM_FIXTURES",
      "DIR of files that replace or extend the built-in ones");
  add("--log", raw.log, "CVMSIM_LOG", "one line a request")->check(CLI::IsMember({"text", "json"}));
  add("--log-level", options.log_level, "CVMSIM_LOG_LEVEL", "trace, debug, info, warn, error, off");
  add("--threads", options.server.threads, "CVMSIM_THREADS", "threads that serve")
      ->check(CLI::Range(1, 64));
}

void understand(Options& options, const Raw& raw) {
  options.server.listeners.push_back(parse_listener(raw.listen, false));
  if (!raw.tls_listen.empty())
    options.server.listeners.push_back(parse_listener(raw.tls_listen, true));
  if (options.server.tls_certificate.empty() != options.server.tls_key.empty()) {
    throw ConfigError{"--tls-cert and --tls-key must be given together"};
  }
  options.gateway.auth.mode = raw.auth == "strict"    ? Auth::strict
                              : raw.auth == "lenient" ? Auth::lenient
                                                      : Auth::off;
  options.gateway.rate_limits = raw.rate_limits == "documented";
  options.gateway.ignore_unknown_parameters = raw.validation == "lenient";
  options.gateway.lifecycle = options.state.lifecycle;
  options.log = raw.log == "json" ? LogFormat::json : LogFormat::text;
  if (raw.seed.empty()) return;
  std::uint64_t seed = 0;
  const char* end = raw.seed.data() + raw.seed.size();
  const auto [stop, failure] = std::from_chars(raw.seed.data(), end, seed);
  if (failure != std::errc{} || stop != end)
    throw ConfigError{"--seed: `" + raw.seed + "` is not a number from 0 to 2^64-1"};
  options.state.seed = seed;
}

}  // namespace

ListenerOptions parse_listener(const std::string& text, bool tls) {
  const std::size_t colon = text.rfind(':');
  ListenerOptions listener;
  listener.tls = tls;
  if (colon != std::string::npos) {
    listener.address = text.substr(0, colon);
    if (listener.address.starts_with('[') && listener.address.ends_with(']')) {
      listener.address = listener.address.substr(1, listener.address.size() - 2);
    }
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, listener.port);
    if (failure == std::errc{} && stop == end && !listener.address.empty()) return listener;
  }
  throw ConfigError{std::string(tls ? "--tls-listen" : "--listen") + ": `" + text +
                    "` is not ADDR:PORT"};
}

std::optional<Options> read_options(int argc, const char* const* argv, int& exit_code) {
  Options options;
  options.tls_directory = default_tls_directory();
  Raw raw;
  CLI::App app{"A local emulator of Tencent Cloud's CVM API."};
  app.set_version_flag("--version", "cvmsim " CVMSIM_VERSION);
  CLI::App* serve = app.add_subcommand("serve", "Serve the API (the default).");
  app.require_subcommand(0, 1);
  serve->fallthrough();
  declare(app, options, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    exit_code = app.exit(success);
    return std::nullopt;
  } catch (const CLI::ParseError& mistake) {
    throw ConfigError{mistake.what()};
  }
  understand(options, raw);
  return options;
}

}  // namespace cvm
