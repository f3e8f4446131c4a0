// cvmsim: options, then a command; to serve: state, gateway, sockets.
#include <fcntl.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "server/app.h"
#include "server/cli/options.h"
#include "server/net/tls.h"
#include "state/base/error.h"

namespace {

// The one place that asks the system for the time of day.
cvm::Time wall_time() {
  return std::chrono::time_point_cast<cvm::Milliseconds>(std::chrono::system_clock::now());
}

// Where none can be kept, as on a read-only disk, only listeners that need one fail.
void use_certificate(cvm::Options& options, const cvm::Catalog& catalog) {
  if (!options.server.tls_certificate.empty()) return;
  std::vector<std::string> regions;
  for (const cvm::Region& region : catalog.regions()) regions.push_back(region.id);
  try {
    const cvm::Certificate kept = cvm::kept_certificate(options.tls_directory, regions);
    options.server.tls_certificate = kept.chain_file;
    options.server.tls_key = kept.key_file;
  } catch (const cvm::ConfigError& mistake) {
    for (const auto& listener : options.server.listeners) {
      if (listener.tls) throw;
    }
    spdlog::info("{}: plain HTTP alone is served", mistake.message);
  }
}

// Where standard input, output or error are closed, the next file to be opened would get their
// numbers, and what is printed would be written into it.
void keep_standard_descriptors() {
  for (int descriptor = 0; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) != descriptor) std::_Exit(1);
  }
}

// Until the server takes these signals itself. The state is as safe as it is from SIGKILL.
void end_cleanly_while_starting() {
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { std::_Exit(0); });
}

// Every command but serve.
int ask(const cvm::Options& options) {
  if (options.command == "env") return cvm::print_environment(options.asking, std::cout);
  if (options.command == "healthcheck") return cvm::check_health(options.asking, std::cerr);
  const cvm::Fixtures fixtures;
  const cvm::Model model(fixtures);
  if (options.command == "coverage") return cvm::print_coverage(model, fixtures, std::cout);
  return cvm::print_signed_curl(options.asking, model, wall_time(), std::cout);
}

int serve(cvm::Options options) {
  end_cleanly_while_starting();
  // A page of instances is tens of kilobytes: glibc would give that memory back after each answer
  // and fetch it again, page fault by page fault, for the next (a fifth of the CPU, measured).
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  cvm::configure_log(options.log, options.log_level);
  cvm::State state(options.state, wall_time());
  const cvm::Model model(state.fixtures());
  const cvm::Registry registry;
  cvm::App app(state, model, registry, options.app, wall_time);
  use_certificate(options, state.catalog());
  std::vector<cvm::Scenario> scenarios;
  for (const std::string& name : options.scenarios) scenarios.push_back(cvm::read_scenario(name));
  cvm::Server server(app, options.server);  // Before anything changes: its port may be taken.
  app.start_with(std::move(scenarios));
  for (const std::string& url : server.urls()) std::cout << "cvmsim ready " << url << std::endl;
  server.run();
  return 0;
}

int run(int argc, char** argv) {
  int exit_code = 0;
  auto options = cvm::read_options(argc, argv, exit_code);
  if (!options) return exit_code;
  return options->command == "serve" ? serve(std::move(*options)) : ask(*options);
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  // Whoever read our output may have gone.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (cvm::ConfigError& mistake) {
    // One line, also where it shows an option that has several.
    std::replace(mistake.message.begin(), mistake.message.end(), '\n', ' ');
    std::cerr << "cvmsim: " << mistake.message << std::endl;
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << "cvmsim: " << failure.what() << std::endl;
    return 1;
  }
}
