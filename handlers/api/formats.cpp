// Checks of single texts.
#include "handlers/api/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "state/base/ids.h"

namespace cvm {

namespace {

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

}  // namespace

bool has_format(std::string_view text, std::string_view format) {
  if (format == "base64") return is_base64(text);
  if (format == "uuid") return is_uuid(text);
  if (format == "ipv4") return parse_ipv4(text).has_value();
  if (format == "ipv6") {
    in6_addr address{};
    return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
  }
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 32 && c < 127; });
}

std::optional<CharacterClass> CharacterClass::read(std::string_view pattern) {
  constexpr std::string_view before = "^[", after = "]+$";
  if (pattern.size() <= before.size() + after.size() || !pattern.starts_with(before) ||
      !pattern.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view inside =
      pattern.substr(before.size(), pattern.size() - before.size() - after.size());
  // These mean something else in a class, or are more than a byte.
  const auto special = [](unsigned char c) {
    return c == '^' || c == '\\' || c == '[' || c == ']' || c < 32 || c > 126;
  };
  if (std::any_of(inside.begin(), inside.end(), special)) return std::nullopt;
  CharacterClass read;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    const bool range = i + 2 < inside.size() && inside[i + 1] == '-';
    const auto low = static_cast<unsigned char>(inside[i]);
    const auto high = static_cast<unsigned char>(range ? inside[i + 2] : inside[i]);
    if (high < low) return std::nullopt;
    for (std::size_t c = low; c <= high; ++c) read.members_.set(c);
    if (range) i += 2;
  }
  return read;
}

bool CharacterClass::holds(std::string_view text) const {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [this](unsigned char c) { return members_.test(c); });
}

std::int64_t utf8_length(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return false;
    }
    i += length;
  }
  return true;
}

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string ipv4_text(std::uint32_t address) {
  return std::to_string(address >> 24U) + "." + std::to_string((address >> 16U) & 255U) + "." +
         std::to_string((address >> 8U) & 255U) + "." + std::to_string(address & 255U);
}

bool is_private_ipv4(std::uint32_t address) {
  return (address >> 24U) == 10 || (address >> 20U) == 0xAC1 || (address >> 16U) == 0xC0A8;
}

}  // namespace cvm
