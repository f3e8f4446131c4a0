// Patterns that testers write: `*` stands for any text, everything else for itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cvm {

// Of a pattern; longer ones are refused where they are read.
constexpr std::size_t glob_bytes_max = 256;

// Takes time in proportion to the text, whatever the pattern.
bool glob_matches(std::string_view glob, std::string_view text);

// Whether one of the globs does; a list without any, or an empty glob, asks for nothing.
bool any_glob_matches(const std::vector<std::string>& globs, std::string_view text);
bool matches_if_given(std::string_view glob, std::string_view text);

// Throws ConfigError for a pattern that is too long; `where` ("fault: match: ") goes before it.
void check_glob(std::string_view glob, const std::string& where);

}  // namespace cvm
