// One declaration for each kind. Attributes are kept by position: state/store.cpp rebuilds the
// index of a file whose kinds looked different.
#include "state/store/kinds.h"

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
    {"disaster-recover-group-id", "DisasterRecoverGroupId"},
};

constexpr Attribute placement_group_attributes[] = {
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
                       "InvalidInstanceId.NotFound",
                       "UnsupportedOperation.InstanceState",
                       true,
                       instance_attributes};
const Kind placement_group = {"placement_group",
                              "DisasterRecoverGroup",
                              "ps",
                              "DisasterRecoverGroupId",
                              "",
                              "ResourceNotFound.InvalidPlacementSet",
                              "",
                              false,
                              placement_group_attributes};
}  // namespace kinds

std::span<const Kind* const> all_kinds() {
  static constexpr std::array all = {&kinds::instance, &kinds::placement_group};
  return all;
}

const Kind* find_kind(std::string_view name) {
  for (const Kind* kind : all_kinds()) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

}  // namespace cvm
