// multipart/form-data bodies (RFC 7578), as far as API requests use them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cvm {

struct Part {
  std::string name;
  std::string content_type;
  std::string content;
};

// Throws Error InvalidRequest if the body does not follow the boundary in `content_type`.
std::vector<Part> parse_multipart(std::string_view body, std::string_view content_type);

}  // namespace cvm
