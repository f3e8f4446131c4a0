// Spread placement groups, and moving instances in and out of them. An instance's document says
// which group it is in; what a group says of its instances is worked out when it is asked for.
#include "handlers/placement_groups.h"

#include <limits>
#include <utility>

#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr const char* move_step = "instance.change_placement";
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

// The ids of the instances in a group, the newest first.
std::vector<std::string> members_of(const Call& call, const std::string& group) {
  Query inside;
  inside.filters = {{"disaster-recover-group-id", {group}}};
  inside.limit = no_limit;
  inside.members = {"InstanceId"};
  return call.store.page(kinds::instance, inside).ids;
}

// Those on their way in: they are not shown yet, but have their place.
std::vector<std::string> coming_to(const Call& call, const std::string& group) {
  const std::string member = "DisasterRecoverGroupId";
  std::vector<std::string> coming;
  for (const auto& [now, then] : call.store.becoming(kinds::instance, member)) {
    if (then.at(member) == group) coming.push_back(now.at("InstanceId").get<std::string>());
  }
  return coming;
}

// How many instances a group of a type may have: HOST, SW or RACK.
std::int64_t room_in(const Call& call, const std::string& type) {
  return call.state.quotas().get(call.store.tenant(), lower_case(type) + "_group_instances");
}

// A group's document with what is true at this moment.
Json present(Call& call, Json group) {
  const std::string id = group.at("DisasterRecoverGroupId").get<std::string>();
  const std::vector<std::string> members = members_of(call, id), coming = coming_to(call, id);
  group["CvmQuotaTotal"] = room_in(call, group.at("Type").get<std::string>());
  group["CurrentNum"] = members.size();
  group["InstanceIds"] = members;
  // Who waits for a group to change waits for these.
  call.shown.insert(call.shown.end(), members.begin(), members.end());
  call.shown.insert(call.shown.end(), coming.begin(), coming.end());
  return group;
}

void require_movable(const Call& call, const Resource& instance, const Resource& group) {
  call.lifecycle.require(move_step, instance);
  require_charged(instance);
  if (instance.doc.at("DisasterRecoverGroupId") == group.id) {
    throw Error{"FailedOperation.AlreadyInDisasterRecoverGroup", "InstanceIds", instance.id,
                "The group is `" + group.id + "`."};
  }
  if (call.args.flag("Force") && has_local_disks(instance.doc)) {
    throw Error{"InvalidParameterValue.NotSupported", "Force", "true",
                "The instance `" + instance.id + "` has disks of its host."};
  }
}

}  // namespace

Resource require_placement_group(const Call& call, const std::string& id,
                                 std::string_view parameter) {
  auto found = call.store.find(kinds::placement_group, id);
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
  const auto taken = static_cast<std::int64_t>(members_of(call, group.id).size() +
                                               coming_to(call, group.id).size());
  if (taken + more <= room) return;
  throw Error{"ResourceInsufficient.DisasterRecoverGroupCvmQuota", std::string(parameter), group.id,
              "It has " + std::to_string(taken) + " of " + std::to_string(room) + "."};
}

static Reply CreateDisasterRecoverGroup(Call& call) {
  const Args& args = call.args;
  const Json tags = tags_for(call, "ps");
  const std::int64_t quota = call.state.quotas().get(call.store.tenant(), "placement_groups");
  if (call.store.count(kinds::placement_group) >= quota) {
    throw Error{"ResourceInsufficient.InsufficientGroupQuota", "", "",
                "The quota in this region is " + std::to_string(quota) + "."};
  }
  const std::string name = args.text("Name"), type = args.text("Type");
  const std::int64_t room = room_in(call, type);
  RandomStream random = call.store.random_stream();
  const Resource group = call.store.create(kinds::placement_group, random,
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
  Query query = query_of(call);
  const std::int64_t offset = std::exchange(query.offset, 0);
  const std::int64_t limit = std::exchange(query.limit, no_limit);
  if (call.args.given("DisasterRecoverGroupIds"))
    query.ids = call.args.texts("DisasterRecoverGroupIds");
  const std::string part = call.args.text("Name");
  const std::string texts = call.store.page(kinds::placement_group, query).texts;
  Json set = Json::array();
  std::int64_t total = 0;
  for (Json& group : Json::parse("[" + texts + "]")) {
    if (group.at("Name").get_ref<const std::string&>().find(part) == std::string::npos) continue;
    if (total >= offset && total - offset < limit) set.push_back(present(call, std::move(group)));
    ++total;
  }
  return Reply().add("DisasterRecoverGroupSet", set).add("TotalCount", total);
}

static Reply DescribeDisasterRecoverGroupQuota(Call& call) {
  const std::int64_t in_switch = room_in(call, "SW");
  return Reply()
      .add("GroupQuota", call.state.quotas().get(call.store.tenant(), "placement_groups"))
      .add("CurrentNum", call.store.count(kinds::placement_group))
      .add("CvmInHostGroupQuota", room_in(call, "HOST"))
      .add("CvmInSwGroupQuota", in_switch)
      .add("CvmInRackGroupQuota", room_in(call, "RACK"))
      .add("CvmInSwitchGroupQuota", in_switch);
}

static Reply ModifyDisasterRecoverGroupAttribute(Call& call) {
  Resource group = call.store.get(kinds::placement_group, call.args.text("DisasterRecoverGroupId"));
  group.doc["Name"] = call.args.text("Name");
  call.store.save(group);
  return {};
}

// Instances on their way in keep a group, too: they would end up in one that is gone.
static Reply DeleteDisasterRecoverGroups(Call& call) {
  for (const Resource& group : load(call, kinds::placement_group, "DisasterRecoverGroupIds")) {
    if (call.store.any(kinds::instance, "disaster-recover-group-id", group.id) ||
        !coming_to(call, group.id).empty()) {
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
  std::vector<Resource> instances = load(call, kinds::instance, "InstanceIds");
  for (const Resource& instance : instances) require_movable(call, instance, group);
  require_room(call, group, static_cast<std::int64_t>(instances.size()), parameter);
  for (Resource& instance : instances)
    call.lifecycle.begin(move_step, instance, {{"DisasterRecoverGroupId", id}});
  return {};
}

static Reply DeleteInstancesDisasterRecoverGroups(Call& call) {
  const std::vector<std::string> groups = call.args.texts("DisasterRecoverGroupIds");
  for (const std::string& id : groups) require_placement_group(call, id, "DisasterRecoverGroupIds");
  for (Resource& instance : load(call, kinds::instance, "InstanceIds")) {
    call.lifecycle.require(move_step, instance);
    const Json& group = instance.doc.at("DisasterRecoverGroupId");
    if (!group.is_string() || !contains(groups, group.get_ref<const std::string&>())) {
      throw Error{"InvalidInstance.NotSupported", "InstanceIds", instance.id,
                  "It is in none of these groups."};
    }
    call.lifecycle.begin(move_step, instance, {{"DisasterRecoverGroupId", ""}});
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
