// The one JSON type of the project. Members keep their order, so that documents and replies
// read like the API's documentation and the same calls give the same bytes.
#pragma once

#include <nlohmann/json.hpp>

namespace cvm {

using Json = nlohmann::ordered_json;

}  // namespace cvm
