// How far a misspelt name is from one that exists.
#pragma once

#include <cstddef>
#include <string_view>

namespace cvm {

// How many letters have to be changed, added or left out; for short texts.
std::size_t edit_distance(std::string_view from, std::string_view to);

}  // namespace cvm
