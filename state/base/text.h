// Small questions about texts that every layer asks.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace cvm {

bool contains(const std::vector<std::string>& list, std::string_view value);
bool one_of(std::string_view value, std::initializer_list<std::string_view> values);

std::string lower_case(std::string_view text);  // ASCII letters alone.

// Its first bytes, so many at most; not cut within a character of UTF-8.
std::string_view shorten(std::string_view text, std::size_t bytes_max);

}  // namespace cvm
