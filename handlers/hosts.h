// What instances need to know of dedicated hosts in order to run on one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/call.h"

namespace cvm {

// A type that is sold, or a piece of a dedicated host: `CDH_2C4G` has two CPUs and 4 GB. nullptr:
// there is none of this name.
std::shared_ptr<const InstanceType> find_instance_type(const Call& call, std::string_view name);

// What an instance takes of a host. Cloud disks are elsewhere.
struct HostShare {
  std::int64_t cpu = 0, memory_gb = 0, disk_gb = 0, gpu = 0;
};
std::int64_t local_disks_gb(const Json& system_disk, const Json& data_disks);

// The hosts that can run instances of the type, whatever else is on them: those of
// Placement.HostIds, each of which must do, or all that the account has in the zone.
std::vector<Resource> suitable_hosts(const Call& call, const Args& placement,
                                     const InstanceType& type);

// A host for each instance, the one where most CPUs are free; fewer of them than `count` if there
// is no more room.
std::vector<std::string> placed_on(const Call& call, const std::vector<Resource>& hosts,
                                   const HostShare& one, std::int64_t count);

}  // namespace cvm
