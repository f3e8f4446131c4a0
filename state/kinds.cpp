// One declaration for each kind. Attributes are kept by position: state/store.cpp rebuilds the
// index of a file whose kinds looked different.
#include "state/kind.h"

#include <array>

namespace cvm {

namespace {

constexpr Attribute instance_attributes[] = {
    {"zone", "Placement/Zone"},
    {"project-id", "Placement/ProjectId"},
    {"host-id", "Placement/HostId"},
    {"vpc-id", "VirtualPrivateCloud/VpcId"},
    {"subnet-id", "VirtualPrivateCloud/SubnetId"},
    {"security-group-id", "SecurityGroupIds/*"},
    {"instance-name", "InstanceName"},
    {"instance-charge-type", "InstanceChargeType"},
    {"instance-type", "InstanceType"},
    {"instance-state", "InstanceState"},
    {"image-id", "ImageId"},
    {"private-ip-address", "PrivateIpAddresses/*"},
    {"public-ip-address", "PublicIpAddresses/*"},
    {"ipv6-address", "IPv6Addresses/*"},
    {"uuid", "Uuid"},
    {"dedicated-cluster-id", "DedicatedClusterId"},
    {"tag-key", "Tags/*/Key"},
    {"tag-value", "Tags/*/Value"},
    {"tag", "Tags/*/Key|Value"},
};

}  // namespace

namespace kinds {
const Kind instance = {"instance",
                       "Instance",
                       "ins",
                       "InstanceId",
                       "InstanceState",
                       "InvalidInstanceId",
                       "UnsupportedOperation.InstanceState",
                       true,
                       instance_attributes};
}  // namespace kinds

std::span<const Kind* const> all_kinds() {
  static constexpr std::array<const Kind*, 1> all = {&kinds::instance};
  return all;
}

const Kind* find_kind(std::string_view name) {
  for (const Kind* kind : all_kinds()) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

}  // namespace cvm
