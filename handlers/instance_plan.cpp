// The checks of RunInstances, group by group (reference: RunInstances and the types it takes).
#include "handlers/instance_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "handlers/api/formats.h"
#include "handlers/common.h"
#include "handlers/disks.h"
#include "handlers/prices.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr std::int64_t traffic_bandwidth_max = 200, bandwidth_max = 2000;
constexpr std::size_t security_groups_max = 5, private_ips_max = 20;
constexpr std::int64_t ipv6_addresses_max = 10;
constexpr auto timer_ahead_min = std::chrono::minutes{5};

// What names things that do not exist yet here, or not at all.
void check_references(const Call& call) {
  const Args& args = call.args;
  if (args.given("LaunchTemplate")) {
    const std::string id = args.object("LaunchTemplate").text("LaunchTemplateId");
    if (id.empty()) throw Error{"MissingParameter", "LaunchTemplate.LaunchTemplateId", "", {}};
    throw Error{"InvalidParameterValue.LaunchTemplateIdNotExisted",
                "LaunchTemplate.LaunchTemplateId",
                id,
                {}};
  }
  for (const std::string& id : args.texts("DisasterRecoverGroupIds")) {
    throw Error{"FailedOperation.DisasterRecoverGroupNotFound", "DisasterRecoverGroupIds", id, {}};
  }
  for (const std::string& id : args.texts("ChcIds")) {
    throw Error{"InvalidParameterValue.ChcHostsNotFound", "ChcIds", id, {}};
  }
  for (const std::string& id : args.object("Placement").texts("HostIds")) {
    throw Error{"InvalidHostId.NotFound", "Placement.HostIds", id, {}};
  }
  for (const std::string& id : args.object("LoginSettings").texts("KeyIds")) {
    throw Error{"InvalidParameterValue.KeyPairNotFound", "LoginSettings.KeyIds", id, {}};
  }
}

void plan_placement(const Call& call, InstancePlan& plan) {
  const Args placement = call.args.object("Placement");
  plan.zone = &require_zone(call, placement.text("Zone"), "Placement.Zone");
  if (!plan.zone->available) {
    throw Error{
        "ResourceInsufficient.AvailabilityZoneSoldOut", "Placement.Zone", plan.zone->id, {}};
  }
  if (placement.integer("ProjectId") < 0) {
    throw Error{"InvalidProjectId.NotFound",
                "Placement.ProjectId",
                std::to_string(placement.integer("ProjectId")),
                {}};
  }
}

