// What the admin API and scenarios both do: move clocks, add credentials and fault rules, call
// actions, apply scenarios. Whoever changes anything holds the state's lock.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/api/model.h"
#include "handlers/registry.h"
#include "server/auth/signature.h"
#include "state/state.h"

namespace cvm {

struct ControlOptions {
  Auth auth = Auth::strict;  // Unless strict, SecretIds that nobody added are accounts, too.
  bool ignore_unknown_parameters = false;
};

// A scenario as it was applied when the server started; a reset applies it again.
struct Scenario {
  std::string name;
  Json content;
};

class Control {
 public:
  Control(State& state, const Model& model, const Registry& registry, ControlOptions options,
          std::function<Time()> wall_time);

  State& state() { return state_; }
  const Model& model() const { return model_; }
  const Registry& registry() const { return registry_; }
  Time wall() const { return wall_time_(); }

  // The uin of a SecretId or uin that can call; throws ConfigError for others.
  std::string account(const std::string& name) const;

  // Clocks of one account, or of all if it is empty. Throws ConfigError.
  State::Moved change_clock(const std::string& account, const Json& given);
  State::Moved advance(const std::string& account, const Json& given);

  const FaultRule& add_fault(Settings& settings, const Json& given);

  // An action without signature, rate limit and faults. Returns the content of `Response`; throws
  // Error.
  Json call(const std::string& secret_id, const std::string& action, const std::string& region,
            const Json& params);

  // Applies all of a scenario or nothing; only what concerns one account if a uin is given. Returns
  // what the calls that have a name answered. Throws ConfigError that names entry and reason.
  Json apply(const Json& scenario, const std::string& account = "");

  // Applies those that the state has not been through yet, and remembers them for resets. Throws
  // ConfigError with the file's name.
  void start_with(std::vector<Scenario> scenarios);
  const std::vector<Scenario>& scenarios() const { return scenarios_; }

  // Back to fixtures and the scenarios of the start, atomically; for one account if a uin is given.
  void reset(const std::string& account);

 private:
  FaultNames fault_names() const;
  void apply_settings(const Json& scenario);
  struct Named;  // What the calls of a scenario that have a name answered.
  void apply_call(const Json& entry, const std::string& account, Named& named);
  void apply_advance(const Json& entry, const std::string& account);
  std::string account_of_rule(const Json& rule) const;

  State& state_;
  const Model& model_;
  const Registry& registry_;
  ControlOptions options_;
  std::function<Time()> wall_time_;
  std::vector<Scenario> scenarios_;
};

// Reads a file, or the built-in scenario of that name. Throws ConfigError with the file's name.
Scenario read_scenario(const std::string& path);

Credential read_credential(const Json& given);  // Throws ConfigError.

// The members that each of them may have. Inline: tables in other files are made of them before
// main() runs.
inline const std::vector<std::string_view> scenario_fields = {
    "credentials", "clock", "lifecycle", "capacity", "quotas", "calls", "faults"};
inline const std::vector<std::string_view> clock_fields = {"mode", "now", "rate"};
inline const std::vector<std::string_view> advance_fields = {"seconds", "to", "until"};
inline const std::vector<std::string_view> credential_fields = {
    "SecretId", "SecretKey", "Token", "ExpiresAt", "Uin", "AppId", "status", "read_only"};

}  // namespace cvm
