// The index of what documents say: a row for each value that filters and references ask for, and a
// row for each that an operation under way is going to give.
#pragma once

#include <cstdint>

#include "state/store/attributes.h"
#include "state/store/sqlite.h"

namespace cvm {

// Brings the values of a resource from what was stored to what is true; both are sorted.
void write_attributes(Database& database, std::int64_t part, std::int64_t rid,
                      const AttributeValues& before, const AttributeValues& after);

// The reserved values that a document does not have yet and that a patch is going to give it.
AttributeValues reserved_by(const Kind& kind, const Json& doc, const Json& patch);
void write_pending(Database& database, std::int64_t part, std::int64_t rid,
                   const AttributeValues& values);

// Makes all of it anew if the file was written by a version with other kinds.
void upgrade_index(Database& database, const Kinds& kinds);

}  // namespace cvm
