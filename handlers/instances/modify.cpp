// What is noted about instances: names, host names, user data, roles, protection, projects.
#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

// What is asked for, as a patch of each instance's document.
Json wanted_attributes(const Call& call) {
  const Args& args = call.args;
  Json patch = Json::object(), hidden = Json::object();
  if (args.given("InstanceName")) patch["InstanceName"] = args.text("InstanceName");
  if (args.given("SecurityGroups"))
    patch["SecurityGroupIds"] = checked_security_groups(call, call.args, "SecurityGroups");
  if (args.given("CamRoleName")) {
    require_role_name(call.args);
    patch["CamRoleName"] = args.text("CamRoleName");
    if (args.given("CamRoleType")) hidden["CamRoleType"] = args.text("CamRoleType");
  }
  if (args.given("DisableApiTermination"))
    patch["DisableApiTermination"] = args.flag("DisableApiTermination");
  if (args.given("UserData")) hidden["UserData"] = args.text("UserData");
  if (args.given("HostName")) hidden["HostName"] = args.text("HostName");
  if (!hidden.empty()) patch["hidden"] = hidden;
  return patch;
}

}  // namespace

// A new host name restarts the instance, unless AutoReboot says no.
static Reply ModifyInstancesAttribute(Call& call) {
  const Args& args = call.args;
  const Json patch = wanted_attributes(call);
  if (patch.empty()) {
    throw Error{"MissingParameter", "InstanceName`, `SecurityGroups", "",
                "One attribute must be given."};
  }
  const bool renames_host = args.given("HostName");
  const bool restarts = renames_host && args.flag("AutoReboot");
  const char* step = restarts ? "instance.change_host_name" : "instance.modify";
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare(step, instance);
    if (renames_host) {
      require_charged(instance);
      require_host_name(call, args.text("HostName"), is_windows(instance.doc));
    }
    if (args.flag("DisableApiTermination") && is_to_be_terminated(call, instance)) {
      throw Error{"UnsupportedOperation.InvalidInstanceNotSupportedProtectedInstance",
                  "DisableApiTermination",
                  instance.id,
                  {}};
    }
    operation.begin(patch);
  }
  return {};
}

static Reply ModifyInstancesProject(Call& call) {
  const std::int64_t project = call.args.integer("ProjectId");
  require_project(project, "ProjectId");
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    call.lifecycle.begin("instance.change_project", instance,
                         {{"Placement", {{"ProjectId", project}}}});
  }
  return {};
}

const Actions instance_modify_actions = {
    {"ModifyInstancesAttribute", ModifyInstancesAttribute},
    {"ModifyInstancesProject", ModifyInstancesProject},
};

}  // namespace cvm
