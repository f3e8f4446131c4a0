// What the program does beside serving: env, sign, healthcheck, coverage.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "state/base/time.h"
#include "state/catalog/fixtures.h"

namespace cvm {

class Model;

struct CommandOptions {
  std::string url;            // Of the server.
  std::string tls_directory;  // Where the server keeps ca.pem.
  std::string action, data = "{}", secret_id = "AKIDEXAMPLE", secret_key = "secret", token;
  std::optional<std::string> region;  // Nothing: the usual one, where the action needs one.
};

// Each answers with the program's exit code; all throw ConfigError for an option that is wrong.

// `export` lines for sh, and comments that say who reads them.
int print_environment(const CommandOptions& options, std::ostream& out);
// A curl command for sh, signed at `now` (wall time).
int print_signed_curl(const CommandOptions& options, const Model& model, Time now,
                      std::ostream& out);
// 0 once the server is ready, else 1 and one line that says why.
int check_health(const CommandOptions& options, std::ostream& errors);
// One line an action of the model.
int print_coverage(const Model& model, const Fixtures& fixtures, std::ostream& out);

}  // namespace cvm
