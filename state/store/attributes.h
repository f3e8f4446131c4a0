// The values that filters can ask for in a document, as its kind's attributes name them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/store/kinds.h"

namespace cvm {

// The values a document has at an attribute's path; empty texts and nulls are no values.
using TakeValue = std::function<void(std::string_view)>;
void each_value(const Json& doc, std::string_view path, const TakeValue& take);
std::vector<std::string> values_at(const Json& doc, std::string_view path);

}  // namespace cvm
