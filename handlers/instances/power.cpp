// Switching instances on and off, and giving them back. What a step takes and where it ends is in
// fixtures/lifecycle.json; a batch is undone whole if one instance refuses.
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

static Reply StartInstances(Call& call) {
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    call.lifecycle.begin("instance.start", instance, {{"StopChargingMode", "NOT_APPLICABLE"}});
  }
  return {};
}

static Reply StopInstances(Call& call) {
  if (call.args.flag("ForceStop") && call.args.given("StopType") &&
      call.args.text("StopType") == "SOFT") {
    refuse(call, {"InvalidParameterCombination", "InvalidParameterValue"}, "ForceStop", "true",
           "`StopType` is `SOFT`.");
  }
  const std::string mode = call.args.text("StoppedMode");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare("instance.stop", instance);
    if (mode == "STOP_CHARGING" && (instance.doc.at("InstanceChargeType") != "POSTPAID_BY_HOUR" ||
                                    has_local_disks(instance.doc))) {
      throw Error{"UnsupportedOperation.StoppedModeStopCharging", "InstanceIds", instance.id,
                  "Only pay-as-you-go instances on cloud disks can stop being charged."};
    }
    const bool hourly = instance.doc.at("InstanceChargeType") == "POSTPAID_BY_HOUR";
    operation.begin({{"StopChargingMode", hourly ? mode : "NOT_APPLICABLE"}});
  }
  return {};
}

static Reply RebootInstances(Call& call) {
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    call.lifecycle.begin("instance.reboot", instance);
  }
  return {};
}

// Pay-as-you-go instances vanish when the step ends. Prepaid ones are isolated first and destroyed
// by a second call.
static Reply TerminateInstances(Call& call) {
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  const auto is_prepaid = [](const Resource& instance) {
    return instance.doc.at("InstanceChargeType") == "PREPAID";
  };
  for (Resource& instance : instances) {
    const bool prepaid = is_prepaid(instance);
    if (prepaid != is_prepaid(instances.front())) {
      throw Error{"UnsupportedOperation.InstanceMixedPricingModel", "InstanceIds", instance.id, {}};
    }
    const bool isolated = instance.doc.at("InstanceState") == "SHUTDOWN";
    const char* step = prepaid && !isolated ? "instance.isolate" : "instance.terminate";
    Operation operation = call.lifecycle.prepare(step, instance);
    if (instance.doc.at("DisableApiTermination") == true) {
      throw Error{"UnsupportedOperation.InstancesProtected", "InstanceIds", instance.id, {}};
    }
    operation.begin();
  }
  return {};
}

// The rescue system is a Linux for x86. Leaving it, the instance is what it was before.
static Reply EnterRescueMode(Call& call) {
  Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  Operation operation = call.lifecycle.prepare("instance.enter_rescue", instance);
  require_charged(instance);
  if (type_of(call, instance.doc)->family->architecture == "arm64")
    throw Error{"UnsupportedOperation.ArmArchitecture", "InstanceId", instance.id, {}};
  require_login_password(call, "Password", call.args.text("Password"), is_windows(instance.doc));
  const Json before = {{"InstanceState", instance.doc.at("InstanceState")},
                       {"StopChargingMode", instance.doc.at("StopChargingMode")}};
  operation.begin({{"StopChargingMode", "NOT_APPLICABLE"}, {"hidden", {{"BeforeRescue", before}}}});
  return {};
}

static Reply ExitRescueMode(Call& call) {
  Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  call.lifecycle.begin("instance.exit_rescue", instance,
                       instance.hidden.value("BeforeRescue", Json{{"InstanceState", "RUNNING"}}));
  return {};
}

const Actions instance_operate_actions = {
    {"StartInstances", StartInstances},   {"StopInstances", StopInstances},
    {"RebootInstances", RebootInstances}, {"TerminateInstances", TerminateInstances},
    {"EnterRescueMode", EnterRescueMode}, {"ExitRescueMode", ExitRescueMode},
};

}  // namespace cvm
