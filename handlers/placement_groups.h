// What instances need to know of spread placement groups in order to be put into one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "handlers/call.h"

namespace cvm {

// Refuses a group that does not exist here: FailedOperation.DisasterRecoverGroupNotFound or, where
// the action documents that, ResourceNotFound.InvalidPlacementSet.
Resource require_placement_group(const Call& call, const std::string& id,
                                 std::string_view parameter);

// Refuses if the group cannot take so many instances more:
// ResourceInsufficient.DisasterRecoverGroupCvmQuota
void require_room(const Call& call, const Resource& group, std::int64_t more,
                  std::string_view parameter);

}  // namespace cvm
