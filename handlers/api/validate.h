// Checks a request's parameters against the model, before any handler sees them.
#pragma once

#include <optional>

#include "handlers/api/model.h"
#include "state/base/error.h"
#include "state/base/json.h"

namespace cvm {

struct ValidateOptions {
  bool ignore_unknown = false;  // --validation lenient
  bool body_missing = false;    // There was no body at all where one is due.
};

// The first violation, if there is one, in the order: unknown, missing, type, range, values,
// combinations. On the way, what was given loosely becomes exact: texts that
// convert to the member's type (`"50"`, `"TRUE"`), and empty texts and nulls, which mean "not
// given".
std::optional<Error> validate(const Action& action, Json& params, ValidateOptions options = {});

}  // namespace cvm
