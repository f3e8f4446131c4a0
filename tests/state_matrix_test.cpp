// Every action on instances in every state that an instance can have: what the model documents is
// what happens, and the few cells where the pages are silent or contradict themselves are listed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "handlers/registry.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

const std::string refusal_stem = "UnsupportedOperation.InstanceState";

// What an action needs besides the instance. ForceStop where it lets a running instance be changed.
const std::map<std::string, Json, std::less<>> needs = {
    {"StartInstances", Json::object()},
    {"StopInstances", Json::object()},
    {"RebootInstances", Json::object()},
    {"TerminateInstances", Json::object()},
    {"ResetInstance", Json::object()},
    {"ResetInstancesType", {{"InstanceType", "S5.LARGE8"}, {"ForceStop", true}}},
    {"ResetInstancesPassword", {{"Password", "abc123ABC!@#"}, {"ForceStop", true}}},
    {"ResizeInstanceDisks", {{"SystemDisk", {{"DiskSize", 60}}}, {"ForceStop", true}}},
    {"ModifyInstancesAttribute", {{"InstanceName", "web"}}},
    {"ModifyInstancesProject", {{"ProjectId", 1045}}},
    {"ModifyInstancesRenewFlag", {{"RenewFlag", "NOTIFY_AND_AUTO_RENEW"}}},
    {"ModifyInstancesVpcAttribute",
     {{"VirtualPrivateCloud", {{"VpcId", "vpc-1urkhbj4"}, {"SubnetId", "subnet-dcs9x3gz"}}}}},
    {"ResetInstancesInternetMaxBandwidth",
     {{"InternetAccessible", {{"InternetMaxBandwidthOut", 10}}}}},
    {"EnterRescueMode", {{"Password", "abc123ABC!@#"}}},
    {"ExitRescueMode", Json::object()},
    {"DescribeInstanceVncUrl", Json::object()},
    {"AssociateSecurityGroups", {{"SecurityGroupIds", {"sg-9id3l839"}}}},
    {"DisassociateSecurityGroups", {{"SecurityGroupIds", {"sg-efil73jd"}}}},
    {"ConvertOperatingSystems", Json::object()},
    {"AssociateInstancesKeyPairs", {{"KeyIds", {"$key"}}, {"ForceStop", true}}},
    {"DisassociateInstancesKeyPairs", {{"KeyIds", {"$key"}}, {"ForceStop", true}}},
    {"RenewInstances", {{"InstanceChargePrepaid", {{"Period", 1}}}}},
    {"ModifyInstancesChargeType",
     {{"InstanceChargeType", "PREPAID"}, {"InstanceChargePrepaid", {{"Period", 1}}}}},
    {"ModifyInstancesDisasterRecoverGroup", {{"DisasterRecoverGroupId", "$group"}}},
    {"DeleteInstancesDisasterRecoverGroups", {{"DisasterRecoverGroupIds", {"$group"}}}},
    {"CreateImage", {{"ImageName", "$name"}}},
};

// Prepaid instances for what only they can do.
bool needs_prepaid(const std::string& action) {
  return action == "RenewInstances" || action == "ModifyInstancesRenewFlag";
}

const Member* instance_member(const Action& action) {
  for (const char* name : {"InstanceId", "InstanceIds"}) {
    const Member* member = action.in.find(name);
    // Images are made of snapshots, too.
    if (member != nullptr && (member->required || action.name == "CreateImage")) return member;
  }
  return nullptr;
}

// From the model: what takes instances and has to do with their states.
std::vector<const Action*> instance_actions() {
  std::vector<const Action*> found;
  for (const auto& [name, action] : model().actions()) {
    if (registry().find(name) == nullptr || instance_member(action) == nullptr) continue;
    const bool looks = name.starts_with("Describe") || action.category == "prices";
    const bool has_states =
        std::any_of(action.errors.begin(), action.errors.end(),
                    [](const std::string& code) { return code.starts_with(refusal_stem); });
    if (!looks || (has_states && action.category != "prices")) found.push_back(&action);
  }
  return found;
}

std::string camel(const std::string& state) {
  std::string text;
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (state[i] == '_') continue;
    const bool first = i == 0 || state[i - 1] == '_';
    text += first ? state[i] : static_cast<char>(std::tolower(state[i]));
  }
  return text;
}

bool documents(const Action& action, const std::string& code) {
  return std::binary_search(action.errors.begin(), action.errors.end(), code);
}

// Pages that list a state which the action takes: because of ForceStop and ResizeOnline, which the
// request has or has not, or (StartInstances) by mistake.
const std::set<std::pair<std::string_view, std::string_view>> taken = {
    {"StartInstances", "STOPPED"},
    {"ModifyInstancesVpcAttribute", "RUNNING"},
    {"ResetInstancesPassword", "RUNNING"},
    {"ResetInstancesType", "RUNNING"},
    {"ResizeInstanceDisks", "RUNNING"},
    {"ResizeInstanceDisks", "STOPPED"},
    {"AssociateInstancesKeyPairs", "RUNNING"},
    {"DisassociateInstancesKeyPairs", "RUNNING"},
};

