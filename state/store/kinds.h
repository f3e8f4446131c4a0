// What kinds of resources there are: what their documents look like and what finds them.
#pragma once

#include <span>
#include <string_view>

namespace cvm {

// A value that filters ask for. `path` leads through the document; `*` walks a list, and `A|B` at
// the end joins two members to one value (a tag's key and value).
struct Attribute {
  std::string_view name;
  std::string_view path;
};

struct Kind {
  std::string_view name;           // "instance"
  std::string_view shape;          // The API's type of the document: "Instance".
  std::string_view id_prefix;      // "ins"
  std::string_view id_member;      // "InstanceId"
  std::string_view state_member;   // "InstanceState"; empty: it has no states, and no steps.
  std::string_view not_found;      // "InvalidInstanceId.NotFound"
  std::string_view state_refusal;  // "UnsupportedOperation.InstanceState", then the state's name.
  bool tells_operation;            // The document has the LatestOperation members.
  std::span<const Attribute> attributes;
};

// Joins the two parts of an `A|B` attribute.
inline constexpr char joint = '\x1f';

namespace kinds {
extern const Kind instance;
extern const Kind placement_group;
}  // namespace kinds

std::span<const Kind* const> all_kinds();
const Kind* find_kind(std::string_view name);

}  // namespace cvm
