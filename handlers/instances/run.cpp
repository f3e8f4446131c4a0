// Making instances: what the plan says becomes documents, one for each.
#include <array>
#include <cstdio>

#include "handlers/instances/addresses.h"
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/instances/plan.h"
#include "handlers/launch_templates.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

// From 2001:db8::/32, the prefix for documentation.
Json ipv6_addresses(const InstancePlan& plan, RandomStream& random) {
  if (plan.ipv6_count == 0) return nullptr;
  Json addresses = Json::array();
  for (std::int64_t i = 0; i < plan.ipv6_count; ++i) {
    std::array<char, 48> text{};
    const int length = std::snprintf(text.data(), text.size(), "2001:db8:%x:%x::%x",
                                     static_cast<unsigned>(random.below(0xfff0) + 1),
                                     static_cast<unsigned>(random.below(0xfff0) + 1),
                                     static_cast<unsigned>(random.below(0xfff0) + 1));
    addresses.push_back(std::string(text.data(), static_cast<std::size_t>(length)));
  }
  return addresses;
}

// Cloud disks have `disk-` ids; local ones do not, and clients tell them apart by that.
void name_disks(Json& doc, RandomStream& random) {
  const auto name = [&](Json& disk) {
    disk["DiskId"] = random.id(is_local(disk) ? "ldisk-" : "disk-");
  };
  name(doc["SystemDisk"]);
  for (Json& disk : doc["DataDisks"]) name(disk);
}

// Where the instance is and what it is reached by.
void add_network(const Call& call, const InstancePlan& plan, std::int64_t index,
                 RandomStream& random, Json& doc) {
  const Args vpc = plan.args.object("VirtualPrivateCloud");
  const Network& network = plan.network;
  const Json ip = network.private_ips.empty()
                      ? free_private_ip(call, network.subnet_id, random)
                      : network.private_ips[static_cast<std::size_t>(index)];
  doc["PrivateIpAddresses"] = Json::array({ip});
  doc["PublicIpAddresses"] = plan.public_ip ? Json::array({free_public_ip(call, random)}) : Json();
  doc["VirtualPrivateCloud"] = {{"VpcId", network.vpc_id},
                                {"SubnetId", network.subnet_id},
                                {"AsVpcGateway", vpc.flag("AsVpcGateway")},
                                {"PrivateIpAddresses", Json::array({ip})},
                                {"Ipv6AddressCount", plan.ipv6_count}};
  doc["IPv6Addresses"] = ipv6_addresses(plan, random);
}

void add_charging(const Call& call, const InstancePlan& plan, Json& doc) {
  if (plan.charge_type != "PREPAID") return;
  const Args prepaid = plan.args.object("InstanceChargePrepaid");
  doc["RenewFlag"] = prepaid.text("RenewFlag");
  doc["ExpiredTime"] = iso8601(add_months(call.now, static_cast<int>(prepaid.integer("Period"))));
}

