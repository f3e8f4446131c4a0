// Formats of texts that the API's rules speak of.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cvm {

// base64, ascii, ipv4, ipv6 or uuid, as named in the model.
bool has_format(std::string_view text, std::string_view format);

// The only patterns that the model has: one or more characters of a class. Any length is one loop.
class CharacterClass {
 public:
  // `^[A-Za-z0-9_-]+$`; nothing if the pattern is not of this form.
  static std::optional<CharacterClass> read(std::string_view pattern);

  bool holds(std::string_view text) const;

 private:
  std::bitset<256> members_;
};

bool is_utf8(std::string_view text);
std::int64_t utf8_length(std::string_view text);  // Code points.

std::optional<std::uint32_t> parse_ipv4(std::string_view text);
std::string ipv4_text(std::uint32_t address);
bool is_private_ipv4(std::uint32_t address);  // RFC 1918.

}  // namespace cvm
