// What the index finds resources by: a value of one attribute of one partition, as 128 bits. So
// many never meet by chance, and a value of any length costs the same.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/store/kinds.h"

namespace cvm {

struct Key {
  std::uint64_t low = 0, high = 0;
  auto operator<=>(const Key&) const = default;
};
using Keys = std::vector<Key>;

Key id_key(std::string_view id);
Key partition_key(std::string_view kind, std::string_view account, std::string_view region);
// `pending`: an operation under way is going to give the value.
Key value_key(std::int64_t part, int attribute, std::string_view value, bool pending = false);

// Tells a text, or two, from what has become of them on a disk.
std::uint64_t checksum(std::string_view text, std::string_view more);

// All that finds a document: its id, and the values it has for its kind's attributes. Sorted, each
// once.
Keys keys_of(const Kind& kind, std::int64_t part, std::string_view id, const Json& doc);
// Whether a patch touches values that are kept for whom it will be merged into.
bool reserves(const Kind& kind, const Json& patch);
// The reserved values that a document does not have yet and that a patch is going to give it.
Keys pending_keys(const Kind& kind, std::int64_t part, const Json& doc, const Json& patch);

}  // namespace cvm
