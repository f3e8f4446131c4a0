// The checks of RunInstances, group by group (reference: RunInstances and the types it takes).
#include "handlers/instances/plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "handlers/api/formats.h"
#include "handlers/hosts.h"
#include "handlers/instances/bandwidth.h"
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/placement_groups.h"
#include "handlers/price_table.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr std::size_t private_ips_max = 20, metadata_bytes_max = 512 << 10;
constexpr std::int64_t ipv6_addresses_max = 10;
constexpr auto timer_ahead_min = std::chrono::minutes{5};

void check_references(const Call& call, const Args& args) {
  for (const std::string& id : args.object("Placement").texts("HostIds"))
    if (!call.store.find("host", id))
      throw Error{"InvalidHostId.NotFound", "Placement.HostIds", id, {}};
}

// What names things that do not exist here.
void check_members(const Args& args) {
  for (const std::string& id : args.texts("ChcIds")) {
    throw Error{"InvalidParameterValue.ChcHostsNotFound", "ChcIds", id, {}};
  }
}

// Whether it matters that nothing of a zone is left: a template's version may be for one that is
// sold out now. Its page has no code for that, but an example with such a zone.
bool minds_sold_out_zones(const Call& call) {
  return call.action.prepares == nullptr ||
         call.action.documents("ResourceInsufficient.AvailabilityZoneSoldOut");
}

void plan_placement(const Call& call, const Args& args, InstancePlan& plan) {
  const Args placement = args.object("Placement");
  plan.zone = &require_zone(call, placement.text("Zone"), "Placement.Zone");
  if (!plan.zone->available && minds_sold_out_zones(call)) {
    refuse(call,
           {"ResourceInsufficient.AvailabilityZoneSoldOut", "ResourceUnavailable.InstanceType"},
           "Placement.Zone", plan.zone->id);
  }
  require_project(placement.integer("ProjectId"), "Placement.ProjectId");
}

void plan_type(const Call& call, const Args& args, InstancePlan& plan) {
  const std::string name = args.text("InstanceType");
  plan.charge_type = args.text("InstanceChargeType");
  const Args placement = args.object("Placement");
  const bool on_host = plan.charge_type == "CDHPAID", customized = name.starts_with("CDH_");
  if (!on_host && customized) {
    throw Error{"InvalidParameterCombination", "InstanceType", name,
                "Types of dedicated hosts need `CDHPAID`."};
  }
  if (!on_host && placement.given("HostIds")) {
    refuse(call, {"InvalidParameterCombination", "InvalidParameterValue"}, "InstanceChargeType",
           plan.charge_type, "On a dedicated host it must be `CDHPAID`.");
  }
  plan.type = find_instance_type(call, name);
  if (customized ? plan.type == nullptr : !well_formed_type(name))
    throw Error{"InvalidInstanceType.Malformed", "InstanceType", name, {}};
  if (plan.type == nullptr)
    throw Error{"InvalidParameterValue.InstanceTypeNotFound", "InstanceType", name, {}};
  if (on_host) {
    plan.hosts = suitable_hosts(call, placement, *plan.type);
    return;
  }
  if (!plan.type->sold_in(plan.zone->id)) {
    throw Error{"ResourceUnavailable.InstanceType", "InstanceType", name,
                "The zone is `" + plan.zone->id + "`."};
  }
  if (!contains(plan.type->family->charge_types, plan.charge_type)) {
    const bool spot = plan.charge_type == "SPOTPAID";
    if (spot)
      throw Error{"UnsupportedOperation.NoInstanceTypeSupportSpot", "InstanceType", name, {}};
    throw Error{"InvalidParameterCombination", "InstanceChargeType", plan.charge_type,
                "The type is `" + name + "`."};
  }
}

void plan_image(const Call& call, const Args& args, InstancePlan& plan) {
  const std::string id = args.text("ImageId");
  plan.image = require_image(call, id, "ImageId");
  plan.windows = plan.image->doc.at("Platform") == "Windows";
  if (!plan.type->boots(plan.image->doc)) {
    refuse(call,
           {"InvalidParameterValue.InvalidImageForGivenInstanceType",
            "InvalidParameterValue.InvalidImageId"},
           "ImageId", id,
           "`" + plan.type->id + "` runs images of the architecture `" +
               plan.type->family->architecture + "`.");
  }
}

void plan_market(const Call& call, const Args& args, const InstancePlan& plan) {
  // Without a bid, the market price is paid.
  if (plan.charge_type != "SPOTPAID" || !args.given("InstanceMarketOptions")) return;
  const Args options = args.object("InstanceMarketOptions").object("SpotOptions");
  const std::string bid = options.text("MaxPrice");
  const std::string parameter = "InstanceMarketOptions.SpotOptions.MaxPrice";
  double price = 0;
  const auto [end, failure] = std::from_chars(bid.data(), bid.data() + bid.size(), price);
  if (failure != std::errc{} || end != bid.data() + bid.size() || !std::isfinite(price) ||
      price < 0) {
    throw Error{"InvalidParameterValue", parameter, bid,
                "It must be a price as a text, such as `0.05`."};
  }
  const double market = spot_price(call.catalog, *plan.type);
  if (price < market) {
    throw Error{"InvalidParameterValue.InsufficientPrice", parameter, bid,
                "The market price is " + Json(market).dump() + "."};
  }
}