// Where no code of the page names the state, an instance at rest is taken, and one on its way
// somewhere is not.
std::string expected_idle(const Action& action, const std::string& state) {
  if (taken.contains({action.name, state})) return "";
  const std::string not_running = refusal_stem + "NotRunning";
  if (documents(action, not_running)) return state == "RUNNING" ? "" : not_running;
  std::string refusal = refusal_stem + camel(state);
  if (documents(action, refusal)) return refusal;
  for (const char* rest : {"RUNNING", "STOPPED", "SHUTDOWN", "RESCUE_MODE"}) {
    if (state == rest) return "";
  }
  if (documents(action, "InvalidInstance.NotSupported")) return "InvalidInstance.NotSupported";
  // Security groups are bound from outside: only an instance that is being made cannot take part.
  return state == "PENDING" ? "UnsupportedOperation" : "";
}

std::string expected(const Action& action, const std::string& state, bool busy) {
  std::string idle = expected_idle(action, state);
  if (!busy || idle.starts_with(refusal_stem)) return idle;
  for (const char* code : {"OperationDenied.InstanceOperationInProgress",
                           "MutexOperation.TaskRunning", "InvalidInstance.NotSupported"}) {
    if (documents(action, code)) return code;
  }
  return "OperationDenied.InstanceOperationInProgress";
}

class Bench {
 public:
  Bench() {
    group_ = emulator_.call("CreateDisasterRecoverGroup",
                            {{"Name", "matrix"}, {"Type", "HOST"}})["DisasterRecoverGroupId"];
    key_ = emulator_.call("CreateKeyPair",
                          {{"KeyName", "matrix"}, {"ProjectId", 0}})["KeyPair"]["KeyId"];
  }

  // An instance that is in a state, with an operation under way or not.
  std::string instance(const std::string& action, const std::string& state, bool busy) {
    Json params = {{"ImageId", "img-8toqc6s3"},
                   {"InstanceType", "S5.MEDIUM4"},
                   {"Placement", {{"Zone", "ap-guangzhou-3"}}},
                   {"SecurityGroupIds", {"sg-efil73jd", "sg-12345678"}}};
    if (needs_prepaid(action)) {
      params["InstanceChargeType"] = "PREPAID";
      params["InstanceChargePrepaid"] = {{"Period", 1}};
    }
    if (action == "DisassociateInstancesKeyPairs") params["LoginSettings"] = {{"KeyIds", {key_}}};
    std::string id = emulator_.call("RunInstances", params)["InstanceIdSet"][0];
    emulator_.advance(std::chrono::seconds{2});
    if (action == "DeleteInstancesDisasterRecoverGroups") {
      emulator_.call("ModifyInstancesDisasterRecoverGroup",
                     {{"InstanceIds", {id}}, {"DisasterRecoverGroupId", group_}});
      emulator_.advance(std::chrono::seconds{2});
    }
    emulator_.admin("POST", "instances/" + id + "/state",
                    {{"state", state}, {"latest_operation_state", busy ? "OPERATING" : "SUCCESS"}});
    return id;
  }

  std::string outcome(const Action& action, const std::string& id) {
    Json params = needs.at(action.name);
    const Member& member = *instance_member(action);
    params[member.name] = member.list ? Json::array({id}) : Json(id);
    if (params.contains("DisasterRecoverGroupId")) params["DisasterRecoverGroupId"] = group_;
    if (params.contains("ImageName")) params["ImageName"] = id;  // Another one each time.
    if (params.contains("DisasterRecoverGroupIds")) params["DisasterRecoverGroupIds"] = {group_};
    if (params.contains("KeyIds")) params["KeyIds"] = {key_};
    return emulator_.code(action.name, params);
  }

 private:
  Emulator emulator_;
  std::string group_, key_;  // What `needs` calls $group and $key.
};

}  // namespace

TEST(StateMatrix, EveryActionInEveryState) {
  const Member& states = *model().shape("Instance")->find("InstanceState");
  ASSERT_EQ(states.values.size(), 15U);
  const auto actions = instance_actions();
  EXPECT_GE(actions.size(), 22U);
  Bench bench;
  for (const Action* action : actions) {
    ASSERT_TRUE(needs.contains(action->name)) << action->name << " has no row in `needs`";
    for (const std::string& state : states.values) {
      for (const bool busy : {false, true}) {
        const std::string id = bench.instance(action->name, state, busy);
        EXPECT_EQ(bench.outcome(*action, id), expected(*action, state, busy))
            << action->name << " in " << state << (busy ? ", busy" : "");
      }
    }
  }
}

}  // namespace cvm::test
