// Checks a request's parameters against the model, before any handler sees them.
#pragma once

#include "handlers/api/model.h"
#include "state/base/json.h"

namespace cvm {

struct ValidateOptions {
  bool ignore_unknown = false;  // --validation lenient
  bool body_missing = false;    // There was no body at all where one is due.
};

// Throws the first violation as an Error, in the order: unknown, missing, type, range, values,
// combinations (contract, section 8). On the way, what was given loosely becomes exact: texts that
// convert to the member's type (`"50"`, `"TRUE"`), and empty texts and nulls, which mean "not
// given".
void validate(const Action& action, Json& params, ValidateOptions options = {});

}  // namespace cvm