void plan_network(const Call& call, const Args& args, InstancePlan& plan) {
  const Args vpc = args.object("VirtualPrivateCloud");
  const std::size_t ips = vpc.texts("PrivateIpAddresses").size();
  if (ips > private_ips_max) {
    throw Error{"InvalidParameterValue.LimitExceeded", "VirtualPrivateCloud.PrivateIpAddresses",
                std::to_string(ips), "At most 20 can be given."};
  }
  plan.network = checked_network(call, args, plan.zone->id, plan.count);
  plan.ipv6_count = vpc.integer("Ipv6AddressCount");
  if (plan.ipv6_count > ipv6_addresses_max) {
    throw Error{"LimitExceeded.IPv6AddressNum",
                "VirtualPrivateCloud.Ipv6AddressCount",
                std::to_string(plan.ipv6_count),
                {}};
  }
  plan.security_groups = checked_security_groups(call, args, "SecurityGroupIds");
  if (plan.security_groups.empty()) plan.security_groups = {default_id(call, "sg", "")};
}

void plan_internet(const Args& args, InstancePlan& plan) {
  const Args internet = args.object("InternetAccessible");
  std::string type = internet.text("InternetChargeType");
  if (type.empty()) type = "TRAFFIC_POSTPAID_BY_HOUR";
  if (type == "BANDWIDTH_PACKAGE" && !internet.given("BandwidthPackageId")) {
    throw Error{"MissingParameter", "InternetAccessible.BandwidthPackageId", "", {}};
  }
  const std::int64_t bandwidth = internet.integer("InternetMaxBandwidthOut");
  require_bandwidth(type, bandwidth);
  if (internet.flag("PublicIpAssigned") && bandwidth == 0) {
    throw Error{"InvalidParameterCombination", "InternetAccessible.PublicIpAssigned", "true",
                "It needs a bandwidth above 0."};
  }
  plan.public_ip =
      internet.given("PublicIpAssigned") ? internet.flag("PublicIpAssigned") : bandwidth > 0;
  plan.internet = {{"InternetChargeType", type},
                   {"InternetMaxBandwidthOut", bandwidth},
                   {"PublicIpAssigned", plan.public_ip},
                   {"BandwidthPackageId", internet.text("BandwidthPackageId")}};
}

void check_topology(const Args& args, const InstancePlan& plan) {
  if (!args.given("CpuTopology")) return;
  const Args topology = args.object("CpuTopology");
  if (!topology.given("CoreCount") || !topology.given("ThreadPerCore")) {
    throw Error{"InvalidParameter.LackCoreCountOrThreadPerCore", "CpuTopology", "", {}};
  }
  const std::int64_t cores = topology.integer("CoreCount");
  if (cores < 1 || cores * topology.integer("ThreadPerCore") > plan.type->cpu) {
    throw Error{"InvalidParameterValue.CoreCountValue", "CpuTopology.CoreCount",
                std::to_string(cores),
                "The instance type has " + std::to_string(plan.type->cpu) +
                    " vCPUs for cores and threads."};
  }
}

void check_cluster(const Args& args, const InstancePlan& plan) {
  const bool high_performance = plan.type->family->for_clusters();
  if (high_performance != args.given("HpcClusterId")) {
    throw Error{high_performance ? "InvalidParameterValue.InstanceTypeRequiredHpcCluster"
                                 : "InvalidParameterValue.InstanceTypeNotSupportHpcCluster",
                "InstanceType",
                plan.type->id,
                {}};
  }
}

void plan_timer(const Call& call, const Args& args, InstancePlan& plan) {
  if (!args.given("ActionTimer")) return;
  const Args timer = args.object("ActionTimer");
  if (!timer.given("TimerAction"))
    throw Error{"MissingParameter", "ActionTimer.TimerAction", "", {}};
  const std::string at = timer.text("ActionTime");
  if (at.empty()) throw Error{"MissingParameter", "ActionTimer.ActionTime", "", {}};
  plan.terminate_at = parse_iso8601(at);
  if (!plan.terminate_at) {
    throw Error{"InvalidParameterValue.InvalidTimeFormat", "ActionTimer.ActionTime", at,
                "Expected: YYYY-MM-DDThh:mm:ssZ."};
  }
  if (*plan.terminate_at < call.now + timer_ahead_min) {
    throw Error{"InvalidParameterValue", "ActionTimer.ActionTime", at,
                "It must lie at least 5 minutes ahead of " + iso8601(call.now) + "."};
  }
}

