// Where instances are in the network, and what they may send.
#include <map>
#include <utility>

#include "handlers/instances/addresses.h"
#include "handlers/instances/bandwidth.h"
#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

// What becomes of an instance's bandwidth, now and later. After some days it is again what it was
// for good; a new change takes the place of those that were planned.
Json new_bandwidth(const Call& call, const Resource& instance, const BandwidthChange& change) {
  const auto patch = [](const Json& mbps, const Json& for_good) -> Json {
    return {{"InternetAccessible", {{"InternetMaxBandwidthOut", mbps}}},
            {"hidden", {{"UsualBandwidth", for_good}}}};
  };
  const Json present = instance.doc.at("InternetAccessible").at("InternetMaxBandwidthOut");
  const Json usual = instance.hidden.value("UsualBandwidth", present);
  Json changed = patch(change.mbps, change.until ? usual : Json(change.mbps));
  Json plan = Json::array();
  const auto later = [&](Time at, const Json& what) {
    plan.push_back({{"at", iso8601(at)}, {"step", "instance.bandwidth_period"}, {"patch", what}});
  };
  if (change.until) later(*change.until, patch(usual, usual));
  if (change.from && *change.from > call.now)
    later(*change.from, std::exchange(changed, patch(usual, usual)));
  if (!plan.empty()) changed["plan"] = plan;
  return changed;
}

// The new place of an instance in the network, as a patch of its document.
Json new_place(const Call& call, const Resource& instance, const Network& network,
               std::size_t index, std::set<std::string>& taken) {
  const Args vpc = call.args.object("VirtualPrivateCloud");
  const Json& present = instance.doc.at("VirtualPrivateCloud");
  const Json& ipv6 = instance.doc.at("IPv6Addresses");
  if (present.at("VpcId") != network.vpc_id && ipv6.is_array() && !ipv6.empty())
    throw Error{"UnsupportedOperation.IPv6NotSupportVpcMigrate", "InstanceIds", instance.id, {}};
  Json ip = instance.doc.at("PrivateIpAddresses").front();
  if (!network.private_ips.empty()) {
    ip = network.private_ips[index];
  } else if (present.at("SubnetId") != network.subnet_id) {
    RandomStream random = call.store.random_stream();
    ip = free_private_ip(call, network.subnet_id, random, taken);
  }
  taken.insert(ip.get<std::string>());
  Json place = {{"VpcId", network.vpc_id},
                {"SubnetId", network.subnet_id},
                {"PrivateIpAddresses", Json::array({ip})}};
  if (vpc.given("AsVpcGateway")) place["AsVpcGateway"] = vpc.flag("AsVpcGateway");
  Json patch = {{"VirtualPrivateCloud", place}, {"PrivateIpAddresses", Json::array({ip})}};
  if (!call.args.flag("ReserveHostName")) patch["hidden"] = {{"HostName", ""}};
  return patch;
}

}  // namespace

static Reply DescribeInternetChargeTypeConfigs(Call& call) {
  Json configs = Json::array();
  for (const auto& [type, texts] : call.catalog.prices().at("internet_charge_types").items()) {
    configs.push_back(
        {{"InternetChargeType", type}, {"Description", texts.at(chinese(call) ? "zh" : "en")}});
  }
  return Reply().add("InternetChargeTypeConfigSet", configs);
}

static Reply ResetInstancesInternetMaxBandwidth(Call& call) {
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  std::vector<Operation> operations;
  for (Resource& instance : instances) {
    operations.push_back(call.lifecycle.prepare("instance.change_bandwidth", instance));
    require_charged(instance);
  }
  const BandwidthChange change = checked_bandwidth(call, instances);
  for (Operation& operation : operations)
    operation.begin(new_bandwidth(call, operation.resource(), change));
  return {};
}

// A running instance is restarted in its new place.
static Reply ModifyInstancesVpcAttribute(Call& call) {
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  std::vector<std::pair<Operation, Json>> moves;
  std::map<std::string, Network> networks;  // By zone: the default subnet depends on it.
  std::set<std::string> taken;
  for (Resource& instance : instances) {
    Operation move = call.lifecycle.prepare("instance.change_vpc", instance);
    require_charged(instance);
    require_stopped(instance, call.args.flag("ForceStop"));
    const std::string zone = instance.doc.at("Placement").at("Zone").get<std::string>();
    auto network = networks.find(zone);
    if (network == networks.end()) {
      const auto count = static_cast<std::int64_t>(instances.size());
      network =
          networks.emplace(zone, checked_network(call, call.args, zone, count, instances)).first;
    }
    moves.emplace_back(move, new_place(call, instance, network->second, moves.size(), taken));
  }
  for (auto& [move, place] : moves) move.begin(place);
  return {};
}

const Actions networking_actions = {
    {"DescribeInternetChargeTypeConfigs", DescribeInternetChargeTypeConfigs},
    {"ResetInstancesInternetMaxBandwidth", ResetInstancesInternetMaxBandwidth},
    {"ModifyInstancesVpcAttribute", ModifyInstancesVpcAttribute},
};

}  // namespace cvm
