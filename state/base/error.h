// A refusal that the client will see. Anything else that is thrown is a bug of ours.
#pragma once

#include <string>

namespace cvm {

// `code` must be listed in fixtures/api/errors.json, whose text names the parameter and the value.
// `parameter` is a path such as `Placement.Zone`, `value` what was given (or the id of the resource
// at fault); `detail` is one more sentence where the text of the code does not say enough.
struct Error {
  std::string code;
  std::string parameter;
  std::string value;
  std::string detail;
};

// A mistake in options, fixtures, or a request to the admin API: one line, told as it is.
struct ConfigError {
  std::string message;
};

}  // namespace cvm
