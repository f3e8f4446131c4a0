// One way to look at resources: what the account has, what others let it see, what the catalogue
// lists, through the same filters and the same paging.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/call.h"

namespace cvm {

// A page of a kind: `TotalCount` and the documents under `set`, the newest first; then what others
// granted, then what the catalogue lists.
struct Description {
  std::string_view kind;
  std::string_view ids;                        // The parameter with the ids to show, if any.
  std::string_view set;                        // The member of the answer.
  std::vector<std::string_view> members = {};  // Of each document; all, if empty.
  std::vector<const Json*> listed = {};        // Documents of the catalogue.
  std::function<bool(const Json&)> only = {};  // What no filter asks for; reads every document.
  std::function<void(Json&)> compute = {};     // Writes members that are worked out when shown.
  // Filters on such members: they are asked of what was worked out, not of the index.
  std::vector<std::string_view> computed = {};
};
Reply describe(Call& call, const Description& what);

// The filters of the call, as its kind knows them. Refuses a zone that the region does not have.
std::vector<Filter> filters_of(const Call& call, const Kind& kind);

// Whether a document passes all of them.
bool passes(const Json& doc, const Kind& kind, const std::vector<Filter>& filters);

}  // namespace cvm
