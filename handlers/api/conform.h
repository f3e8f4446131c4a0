// Whether a document is what the API model says it is.
#pragma once

#include <string>

#include "handlers/api/model.h"
#include "state/base/json.h"

namespace cvm {

// What is wrong with the members that the object has: names, types, values, nulls. Empty if nothing
// is. `path` comes before names in the message.
std::string mismatch(const Json& object, const Shape& shape, const std::string& path);

}  // namespace cvm