void plan_type(const Call& call, InstancePlan& plan) {
  const std::string name = call.args.text("InstanceType");
  plan.charge_type = call.args.text("InstanceChargeType");
  if (plan.charge_type == "CDHPAID") {
    throw Error{"MissingParameter", "Placement.HostIds", "",
                "`CDHPAID` instances run on a dedicated host."};
  }
  if (name.starts_with("CDH_")) {
    throw Error{"InvalidParameterCombination", "InstanceType", name,
                "Types of dedicated hosts need `CDHPAID`."};
  }
  if (!well_formed_type(name))
    throw Error{"InvalidInstanceType.Malformed", "InstanceType", name, {}};
  plan.type = call.state.catalog().instance_type(name);
  if (plan.type == nullptr)
    throw Error{"InvalidParameterValue.InstanceTypeNotFound", "InstanceType", name, {}};
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

void plan_image(const Call& call, InstancePlan& plan) {
  const std::string id = call.args.text("ImageId");
  plan.image = &require_image(call, id, "ImageId");
  plan.windows = plan.image->doc.at("Platform") == "Windows";
  if (plan.image->doc.at("Architecture") != plan.type->family->architecture) {
    throw Error{"InvalidParameterValue.InvalidImageForGivenInstanceType", "ImageId", id,
                "`" + plan.type->id + "` runs images of the architecture `" +
                    plan.type->family->architecture + "`."};
  }
}

void plan_market(const Call& call, const InstancePlan& plan) {
  // Without a bid, the market price is paid.
  if (plan.charge_type != "SPOTPAID" || !call.args.given("InstanceMarketOptions")) return;
  const Args options = call.args.object("InstanceMarketOptions").object("SpotOptions");
  const std::string bid = options.text("MaxPrice");
  const std::string parameter = "InstanceMarketOptions.SpotOptions.MaxPrice";
  double price = 0;
  const auto [end, failure] = std::from_chars(bid.data(), bid.data() + bid.size(), price);
  if (failure != std::errc{} || end != bid.data() + bid.size() || !std::isfinite(price) ||
      price < 0) {
    throw Error{"InvalidParameterValue", parameter, bid,
                "It must be a price as a text, such as `0.05`."};
  }
  const double market = spot_price(call.state, *plan.type);
  if (price < market) {
    throw Error{"InvalidParameterValue.InsufficientPrice", parameter, bid,
                "The market price is " + Json(market).dump() + "."};
  }
}

void plan_private_ips(const Call& call, const InstancePlan& plan,
                      const std::vector<std::string>& ips) {
  const std::string parameter = "VirtualPrivateCloud.PrivateIpAddresses";
  if (ips.size() > private_ips_max) {
    throw Error{"InvalidParameterValue.LimitExceeded", parameter, std::to_string(ips.size()),
                "At most 20 can be given."};
  }
  std::set<std::string> seen;
  for (const std::string& ip : ips) {
    const auto address = parse_ipv4(ip);
    if (!address) throw Error{"InvalidParameter.InvalidIpFormat", parameter, ip, {}};
    // Subnets belong to another service: any private address is taken as lying in them.
    if (!is_private_ipv4(*address)) {
      throw Error{"VpcAddrNotInSubNet", parameter, ip, "The subnet is `" + plan.subnet_id + "`."};
    }
    if (!seen.insert(ip).second) throw Error{"InvalidParameterValue.Duplicate", parameter, ip, {}};
    Query used;
    used.filters = {{"private-ip-address", {ip}}, {"subnet-id", {plan.subnet_id}}};
    used.limit = 1;
    if (call.store.page(kinds::instance, used).total > 0)
      throw Error{"VpcIpIsUsed", parameter, ip, {}};
  }
  if (static_cast<std::int64_t>(ips.size()) != plan.count) {
    throw Error{"InvalidParameterCombination", parameter, std::to_string(ips.size()),
                "There must be one for each of the " + std::to_string(plan.count) + " instances."};
  }
}

void plan_network(const Call& call, InstancePlan& plan) {
  const Args vpc = call.args.object("VirtualPrivateCloud");
  plan.vpc_id = vpc.text("VpcId");
  plan.subnet_id = vpc.text("SubnetId");
  if ((plan.vpc_id == "DEFAULT") != (plan.subnet_id == "DEFAULT")) {
    throw Error{"InvalidParameterCombination", "VirtualPrivateCloud",
                plan.vpc_id + ", " + plan.subnet_id,
                "`DEFAULT` must be given for both VpcId and SubnetId."};
  }
  if (plan.vpc_id.empty() || plan.vpc_id == "DEFAULT") {
    plan.vpc_id = default_id(call, "vpc", "");
    plan.subnet_id = default_id(call, "subnet", plan.zone->id);
  }
  plan.private_ips = vpc.texts("PrivateIpAddresses");
  if (!plan.private_ips.empty()) plan_private_ips(call, plan, plan.private_ips);
  plan.ipv6_count = vpc.integer("Ipv6AddressCount");
  if (plan.ipv6_count < 0) {
    throw Error{"InvalidParameterValue.Range", "VirtualPrivateCloud.Ipv6AddressCount",
                std::to_string(plan.ipv6_count), "It cannot be negative."};
  }
  if (plan.ipv6_count > ipv6_addresses_max) {
    throw Error{"LimitExceeded.IPv6AddressNum",
                "VirtualPrivateCloud.Ipv6AddressCount",
                std::to_string(plan.ipv6_count),
                {}};
  }
  plan.security_groups = call.args.texts("SecurityGroupIds");
  if (plan.security_groups.size() > security_groups_max) {
    throw Error{"LimitExceeded.SingleUSGQuota",
                "SecurityGroupIds",
                std::to_string(plan.security_groups.size()),
                {}};
  }
  const std::set<std::string> different(plan.security_groups.begin(), plan.security_groups.end());
  if (different.size() != plan.security_groups.size()) {
    throw Error{"InvalidParameterValue.Duplicate",
                "SecurityGroupIds",
                Json(plan.security_groups).dump(),
                {}};
  }
  if (plan.security_groups.empty()) plan.security_groups = {default_id(call, "sg", "")};
}

void plan_internet(const Call& call, InstancePlan& plan) {
  const Args internet = call.args.object("InternetAccessible");
  std::string type = internet.text("InternetChargeType");
  if (type.empty()) type = "TRAFFIC_POSTPAID_BY_HOUR";
  if (type == "BANDWIDTH_PACKAGE" && !internet.given("BandwidthPackageId")) {
    throw Error{"MissingParameter", "InternetAccessible.BandwidthPackageId", "", {}};
  }
  const std::int64_t bandwidth = internet.integer("InternetMaxBandwidthOut");
  const std::int64_t most =
      type == "TRAFFIC_POSTPAID_BY_HOUR" ? traffic_bandwidth_max : bandwidth_max;
  const std::string parameter = "InternetAccessible.InternetMaxBandwidthOut";
  if (bandwidth < 0 || bandwidth > most) {
    throw Error{"InvalidParameterValue.Range", parameter, std::to_string(bandwidth),
                "Allowed: 0 to " + std::to_string(most) + " Mbps."};
  }
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

void check_login(const Call& call, const InstancePlan& plan) {
  const Args login = call.args.object("LoginSettings");
  const std::string keep = login.text("KeepImageLogin");
  const bool keeps = keep == "true" || keep == "TRUE" || keep == "True";
  if (keeps && (login.given("Password") || login.given("KeyIds"))) {
    throw Error{"InvalidParameterCombination", "LoginSettings.KeepImageLogin", keep,
                "A password or key is given, too."};
  }
  if (keeps && plan.image->doc.at("ImageType") == "PUBLIC_IMAGE") {
    throw Error{"InvalidParameterCombination", "LoginSettings.KeepImageLogin", keep,
                "Public images have no login to keep."};
  }
  if (login.given("KeyIds") && plan.windows) {
    throw Error{"UnsupportedOperation.KeyPairUnsupportedWindows", "LoginSettings.KeyIds", "", {}};
  }
  if (login.given("Password")) {
    require_login_password(call, "LoginSettings.Password", login.text("Password"), plan.windows);
  }
  if (call.args.given("HostName"))
    require_host_name(call, call.args.text("HostName"), plan.count, plan.windows);
}

void check_topology(const Call& call, const InstancePlan& plan) {
  if (!call.args.given("CpuTopology")) return;
  const Args topology = call.args.object("CpuTopology");
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

void check_names(const Call& call, const InstancePlan& plan) {
  static constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-";
  const std::string role = call.args.text("CamRoleName");
  if (role.find_first_not_of(allowed) != role.npos) {
    throw Error{"InvalidParameterValue.CamRoleNameMalformed", "CamRoleName", role, {}};
  }
  // Clusters take the high-performance families, and those run nowhere else.
  const bool high_performance = plan.type->family->id.starts_with("HCC");
  if (high_performance != call.args.given("HpcClusterId")) {
    throw Error{high_performance ? "InvalidParameterValue.InstanceTypeRequiredHpcCluster"
                                 : "InvalidParameterValue.InstanceTypeNotSupportHpcCluster",
                "InstanceType",
                plan.type->id,
                {}};
  }
}

void plan_timer(const Call& call, InstancePlan& plan) {
  if (!call.args.given("ActionTimer")) return;
  const Args timer = call.args.object("ActionTimer");
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

void check_counts(const Call& call, InstancePlan& plan) {
  plan.count = call.args.integer("InstanceCount");
  if (call.args.integer("MinCount") > plan.count) {
    throw Error{"InvalidParameterCombination", "MinCount",
                std::to_string(call.args.integer("MinCount")), "It is above InstanceCount."};
  }
  const std::int64_t quota = call.state.quotas().get(call.store.tenant(), "instances");
  if (call.store.count(kinds::instance) + plan.count > quota) {
    throw Error{"LimitExceeded.InstanceQuota", "InstanceCount", std::to_string(plan.count),
                "The quota in this region is " + std::to_string(quota) + "."};
  }
}

// What is left has to do for all instances, or for MinCount of them if that is given.
void check_stock(const Call& call, InstancePlan& plan) {
  if (call.state.capacity().rules().empty()) return;
  Stock stock = stock_of(call);
  const Goods machine{plan.zone->id, plan.type->id, plan.charge_type};
  if (const auto left = stock.left(machine); left && *left < plan.count) {
    const std::int64_t least =
        call.args.given("MinCount") ? call.args.integer("MinCount") : plan.count;
    if (*left == 0 && stock.by_zone(machine)) {
      throw Error{
          "ResourceInsufficient.AvailabilityZoneSoldOut", "Placement.Zone", plan.zone->id, {}};
    }
    if (*left < least) {
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
    Goods goods = machine;
    goods.disk_type = type;
    if (const auto left = stock.left(goods); left && *left < count) {
      throw Error{"ResourceInsufficient.CloudDiskSoldOut", "DiskType", type,
                  "In `" + plan.zone->id + "`, " + std::to_string(*left) + " are left."};
    }
  }
}

}  // namespace

InstancePlan plan_instances(const Call& call) {
  InstancePlan plan;
  check_references(call);
  plan_placement(call, plan);
  plan_type(call, plan);
  plan_image(call, plan);
  plan_market(call, plan);
  check_counts(call, plan);
  plan.system_disk =
      checked_system_disk(call, call.args.object("SystemDisk"), *plan.type, *plan.image);
  plan.data_disks = checked_data_disks(call, call.args.objects("DataDisks"), *plan.type);
  check_stock(call, plan);
  plan_network(call, plan);
  plan_internet(call, plan);
  check_login(call, plan);
  check_topology(call, plan);
  check_names(call, plan);
  plan_timer(call, plan);
  plan.tags = tags_for(call, "instance");
  return plan;
}

}  // namespace cvm
