// Scenarios: a state to start from, and what is going to go wrong, as one JSON document (contract,
// section 7).
#pragma once

#include <string>

#include "server/gateway/gateway.h"

namespace cvm {

// The members of a scenario.
inline const std::vector<std::string_view> scenario_fields = {
    "credentials", "clock", "lifecycle", "capacity", "quotas", "calls", "faults"};

// Reads a file, or the built-in scenario of that name. Throws ConfigError with the file's name.
Scenario read_scenario(const std::string& path);

// Applies all of it or nothing; only what concerns one account if a uin is given. Returns what the
// calls that have a name answered. The caller holds the state's lock. Throws ConfigError that names
// the entry and the reason.
Json apply_scenario(Gateway& gateway, const Json& scenario, const std::string& account = "");

// Applies those that the state has not been through yet, and remembers them for resets. Throws
// ConfigError with the file's name.
void start_with(Gateway& gateway, std::vector<Scenario> scenarios);

// Back to fixtures and the scenarios of the start, atomically; for one account if a uin is given.
// The caller holds the state's lock.
void reset(Gateway& gateway, const std::string& account);

}  // namespace cvm
