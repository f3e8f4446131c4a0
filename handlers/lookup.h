// Verbs that many actions share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "handlers/call.h"
#include "state/base/text.h"

namespace cvm {

// The resources that a list of ids names, in its order. Refuses ids given twice and unknown ones.
std::vector<Resource> load(Call& call, const Kind& kind, std::string_view list);

// Offset, Limit and Filters as a query over stored documents. `id_filter` is the filter that asks
// for the kind's own id.
Query query_of(Call& call, std::string_view id_filter = {});

// The filters as they were sent, by name. Refuses a `zone` that the region does not have.
std::vector<Filter> filters_of(const Call& call);

// One page of a kind: `TotalCount` and the documents under `set`.
struct Description {
  std::string_view ids;  // The list of ids to show, "InstanceIds".
  std::string_view id_filter;
  std::string_view set;
  std::vector<std::string_view> members = {};  // All, if empty.
};
Reply describe(Call& call, const Kind& kind, const Description& what);

// Refuses a zone that the region does not have: InvalidZone.MismatchRegion.
const Zone& require_zone(const Call& call, const std::string& zone, std::string_view parameter);

// What is left for the account in this region.
Stock stock_of(const Call& call);

// Refuses with InvalidImageId.NotFound.
const PublicImage& require_image(const Call& call, const std::string& id,
                                 std::string_view parameter);

// The id of something that the account has without making it, such as its default VPC.
std::string default_id(const Call& call, std::string_view prefix, std::string_view where);

// Refuses with the first of these codes that the action documents, else the last.
[[noreturn]] void refuse(const Call& call, std::initializer_list<std::string_view> codes,
                         std::string parameter, std::string value, std::string detail = {});

// Whether a text looks like the name of an instance type: `S5.MEDIUM2`.
bool well_formed_type(std::string_view name);

bool chinese(const Call& call);

}  // namespace cvm
