// zlib at its fastest level.
#include "server/net/gzip.h"

#include <zlib.h>

#include <stdexcept>

#include "server/request/http.h"

namespace cvm {

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding =
        comma == accept_encoding.npos ? std::string_view() : accept_encoding.substr(comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    const std::string_view coding = item.substr(0, item.find_first_of("; "));
    if (!equal_ignoring_case(coding, "gzip")) continue;
    const std::size_t quality = item.find("q=");
    return quality == item.npos || item.substr(quality + 2).find_first_of("123456789") != item.npos;
  }
  return false;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib cannot start");
  }
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib cannot finish");
  return packed;
}

}  // namespace cvm
