// CLI11 reads; this file says what there is.
#include "server/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cstdlib>
#include <iostream>

#include "state/base/error.h"

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
  add("--auth-skew", options.app.gateway.auth.skew_s, "CVMSIM_AUTH_SKEW",
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
  app.add_option("--scenario", options.scenarios,
                 "FILE or built-in name to apply first; may be given again, or several with commas")
      ->envname("CVMSIM_SCENARIO")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--admin-host", options.app.browser.admin_hosts,
                 "further NAMES, with commas, that the admin API may be asked by")
      ->envname("CVMSIM_ADMIN_HOST")
      ->delimiter(',')
      ->allow_extra_args(false);
  add("--cors", options.app.browser.cors, "CVMSIM_CORS",
      "ORIGIN whose web pages may use the admin API, like http://localhost:3000");
  add("--log", raw.log, "CVMSIM_LOG", "one line a request")->check(CLI::IsMember({"text", "json"}));
  add("--log-level", options.log_level, "CVMSIM_LOG_LEVEL", "trace, debug, info, warn, error, off");
  add("--threads", options.server.threads, "CVMSIM_THREADS", "threads that serve")
      ->check(CLI::Range(1, 64));
}

void check_browser_options(const BrowserOptions& options) {
  for (const std::string& name : options.admin_hosts) {
    const auto host = boost::urls::parse_authority(name);
    if (!host || host->has_port() || host->has_userinfo() || host->host().empty())
      throw ConfigError{"--admin-host: `" + name + "` is not a host name"};
  }
  if (options.cors.empty()) return;
  const auto origin = boost::urls::parse_uri(options.cors);
  const bool web = origin && (origin->scheme_id() == boost::urls::scheme::http ||
                              origin->scheme_id() == boost::urls::scheme::https);
  if (!web || origin->host().empty() || origin->has_userinfo() || !origin->path().empty() ||
      origin->has_query() || origin->has_fragment())
    throw ConfigError{"--cors: `" + options.cors + "` is not an origin like http://localhost:3000"};
}

void understand(Options& options, const Raw& raw) {
  check_browser_options(options.app.browser);
  options.server.listeners.push_back(parse_listener(raw.listen, false));
  if (!raw.tls_listen.empty())
    options.server.listeners.push_back(parse_listener(raw.tls_listen, true));
  if (options.server.tls_certificate.empty() != options.server.tls_key.empty()) {
    throw ConfigError{"--tls-cert and --tls-key must be given together"};
  }
  options.app.gateway.auth.mode = raw.auth == "strict"    ? Auth::strict
                                  : raw.auth == "lenient" ? Auth::lenient
                                                          : Auth::off;
  options.app.gateway.rate_limits = raw.rate_limits == "documented";
  options.app.gateway.ignore_unknown_parameters = raw.validation == "lenient";
  options.app.lifecycle = options.state.lifecycle;
  options.log = raw.log == "json" ? LogFormat::json : LogFormat::text;
  if (raw.seed.empty()) return;
  std::uint64_t seed = 0;
  const char* end = raw.seed.data() + raw.seed.size();
  const auto [stop, failure] = std::from_chars(raw.seed.data(), end, seed);
  if (failure != std::errc{} || stop != end)
    throw ConfigError{"--seed: `" + raw.seed + "` is not a number from 0 to 2^64-1"};
  options.state.seed = seed;
}

// --url is taken from CVMSIM_URL, too; see default_url() for when there is neither.
void declare_url(CLI::App& app, Options& options, Raw&) {
  app.add_option("--url", options.asking.url,
                 "http://HOST:PORT of the server; by default, where CVMSIM_LISTEN says")
      ->envname("CVMSIM_URL");
}

void declare_env(CLI::App& app, Options& options, Raw& raw) {
  declare_url(app, options, raw);
  app.add_option("--tls-dir", options.asking.tls_directory, "where the server keeps its ca.pem")
      ->envname("CVMSIM_TLS_DIR")
      ->capture_default_str();
}

void declare_sign(CLI::App& app, Options& options, Raw& raw) {
  CommandOptions& asking = options.asking;
  app.add_option("--action", asking.action, "RunInstances, DescribeZones, ...")->required();
  app.add_option("--region", asking.region, "ap-guangzhou if the action needs one");
  app.add_option("--data", asking.data, "parameters as JSON")->capture_default_str();
  app.add_option("--secret-id", asking.secret_id, "who signs")->capture_default_str();
  app.add_option("--secret-key", asking.secret_key, "its key")->capture_default_str();
  app.add_option("--token", asking.token, "of temporary credentials");
  declare_env(app, options, raw);
}

struct Command {
  const char *name, *text;
  void (*declare)(CLI::App&, Options&, Raw&);
};
constexpr Command commands[] = {
    {"serve", "Serve the API (the default).", declare},
    {"env", "Print export lines that point SDKs, tccli and terraform at a server.", declare_env},
    {"sign", "Print a curl command, signed for the next five minutes.", declare_sign},
    {"healthcheck", "Exit 0 if a server is ready, else 1.", declare_url},
    {"coverage", "Print the actions and the error codes that tests reach.",
     [](CLI::App&, Options&, Raw&) {}},
};

// Where a server started with the same variables can be reached from this machine.
std::string default_url() {
  const char* given = std::getenv("CVMSIM_LISTEN");
  const std::string listen = given == nullptr || *given == '\0' ? Raw{}.listen : given;
  const ListenerOptions listener = parse_listener(listen, false);
  if (listener.port == 0) throw ConfigError{"--url is required: CVMSIM_LISTEN takes any free port"};
  std::string host = listener.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != host.npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(listener.port);
}

// Serving is the default: its options may come without its name.
std::vector<std::string> arguments_of(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool named = !arguments.empty() && !arguments[0].starts_with('-');
  const bool about = !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" ||
                                            arguments[0] == "--version");
  if (!named && !about) arguments.insert(arguments.begin(), "serve");
  return arguments;
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
  options.tls_directory = options.asking.tls_directory = default_tls_directory();
  Raw raw;
  std::vector<std::string> arguments = arguments_of(argc, argv);
  const bool help = arguments[0] == "--help" || arguments[0] == "-h";
  CLI::App app{"A local emulator of Tencent Cloud's CVM API.", "cvmsim"};
  app.set_version_flag("--version", "cvmsim " CVMSIM_VERSION);
  app.require_subcommand(0, 1);
  // CLI11 reads the variables of all options, also of commands that were not given: one command's
  // must not break another.
  for (const Command& command : commands) {
    CLI::App* sub = app.add_subcommand(command.name, command.text);
    if (help || arguments[0] == command.name) command.declare(*sub, options, raw);
  }
  try {
    if (help) throw CLI::CallForAllHelp();
    std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants them.
    app.parse(std::move(arguments));
  } catch (const CLI::Success& success) {
    exit_code = app.exit(success);
    return std::nullopt;
  } catch (const CLI::ParseError& mistake) {
    throw ConfigError{mistake.what()};
  }
  const CLI::App& chosen = *app.get_subcommands().at(0);
  options.command = chosen.get_name();
  if (options.command == "serve") understand(options, raw);
  const CLI::Option* url = chosen.get_option_no_throw("--url");
  if (url != nullptr && url->count() == 0) options.asking.url = default_url();
  return options;
}

}  // namespace cvm
