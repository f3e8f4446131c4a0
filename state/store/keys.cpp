// Makes keys of values with XXH3.
#include "state/store/keys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "state/store/attributes.h"

namespace cvm {

namespace {

Key hash(std::string_view text, std::uint64_t seed) {
  const XXH128_hash_t made = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  return {made.low64, made.high64};
}

void append(Keys& keys, std::int64_t part, const Kind& kind, std::size_t attribute, bool pending,
            const Json& doc) {
  each_value(doc, kind.attributes[attribute].path, [&](std::string_view value) {
    keys.push_back(value_key(part, static_cast<int>(attribute), value, pending));
  });
}

bool touches(const Json& patch, const Attribute& attribute) {
  return attribute.reserved &&
         patch.contains(attribute.path.substr(0, attribute.path.find_first_of("/|")));
}

Keys sorted(Keys keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

Key id_key(std::string_view id) { return hash(id, 0); }

Key partition_key(std::string_view kind, std::string_view account, std::string_view region) {
  return hash(region, hash(account, hash(kind, 1).low).low);
}

Key value_key(std::int64_t part, int attribute, std::string_view value, bool pending) {
  // Partitions are numbered from 1.
  return hash(value, static_cast<std::uint64_t>(part) << 16U |
                         static_cast<std::uint64_t>(attribute) << 1U | (pending ? 1U : 0U));
}

std::uint64_t checksum(std::string_view text, std::string_view more) {
  return XXH3_64bits_withSeed(more.data(), more.size(), XXH3_64bits(text.data(), text.size()));
}

Keys keys_of(const Kind& kind, std::int64_t part, std::string_view id, const Json& doc) {
  Keys keys;
  keys.reserve(kind.attributes.size() + 4);
  keys.push_back(id_key(id));
  for (std::size_t i = 0; i < kind.attributes.size(); ++i) {
    if (kind.attributes[i].path != kind.id_member) append(keys, part, kind, i, false, doc);
  }
  return sorted(std::move(keys));
}

bool reserves(const Kind& kind, const Json& patch) {
  return std::any_of(kind.attributes.begin(), kind.attributes.end(),
                     [&](const Attribute& attribute) { return touches(patch, attribute); });
}

Keys pending_keys(const Kind& kind, std::int64_t part, const Json& doc, const Json& patch) {
  Keys now, then;
  if (!reserves(kind, patch)) return then;
  Json patched = doc;
  patched.update(patch, true);
  for (std::size_t i = 0; i < kind.attributes.size(); ++i) {
    if (!touches(patch, kind.attributes[i])) continue;
    append(now, part, kind, i, true, doc);
    append(then, part, kind, i, true, patched);
  }
  std::erase_if(
      then, [&](const Key& key) { return std::find(now.begin(), now.end(), key) != now.end(); });
  return sorted(std::move(then));
}

}  // namespace cvm
