// Verbs that many actions share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/call.h"
#include "state/base/text.h"

namespace cvm {

// The resources that a list of ids names, in its order. Refuses ids given twice and unknown ones.
std::vector<Resource> load(Call& call, std::string_view kind, std::string_view list);

// Refuses a zone that the region does not have: InvalidZone.MismatchRegion.
const Zone& require_zone(const Call& call, const std::string& zone, std::string_view parameter);

// An image that the account sees: its own, one that was granted to it, or a public one. nullptr:
// there is none; require_image() then refuses with InvalidImageId.NotFound, and one that no
// instance can be made from by the code that the action documents for its state.
std::shared_ptr<const Image> find_image(const Call& call, const std::string& id);
std::shared_ptr<const Image> require_image(const Call& call, const std::string& id,
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
