// How instances are paid for: renewing them, renewing them by themselves, and buying months ahead
// for what was paid by the hour.
#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

static Reply ModifyInstancesRenewFlag(Call& call) {
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare("instance.change_renew_flag", instance);
    require_charge_type(call, instance, "PREPAID");
    operation.begin({{"RenewFlag", call.args.text("RenewFlag")}});
  }
  return {};
}

// The months are added to those that are paid already. What has been isolated comes back, stopped.
static Reply RenewInstances(Call& call) {
  const Args prepaid = call.args.object("InstanceChargePrepaid");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    const bool isolated = instance.doc.at("InstanceState") == "SHUTDOWN";
    const char* step = isolated ? "instance.recover" : "instance.renew";
    Operation operation = call.lifecycle.prepare(step, instance);
    require_charge_type(call, instance, "PREPAID");
    const Time paid = expiry_of(instance.doc).value();
    const int months = static_cast<int>(prepaid.integer("Period"));
    Json patch = {{"ExpiredTime", iso8601(add_months(std::max(paid, call.now), months))},
                  {"hidden", {{"Period", months}}}};
    if (prepaid.given("RenewFlag")) patch["RenewFlag"] = prepaid.text("RenewFlag");
    operation.begin(patch);
  }
  return {};
}

static Reply ModifyInstancesChargeType(Call& call) {
  const Args prepaid = call.args.object("InstanceChargePrepaid");
  const std::string charge_type = call.args.text("InstanceChargeType");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare("instance.change_charge_type", instance);
    require_hourly(call, instance);
    const Time end = add_months(call.now, static_cast<int>(prepaid.integer("Period")));
    operation.begin({{"InstanceChargeType", charge_type},
                     {"RenewFlag", prepaid.text("RenewFlag")},
                     {"ExpiredTime", iso8601(end)},
                     {"StopChargingMode", "NOT_APPLICABLE"},
                     {"hidden", {{"Period", prepaid.integer("Period")}}}});
  }
  return {};
}

const Actions instance_charge_actions = {
    {"ModifyInstancesRenewFlag", ModifyInstancesRenewFlag},
    {"RenewInstances", RenewInstances},
    {"ModifyInstancesChargeType", ModifyInstancesChargeType},
};

}  // namespace cvm
