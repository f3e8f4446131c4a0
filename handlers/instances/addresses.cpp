// Checks and draws addresses.
#include "handlers/instances/addresses.h"

#include <algorithm>

#include "handlers/api/formats.h"
#include "handlers/lookup.h"

namespace cvm {

namespace {

// Public addresses come from 198.18.0.0/15, which is routed nowhere: a test that connects to one
// reaches nobody's machine.
constexpr std::uint32_t public_base = 0xC6120000U, public_count = 1U << 17U;
constexpr std::uint32_t private_base = 0x0A000000U;
constexpr int draws_max = 1000;

// Whether somebody else in the subnet has the address, or is about to get it.
bool used(const Call& call, const std::string& subnet_id, const std::string& ip,
          const std::string& mover) {
  const References holders = call.store.referring(
      "instance", "VirtualPrivateCloud/SubnetId|PrivateIpAddresses/*", subnet_id + joint + ip);
  return !holders.pending.empty() ||
         std::any_of(holders.ids.begin(), holders.ids.end(),
                     [&](const std::string& id) { return id != mover; });
}

void check_private_ips(const Call& call, const Network& network, std::int64_t count,
                       const std::vector<Resource>& movers) {
  const std::string parameter = "VirtualPrivateCloud.PrivateIpAddresses";
  const auto& ips = network.private_ips;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < ips.size(); ++i) {
    const std::string& ip = ips[i];
    const auto address = parse_ipv4(ip);
    if (!address) {
      refuse(call, {"InvalidParameter.InvalidIpFormat", "InvalidParameterValue.InvalidIpFormat"},
             parameter, ip);
    }
    // Subnets belong to another service: any private address is taken as lying in them.
    if (!is_private_ipv4(*address)) {
      throw Error{"VpcAddrNotInSubNet", parameter, ip,
                  "The subnet is `" + network.subnet_id + "`."};
    }
    if (!seen.insert(ip).second) {
      refuse(call, {"InvalidParameterValue.Duplicate", "InvalidParameterValue"}, parameter, ip,
             "It is given more than once.");
    }
    if (used(call, network.subnet_id, ip, i < movers.size() ? movers[i].id : ""))
      throw Error{"VpcIpIsUsed", parameter, ip, {}};
  }
  if (static_cast<std::int64_t>(ips.size()) != count) {
    refuse(call, {"InvalidParameterCombination", "InvalidParameterValue"}, parameter,
           std::to_string(ips.size()),
           "There must be one for each of the " + std::to_string(count) + " instances.");
  }
}

}  // namespace

Network checked_network(const Call& call, const Args& args, const std::string& zone,
                        std::int64_t count, const std::vector<Resource>& movers) {
  const Args vpc = args.object("VirtualPrivateCloud");
  Network network{vpc.text("VpcId"), vpc.text("SubnetId"), vpc.texts("PrivateIpAddresses")};
  if ((network.vpc_id == "DEFAULT") != (network.subnet_id == "DEFAULT")) {
    refuse(call, {"InvalidParameterCombination", "InvalidParameterValue"}, "VirtualPrivateCloud",
           network.vpc_id + ", " + network.subnet_id,
           "`DEFAULT` must be given for both VpcId and SubnetId.");
  }
  if (network.vpc_id.empty() || network.vpc_id == "DEFAULT") {
    network.vpc_id = default_id(call, "vpc", "");
    network.subnet_id = default_id(call, "subnet", zone);
  }
  const std::int64_t ipv6 = vpc.integer("Ipv6AddressCount");
  if (ipv6 < 0) {
    refuse(call, {"InvalidParameterValue.Range", "InvalidParameterValue"},
           "VirtualPrivateCloud.Ipv6AddressCount", std::to_string(ipv6), "It cannot be negative.");
  }
  if (!network.private_ips.empty()) check_private_ips(call, network, count, movers);
  return network;
}

std::string free_private_ip(const Call& call, const std::string& subnet_id, RandomStream& random,
                            const std::set<std::string>& taken) {
  const std::uint32_t subnet =
      private_base + static_cast<std::uint32_t>(stable_hash(subnet_id) % 256) * 65536U;
  for (int i = 0; i < draws_max; ++i) {
    std::string ip = ipv4_text(subnet + 2 + static_cast<std::uint32_t>(random.below(65533)));
    if (!taken.contains(ip) && !call.store.taken("instance", "private-ip-address", ip)) return ip;
  }
  throw Error{"FailedOperation.NoAvailableIpAddressCountInSubnet",
              "VirtualPrivateCloud.SubnetId",
              subnet_id,
              {}};
}

std::string free_public_ip(const Call& call, RandomStream& random) {
  for (int i = 0; i < draws_max; ++i) {
    std::string ip =
        ipv4_text(public_base + static_cast<std::uint32_t>(random.below(public_count)));
    if (!call.store.taken("instance", "public-ip-address", ip)) return ip;
  }
  throw Error{"ResourcesSoldOut.EipInsufficient", "InternetAccessible", "", {}};
}

}  // namespace cvm
