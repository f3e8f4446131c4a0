// Everything random that is made for a client comes from here, and follows from the seed alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cvm {

// A short stream of numbers that depends on (seed, scope, number) and on nothing else. The scope is
// an account or a purpose, the number counts within it: what one account does cannot change what
// another is given.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view scope, std::uint64_t number);

  std::uint64_t next();
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  // `ins-` and eight of [0-9a-z].
  std::string id(std::string_view prefix, std::size_t length = 8);
  std::string uuid();  // Lower case, version 4.

 private:
  std::uint64_t state_;
};

// The same text gives the same number on every machine (FNV-1a).
std::uint64_t stable_hash(std::string_view text);

// `start` and exactly `length` of [0-9a-z].
bool is_id_like(std::string_view text, std::string_view start, std::size_t length);
// `<prefix>-` and exactly eight of [0-9a-z]; `prefix` without the hyphen.
bool is_id(std::string_view text, std::string_view prefix);
bool is_uuid(std::string_view text);  // With digits of either case.

}  // namespace cvm
