// The values that filters can ask for in a document, as its kind's attributes name them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "state/base/json.h"
#include "state/store/kinds.h"

namespace cvm {

// The values a document has at an attribute's path; empty texts and nulls are no values.
std::vector<std::string> values_at(const Json& doc, std::string_view path);

// (number of the attribute, value), sorted, each once.
using AttributeValues = std::vector<std::pair<int, std::string>>;
AttributeValues attributes_of(const Kind& kind, const Json& doc);

}  // namespace cvm
