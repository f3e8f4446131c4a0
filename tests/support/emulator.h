// The emulator in the test's own process: state and gateway, a frozen clock, no sockets. Every
// reply that goes through call() is checked against the API model.
#pragma once

#include <memory>
#include <string>

#include "server/control/scenario.h"
#include "server/gateway/gateway.h"

namespace cvm::test {

struct EmulatorOptions {
  StateOptions state{.seed = 1, .clock = "frozen"};
  std::vector<Scenario> scenarios;
  GatewayOptions gateway{.auth = {.mode = Auth::lenient, .skew_s = 300}, .rate_limits = false};
};

// Who calls from where.
struct From {
  std::string secret_id = "AKIDEXAMPLE";
  std::string region = "ap-guangzhou";
  std::string language = "";
};

const Model& model();

class Emulator {
 public:
  explicit Emulator(EmulatorOptions options = {});

  // The content of `Response`.
  Json call(const std::string& action, const Json& params, const From& from = {});
  // The RequestId's place is taken by the code, to compare refusals at a glance: "" if it
  // succeeded.
  std::string code(const std::string& action, const Json& params, const From& from = {});

  // What goes over the wire, faults included: {"status","content_type","body","delivery","delay_ms"}.
  Json raw(const std::string& action, const Json& params, const From& from = {});

  HttpResponse send(const HttpRequest& request) { return gateway_->handle(request); }
  // The answer; a text if it is no JSON.
  Json admin(const std::string& method, const std::string& path, const Json& body = nullptr,
             int status = 200);

  std::vector<StateChange> advance(Milliseconds time);  // Simulated.
  void pass(Milliseconds time) { wall_ += time; }       // Wall time.
  void set_wall(Time time) { wall_ = time; }
  Time wall() const { return wall_; }
  void restart();  // As if the process had been killed and started again, with the same file.

  State& state() { return *state_; }
  Gateway& gateway() { return *gateway_; }

 private:
  EmulatorOptions options_;
  Time wall_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};
  std::unique_ptr<State> state_;
  std::unique_ptr<Gateway> gateway_;
};

// What is wrong with a reply, by the model; empty if nothing is.
std::string conformance(const Action& action, const Json& response);

// A directory that goes away with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace cvm::test
