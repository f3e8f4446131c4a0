// Compression of answers for clients that ask for it; nobody else gets it.
#pragma once

#include <string>
#include <string_view>

namespace cvm {

// Whether an Accept-Encoding header names gzip and does not exclude it with q=0.
bool accepts_gzip(std::string_view accept_encoding);

// The same bytes for the same text: no time, no file name.
std::string gzip(std::string_view text);

}  // namespace cvm
