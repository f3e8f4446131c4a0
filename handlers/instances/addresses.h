// Where an instance is in the network: its VPC, its subnet, and addresses that are asked for or
// drawn. VPCs and subnets belong to another service: well-formed ones are taken as existing.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "handlers/call.h"

namespace cvm {

struct Network {
  std::string vpc_id, subnet_id;
  // One for each instance, or none: then they are drawn.
  std::vector<std::string> private_ips;
};

// VirtualPrivateCloud for instances in a zone; the account's default VPC if none is given. `movers`
// are the instances that move there, in order, or none if `count` new ones are made. Throws
// VpcAddrNotInSubNet, VpcIpIsUsed, and what the action documents for malformed addresses.
Network checked_network(const Call& call, const Args& args, const std::string& zone,
                        std::int64_t count, const std::vector<Resource>& movers = {});

// A free address in the subnet that is not among `taken`. Throws
// FailedOperation.NoAvailableIpAddressCountInSubnet.
std::string free_private_ip(const Call& call, const std::string& subnet_id, RandomStream& random,
                            const std::set<std::string>& taken = {});

// Throws ResourcesSoldOut.EipInsufficient.
std::string free_public_ip(const Call& call, RandomStream& random);

}  // namespace cvm
