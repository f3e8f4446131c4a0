// Spread placement groups, and moving instances in and out of them. An instance's document says
// which group it is in; what a group says of its instances is worked out when it is asked for.
#include "handlers/placement_groups.h"

#include <utility>

#include "handlers/describe.h"
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr const char* move_step = "instance.change_placement";

// The instances in a group, and those on their way in: they are not shown yet, but have their
// place.
References instances_of(const Call& call, const std::string& group) {
  return call.store.referring("instance", "DisasterRecoverGroupId", group);
}

// How many instances a group of a type may have: HOST, SW or RACK.
std::int64_t room_in(const Call& call, const std::string& type) {
  return call.quotas.get(call.store.tenant(), lower_case(type) + "_group_instances");
}

// Writes what is true of a group at this moment.
void complete(Call& call, Json& group) {
  const std::string id = group.at("DisasterRecoverGroupId").get<std::string>();
  const References instances = instances_of(call, id);
  group["CvmQuotaTotal"] = room_in(call, group.at("Type").get<std::string>());
  group["CurrentNum"] = instances.ids.size();
  group["InstanceIds"] = instances.ids;
  // Who waits for a group to change waits for these.
  call.lifecycle.show(instances.ids);
  call.lifecycle.show(instances.pending);
}

Operation checked_move(const Call& call, Resource& instance, const Resource& group) {
  const Operation move = call.lifecycle.prepare(move_step, instance);
  require_charged(instance);
  if (instance.doc.at("DisasterRecoverGroupId") == group.id) {
    throw Error{"FailedOperation.AlreadyInDisasterRecoverGroup", "InstanceIds", instance.id,
                "The group is `" + group.id + "`."};
  }
  if (call.args.flag("Force") && has_local_disks(instance.doc)) {
    throw Error{"InvalidParameterValue.NotSupported", "Force", "true",
                "The instance `" + instance.id + "` has disks of its host."};
  }
  return move;
}

}  // namespace

Resource require_placement_group(const Call& call, const std::string& id,
                                 std::string_view parameter) {
  auto found = call.store.find("placement_group", id);
  if (!found) {
    refuse(call,
           {"FailedOperation.DisasterRecoverGroupNotFound", "ResourceNotFound.InvalidPlacementSet"},
           std::string(parameter), id);
  }
  return std::move(*found);
}

void require_room(const Call& call, const Resource& group, std::int64_t more,
                  std::string_view parameter) {
  const std::int64_t room = room_in(call, group.doc.at("Type").get<std::string>());
  const std::int64_t taken = instances_of(call, group.id).count();
  if (taken + more <= room) return;
  throw Error{"ResourceInsufficient.DisasterRecoverGroupCvmQuota", std::string(parameter), group.id,
              "It has " + std::to_string(taken) + " of " + std::to_string(room) + "."};
}

static Reply CreateDisasterRecoverGroup(Call& call) {
  const Args& args = call.args;
  const Json tags = tags_for(call, call.args, "ps");
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "placement_groups");
  if (call.store.count("placement_group") >= quota) {
    throw Error{"ResourceInsufficient.InsufficientGroupQuota", "", "",
                "The quota in this region is " + std::to_string(quota) + "."};
  }
  const std::string name = args.text("Name"), type = args.text("Type");
  const std::int64_t room = room_in(call, type);
  RandomStream random = call.store.random_stream();
  const Resource group = call.store.create("placement_group", random,
                                           {{"DisasterRecoverGroupId", ""},
                                            {"Name", name},
                                            {"Type", type},
                                            {"CvmQuotaTotal", room},
                                            {"CurrentNum", 0},
                                            {"InstanceIds", Json::array()},
                                            {"CreateTime", iso8601(call.now)},
                                            {"Tags", tags},
                                            {"Affinity", args.integer("Affinity")}});
  return Reply()
      .add("DisasterRecoverGroupId", group.id)
      .add("Type", type)
      .add("Name", name)
      .add("CvmQuotaTotal", room)
      .add("CurrentNum", 0)
      .add("CreateTime", date_time(call.now));
}

