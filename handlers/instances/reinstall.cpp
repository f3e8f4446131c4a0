// What changes a machine itself: its system, its type, its password, its disks.
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

// The system disk is written anew; disks, addresses, name and tags stay. It runs afterwards, even
// if it was stopped.
static Reply ResetInstance(Call& call) {
  const Args& args = call.args;
  Resource instance = call.store.get("instance", args.text("InstanceId"));
  Operation operation = call.lifecycle.prepare("instance.reset", instance);
  require_charged(instance);
  const Reinstallation plan = checked_reinstallation(call, instance);
  const Json& image = plan.image->doc;
  if (args.given("HostName")) {
    require_host_name(call, args.text("HostName"), image.at("Platform") == "Windows");
  }
  Json hidden = Json::object();
  if (args.given("UserData")) hidden["UserData"] = args.text("UserData");
  if (args.given("HostName")) hidden["HostName"] = args.text("HostName");
  if (args.given("EnhancedService")) hidden["EnhancedService"] = args.json().at("EnhancedService");
  operation.begin({{"ImageId", image.at("ImageId")},
                   {"OsName", image.at("OsName")},
                   {"SystemDisk", {{"DiskSize", plan.system_disk_gb}}},
                   {"LoginSettings", {{"KeyIds", args.object("LoginSettings").texts("KeyIds")}}},
                   {"DefaultLoginUser", plan.image->login_user},
                   {"DefaultLoginPort", plan.image->login_port},
                   {"StopChargingMode", "NOT_APPLICABLE"},
                   {"hidden", hidden}});
  return {};
}

static Reply ResetInstancesType(Call& call) {
  const std::int64_t degrades_max = call.quotas.get(call.store.tenant(), "instance_degrades");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare("instance.change_type", instance);
    require_stopped(instance, call.args.flag("ForceStop"));
    const InstanceType& to = checked_type_change(call, instance);
    std::int64_t degrades = instance.hidden.value("Degrades", std::int64_t{0});
    if (to.hour_price_usd < type_of(call, instance.doc)->hour_price_usd &&
        ++degrades > degrades_max) {
      throw Error{"InvalidInstance.NotSupported", "InstanceIds", instance.id,
                  "It was downgraded " + std::to_string(degrades_max) + " times already."};
    }
    RandomStream random = call.store.random_stream();
    operation.begin({{"InstanceType", to.id},
                     {"CPU", to.cpu},
                     {"Memory", to.memory_gb},
                     {"GPUInfo", gpu_info(to, random)},
                     {"hidden", {{"Degrades", degrades}}}});
  }
  return {};
}

static Reply ResetInstancesPassword(Call& call) {
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  std::vector<Operation> operations;
  bool windows = false;
  for (Resource& instance : instances) {
    operations.push_back(call.lifecycle.prepare("instance.reset_password", instance));
    require_charged(instance);
    require_stopped(instance, call.args.flag("ForceStop"));
    windows = windows || is_windows(instance.doc);
  }
  require_new_password(call, windows);
  for (Operation& operation : operations) operation.begin();
  return {};
}

static Reply ResizeInstanceDisks(Call& call) {
  Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  Operation operation = call.lifecycle.prepare("instance.resize_disks", instance);
  require_charged(instance);
  require_stopped(instance, call.args.flag("ResizeOnline") || call.args.flag("ForceStop"));
  operation.begin(checked_growth(call, instance).patch);
  return {};
}

const Actions instance_reset_actions = {
    {"ResetInstance", ResetInstance},
    {"ResetInstancesType", ResetInstancesType},
    {"ResetInstancesPassword", ResetInstancesPassword},
    {"ResizeInstanceDisks", ResizeInstanceDisks},
};

}  // namespace cvm
