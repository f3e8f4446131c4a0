// The emulator in the test's own process: state and app, a frozen clock, no sockets. Every
// reply that goes through call() is checked against the API model.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/app.h"

namespace cvm::test {

struct EmulatorOptions {
  StateOptions state{.seed = 1, .clock = "frozen"};
  std::vector<Scenario> scenarios;
  Actions actions;  // Further ones.
  GatewayOptions gateway{.auth = {.mode = Auth::lenient, .skew_s = 300}, .rate_limits = false};
};

// Who calls from where.
struct From {
  std::string secret_id = "AKIDEXAMPLE";
  std::string region = "ap-guangzhou";
  std::string language = "";
};

const Model& model();
const Registry& registry();

class Emulator {
 public:
  explicit Emulator(EmulatorOptions options = {});

  // The content of `Response`.
  Json call(const std::string& action, const Json& params, const From& from = {});
  // The RequestId's place is taken by the code, to compare refusals at a glance: "" if it
  // succeeded.
  std::string code(const std::string& action, const Json& params, const From& from = {});

  // What goes over the wire, faults included:
  // {"status","content_type","body","delivery","delay_ms"}.
  Json raw(const std::string& action, const Json& params, const From& from = {});

  HttpResponse send(const HttpRequest& request) { return app_->handle(request); }
  // The answer; a text if it is no JSON.
  Json admin(const std::string& method, const std::string& path, const Json& body = nullptr,
             int status = 200);

  std::vector<StateChange> advance(Milliseconds time);  // Simulated.
  void pass(Milliseconds time) { wall_ += time; }       // Wall time.
  void set_wall(Time time) { wall_ = time; }
  Time wall() const { return wall_; }
  bool at_rest(const From& from) const;  // No operation of the account is under way.
  // As if the process had been killed and started again, with the same file.
  void restart();
  void restart(const std::string& fixtures);

  State& state() { return *state_; }
  App& app() { return *app_; }

 private:
  EmulatorOptions options_;
  Time wall_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};
  std::unique_ptr<State> state_;
  std::optional<Model> model_;  // Of other fixtures than the built-in ones.
  Registry registry_;
  std::unique_ptr<App> app_;
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
