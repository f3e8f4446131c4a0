// SplitMix64: a counter through a mixing function, so a stream starts anywhere at no cost.
#include "state/base/ids.h"

#include <array>
#include <cctype>

namespace cvm {

namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mix(hash);
}

RandomStream::RandomStream(std::uint64_t seed, std::string_view scope, std::uint64_t number)
    : state_(mix(mix(seed ^ stable_hash(scope)) + number)) {}

std::uint64_t RandomStream::next() { return mix(state_ += 0x9e3779b97f4a7c15U); }

std::string RandomStream::id(std::string_view prefix, std::size_t length) {
  static constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string id(prefix);
  std::uint64_t rest = next();
  for (std::size_t i = 0; i < length; ++i, rest /= digits.size())
    id += digits[rest % digits.size()];
  return id;
}

std::string RandomStream::uuid() {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 36> text{};
  std::uint64_t bits = next();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 18) bits = next();
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    text[i] = hyphen ? '-' : digits[bits % 16];
    if (!hyphen) bits /= 16;
  }
  text[14] = '4';
  text[19] = digits[8 + bits % 4];
  return {text.data(), text.size()};
}

bool is_id_like(std::string_view text, std::string_view start, std::size_t length) {
  return text.size() == start.size() + length && text.starts_with(start) &&
         text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", start.size()) == text.npos;
}

bool is_id(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) && is_id_like(text.substr(prefix.size()), "-", 8);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

}  // namespace cvm
