// Whether a document is what the API model says it is.
#pragma once

#include <string>

#include "handlers/api/model.h"
#include "state/base/json.h"

namespace cvm {

// What is wrong with the members that the object has: names, types, values, nulls. Empty if nothing
// is. `path` comes before names in the message.
std::string mismatch(const Json& object, const Shape& shape, const std::string& path);

// The same of a document that is stored: nothing is missing at any depth that handlers rely on
// (`optional`, `partial`, `required-if` and `size` in the model tell what may be), no time lies
// before time begins, no integer is negative or larger than 64 bits take. What is missing is told
// as "lacks …".
std::string stored_mismatch(const Json& document, const Shape& shape);

}  // namespace cvm