// An instance is in one group at most.
void plan_group(const Call& call, const Args& args, InstancePlan& plan) {
  for (const std::string& id : args.texts("DisasterRecoverGroupIds")) {
    const std::string parameter = "DisasterRecoverGroupIds";
    require_room(call, require_placement_group(call, id, parameter), plan.count, parameter);
    plan.placement_group = id;
  }
}

void check_counts(const Call& call, const Args& args, const InstancePlan& plan) {
  if (args.integer("MinCount") > plan.count) {
    throw Error{"InvalidParameterCombination", "MinCount", std::to_string(args.integer("MinCount")),
                "It is above InstanceCount."};
  }
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "instances");
  if (call.store.count("instance") + plan.count > quota) {
    throw Error{"LimitExceeded.InstanceQuota", "InstanceCount", std::to_string(plan.count),
                "The quota in this region is " + std::to_string(quota) + "."};
  }
}

std::int64_t least(const Args& args, const InstancePlan& plan) {
  return args.given("MinCount") ? args.integer("MinCount") : plan.count;
}

// What is left has to do for all instances, or for MinCount of them if that is given: of dedicated
// hosts, and of what is sold.
void check_hosts(const Call& call, const Args& args, InstancePlan& plan) {
  const HostShare one{plan.type->cpu, plan.type->memory_gb,
                      local_disks_gb(plan.system_disk, plan.data_disks), plan.type->gpu};
  plan.host_ids = placed_on(call, plan.hosts, one, plan.count);
  const auto room = static_cast<std::int64_t>(plan.host_ids.size());
  if (room < least(args, plan)) {
    throw Error{"ResourceInsufficient.SpecifiedInstanceType", "InstanceType", plan.type->id,
                "The dedicated hosts have room for " + std::to_string(room) + "."};
  }
  plan.count = room;
}

void check_stock(const Call& call, const Args& args, InstancePlan& plan) {
  if (call.stock.unlimited()) return;
  Stock& stock = call.stock;
  const Sku machine{plan.zone->id, plan.type->id, plan.charge_type};
  const bool sold = plan.hosts.empty();
  if (const auto left = sold ? stock.left(machine) : std::nullopt; left && *left < plan.count) {
    if (*left == 0 && stock.by_zone(machine) && minds_sold_out_zones(call)) {
      throw Error{
          "ResourceInsufficient.AvailabilityZoneSoldOut", "Placement.Zone", plan.zone->id, {}};
    }
    if (*left < least(args, plan)) {
      throw Error{"ResourceInsufficient.SpecifiedInstanceType", "InstanceType", plan.type->id,
                  "In `" + plan.zone->id + "`, " + std::to_string(*left) + " are left."};
    }
    plan.count = *left;
  }
  std::map<std::string, std::int64_t> disks;
  disks[plan.system_disk.at("DiskType").get<std::string>()] += plan.count;
  for (const Json& disk : plan.data_disks)
    disks[disk.at("DiskType").get<std::string>()] += plan.count;
  for (const auto& [type, count] : disks) {
    Sku sku = machine;
    sku.disk_type = type;
    if (const auto left = stock.left(sku); left && *left < count) {
      throw Error{"ResourceInsufficient.CloudDiskSoldOut", "DiskType", type,
                  "In `" + plan.zone->id + "`, " + std::to_string(*left) + " are left."};
    }
  }
}

// Each instance gets a copy.
void check_metadata(const Call& call, const Args& args) {
  if (!args.given("Metadata")) return;
  const std::size_t bytes = args.json().at("Metadata").dump().size();
  if (bytes > metadata_bytes_max) {
    refuse(call, {"InvalidParameterValue.LimitExceeded", "InvalidParameterValue"}, "Metadata",
           std::to_string(bytes),
           "All of it can have " + std::to_string(metadata_bytes_max) + " bytes at most.");
  }
}

}  // namespace

InstancePlan plan_purchase(const Call& call, const Args& args) {
  InstancePlan plan(args);
  plan.count = args.integer("InstanceCount");
  check_references(call, args);
  plan_placement(call, args, plan);
  plan_type(call, args, plan);
  plan_image(call, args, plan);
  plan_market(call, args, plan);
  plan.system_disk = checked_system_disk(call, args.object("SystemDisk"), *plan.type, *plan.image);
  plan.data_disks = checked_data_disks(call, args.objects("DataDisks"), *plan.type);
  plan_internet(args, plan);
  check_login(call, args, *plan.image);
  if (args.given("HostName"))
    require_host_names(call, args.text("HostName"), plan.count, plan.windows);
  check_cluster(args, plan);
  plan.tags = tags_for(call, args, "instance");
  return plan;
}

InstancePlan plan_instances(const Call& call, const Args& args) {
  check_members(args);
  check_metadata(call, args);
  InstancePlan plan = plan_purchase(call, args);
  check_counts(call, args, plan);
  if (!plan.hosts.empty()) check_hosts(call, args, plan);
  check_stock(call, args, plan);
  plan_group(call, args, plan);
  plan_network(call, args, plan);
  check_topology(args, plan);
  require_role_name(args);
  plan_timer(call, args, plan);
  return plan;
}

}  // namespace cvm
