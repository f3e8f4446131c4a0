// Reads JSON that somebody else wrote. How much one text may hold is bounded while it is read, so
// that no text costs more than its length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "state/base/json.h"

namespace cvm {

struct JsonLimits {
  std::size_t depth = 32;        // Copying, writing and comparing recurse.
  std::size_t members = 1000;    // Of one object: finding a member is a walk over them.
  std::size_t values = 200'000;  // Of all lists and objects, themselves included.
};

// Of files that whoever starts the server chose: a catalogue has objects with many members.
inline constexpr JsonLimits file_limits{.depth = 64, .members = 100'000, .values = 10'000'000};

struct ParsedJson {
  Json value;
  std::size_t values = 0;
  // What is wrong with the text, to follow "it": "is not valid JSON in UTF-8 (line 1, column 5)".
  // Empty if nothing is.
  std::string problem;
};

ParsedJson parse_json(std::string_view text, const JsonLimits& limits = {});

// What the program itself has written. Throws std::invalid_argument if it is no JSON.
Json stored_json(std::string_view text);

}  // namespace cvm