// A part of the name is enough, which no index finds; there are only as many groups as the quota
// lets an account have.
static Reply DescribeDisasterRecoverGroups(Call& call) {
  const std::string part = call.args.text("Name");
  return describe(call, {.kind = "placement_group",
                         .ids = "DisasterRecoverGroupIds",
                         .set = "DisasterRecoverGroupSet",
                         .only =
                             [&](const Json& group) {
                               const auto& name = group.at("Name").get_ref<const std::string&>();
                               return name.find(part) != std::string::npos;
                             },
                         .compute = [&](Json& group) { complete(call, group); }});
}

static Reply DescribeDisasterRecoverGroupQuota(Call& call) {
  const std::int64_t in_switch = room_in(call, "SW");
  return Reply()
      .add("GroupQuota", call.quotas.get(call.store.tenant(), "placement_groups"))
      .add("CurrentNum", call.store.count("placement_group"))
      .add("CvmInHostGroupQuota", room_in(call, "HOST"))
      .add("CvmInSwGroupQuota", in_switch)
      .add("CvmInRackGroupQuota", room_in(call, "RACK"))
      .add("CvmInSwitchGroupQuota", in_switch);
}

static Reply ModifyDisasterRecoverGroupAttribute(Call& call) {
  Resource group = call.store.get("placement_group", call.args.text("DisasterRecoverGroupId"));
  group.doc["Name"] = call.args.text("Name");
  call.store.save(group);
  return {};
}

// Instances on their way in keep a group, too: they would end up in one that is gone.
static Reply DeleteDisasterRecoverGroups(Call& call) {
  for (const Resource& group : load(call, "placement_group", "DisasterRecoverGroupIds")) {
    if (instances_of(call, group.id).count() > 0) {
      throw Error{"FailedOperation.PlacementSetNotEmpty", "DisasterRecoverGroupIds", group.id, {}};
    }
    call.store.erase(group);
  }
  return {};
}

static Reply ModifyInstancesDisasterRecoverGroup(Call& call) {
  const std::string parameter = "DisasterRecoverGroupId", id = call.args.text(parameter);
  if (id.empty()) throw Error{"MissingParameter", parameter, "", {}};
  const Resource group = require_placement_group(call, id, parameter);
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  std::vector<Operation> moves;
  for (Resource& instance : instances) moves.push_back(checked_move(call, instance, group));
  require_room(call, group, static_cast<std::int64_t>(instances.size()), parameter);
  for (Operation& move : moves) move.begin({{"DisasterRecoverGroupId", id}});
  return {};
}

static Reply DeleteInstancesDisasterRecoverGroups(Call& call) {
  const std::vector<std::string> groups = call.args.texts("DisasterRecoverGroupIds");
  for (const std::string& id : groups) require_placement_group(call, id, "DisasterRecoverGroupIds");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation move = call.lifecycle.prepare(move_step, instance);
    const Json& group = instance.doc.at("DisasterRecoverGroupId");
    if (!group.is_string() || !contains(groups, group.get_ref<const std::string&>())) {
      throw Error{"InvalidInstance.NotSupported", "InstanceIds", instance.id,
                  "It is in none of these groups."};
    }
    move.begin({{"DisasterRecoverGroupId", ""}});
  }
  return {};
}

const Actions placement_group_actions = {
    {"CreateDisasterRecoverGroup", CreateDisasterRecoverGroup},
    {"DescribeDisasterRecoverGroups", DescribeDisasterRecoverGroups},
    {"DescribeDisasterRecoverGroupQuota", DescribeDisasterRecoverGroupQuota},
    {"ModifyDisasterRecoverGroupAttribute", ModifyDisasterRecoverGroupAttribute},
    {"DeleteDisasterRecoverGroups", DeleteDisasterRecoverGroups},
    {"ModifyInstancesDisasterRecoverGroup", ModifyInstancesDisasterRecoverGroup},
    {"DeleteInstancesDisasterRecoverGroups", DeleteInstancesDisasterRecoverGroups},
};

}  // namespace cvm
