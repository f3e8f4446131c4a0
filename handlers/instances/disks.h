// Disks that come with an instance: which may be had, how large, and what they look like.
#pragma once

#include <vector>

#include "handlers/call.h"

namespace cvm {

// SystemDisk as the API shows it, without its id. Throws UnsupportedOperation.InvalidDisk,
// InvalidParameterValue.Range.
Json checked_system_disk(const Call& call, const Args& disk, const InstanceType& type,
                         const Image& image);

// DataDisks likewise; a size of 0 means "no disk". Throws, besides those above,
// InvalidParameterValue.CloudSsdDataDiskSizeTooSmall, InvalidParameterValue.LimitExceeded,
// InvalidParameterCombination.
Json checked_data_disks(const Call& call, const std::vector<Args>& disks, const InstanceType& type);

// Disks of the host; all others are cloud disks. Of a disk, and of an instance's document.
bool is_local(const Json& disk);
bool has_local_disks(const Json& instance);

// The disk that grows (ResizeInstanceDisks), and the documents' members with it grown.
struct DiskGrowth {
  std::string type;
  std::int64_t from_gb = 0, to_gb = 0;
  Json patch;
};
DiskGrowth checked_growth(const Call& call, const Resource& instance);

// The size that a system disk has afterwards: never smaller, and its type stays.
std::int64_t system_disk_growth(const Call& call, const Json& disk, const Args& wanted);

}  // namespace cvm