// What all instances of the call have in common, in the order of the API's Instance.
Json common_document(const Call& call, const InstancePlan& plan) {
  const Args& args = plan.args;
  Json doc = {{"Placement",
               {{"Zone", plan.zone->id},
                {"ProjectId", args.object("Placement").integer("ProjectId")},
                {"HostIds", Json::array()},
                {"HostId", ""}}},
              {"InstanceId", ""},
              {"InstanceType", plan.type->id},
              {"CPU", plan.type->cpu},
              {"Memory", plan.type->memory_gb},
              {"RestrictState", "NORMAL"},
              {"InstanceName", args.text("InstanceName")},
              {"InstanceChargeType", plan.charge_type},
              {"SystemDisk", plan.system_disk},
              {"DataDisks", plan.data_disks},
              {"PrivateIpAddresses", nullptr},
              {"PublicIpAddresses", nullptr},
              {"InternetAccessible", plan.internet},
              {"VirtualPrivateCloud", nullptr},
              {"ImageId", plan.image->doc.at("ImageId")},
              {"RenewFlag", nullptr},
              {"CreatedTime", iso8601(call.now)},
              {"ExpiredTime", nullptr},
              {"OsName", plan.image->doc.at("OsName")},
              {"SecurityGroupIds", plan.security_groups},
              {"LoginSettings", {{"KeyIds", args.object("LoginSettings").texts("KeyIds")}}},
              {"InstanceState", ""},
              {"Tags", plan.tags},
              {"StopChargingMode", "NOT_APPLICABLE"},
              {"Uuid", ""},
              {"LatestOperation", nullptr},
              {"LatestOperationState", nullptr},
              {"LatestOperationRequestId", nullptr},
              {"DisasterRecoverGroupId", plan.placement_group},
              {"IPv6Addresses", nullptr},
              {"CamRoleName", args.text("CamRoleName")},
              {"HpcClusterId", args.text("HpcClusterId")},
              {"RdmaIpAddresses", Json::array()},
              {"DedicatedClusterId", args.text("DedicatedClusterId")},
              {"IsolatedSource", "NOTISOLATED"},
              {"GPUInfo", nullptr},
              {"LicenseType", plan.image->doc.at("LicenseType")},
              {"DisableApiTermination", args.flag("DisableApiTermination")},
              {"DefaultLoginUser", plan.image->login_user},
              {"DefaultLoginPort", plan.image->login_port},
              {"LatestOperationErrorMsg", ""}};
  if (args.given("Metadata")) doc["Metadata"] = args.json().at("Metadata");
  add_charging(call, plan, doc);
  return doc;
}

// What one of them has for itself.
void make_own(const Call& call, const InstancePlan& plan, std::int64_t index, RandomStream& random,
              Json& doc) {
  if (plan.args.given("InstanceName"))
    doc["InstanceName"] = numbered_name(plan.args.text("InstanceName"), index, plan.count);
  if (!plan.host_ids.empty())
    doc["Placement"]["HostId"] = plan.host_ids[static_cast<std::size_t>(index)];
  doc["Uuid"] = random.uuid();
  doc["GPUInfo"] = gpu_info(*plan.type, random);
  name_disks(doc, random);
  add_network(call, plan, index, random, doc);
}

// What the API takes but does not show. The password is not kept: nobody can log in here.
Json hidden(const InstancePlan& plan, std::int64_t index) {
  const Args& args = plan.args;
  Json kept = {
      {"UserData", args.text("UserData")},
      {"HostName",
       args.given("HostName") ? numbered_name(args.text("HostName"), index, plan.count) : ""}};
  if (plan.charge_type == "PREPAID")
    kept["Period"] = args.object("InstanceChargePrepaid").integer("Period");
  for (const char* name :
       {"EnhancedService", "CpuTopology", "InstanceMarketOptions", "EnableJumboFrame"}) {
    if (args.given(name)) kept[name] = args.json().at(name);
  }
  return kept;
}

}  // namespace

static Reply RunInstances(Call& call) {
  const auto merged = with_launch_template(call);
  const InstancePlan plan =
      plan_instances(call, merged ? Args(*merged, call.action.in) : call.args);
  const Json common = common_document(call, plan);
  Json ids = Json::array();
  for (std::int64_t index = 0; index < plan.count; ++index) {
    RandomStream random = call.store.random_stream();
    Json doc = common;
    make_own(call, plan, index, random, doc);
    const Resource instance = call.lifecycle.create("instance.create", "instance", random,
                                                    std::move(doc), hidden(plan, index));
    if (plan.terminate_at) {
      const bool prepaid = plan.charge_type == "PREPAID";
      call.lifecycle.begin_at(*plan.terminate_at,
                              prepaid ? "instance.isolate" : "instance.terminate", instance);
    }
    ids.push_back(instance.id);
  }
  return Reply().add("InstanceIdSet", ids);
}

const Actions instance_run_actions = {
    {"RunInstances", RunInstances},
};

}  // namespace cvm
