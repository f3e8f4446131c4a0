// Binding instances to security groups, which belong to another service: well-formed ones are taken
// as existing.
#include <algorithm>

#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

// Binding what is bound already changes nothing.
static Reply AssociateSecurityGroups(Call& call) {
  const std::string group = call.args.texts("SecurityGroupIds").front();
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    auto groups = instance.doc.at("SecurityGroupIds").get<std::vector<std::string>>();
    if (!contains(groups, group)) groups.push_back(group);
    if (groups.size() > security_groups_max) {
      throw Error{"LimitExceeded.AssociateUSGLimitExceeded", "SecurityGroupIds", instance.id,
                  "At most " + std::to_string(security_groups_max) + " are allowed."};
    }
    call.lifecycle.begin("instance.change_security_groups", instance,
                         {{"SecurityGroupIds", groups}});
  }
  return {};
}

// An instance keeps at least one group.
static Reply DisassociateSecurityGroups(Call& call) {
  const std::string group = call.args.texts("SecurityGroupIds").front();
  for (Resource& instance : load(call, "instance", "InstanceIds")) {
    Operation operation = call.lifecycle.prepare("instance.change_security_groups", instance);
    auto groups = instance.doc.at("SecurityGroupIds").get<std::vector<std::string>>();
    if (!contains(groups, group)) {
      throw Error{"FailedOperation.SecurityGroupActionFailed", "SecurityGroupIds", group,
                  "The instance `" + instance.id + "` is not bound to it."};
    }
    if (groups.size() == 1) {
      throw Error{"UnsupportedOperation", "SecurityGroupIds", group,
                  "It is the last group of the instance `" + instance.id + "`."};
    }
    std::erase(groups, group);
    operation.begin({{"SecurityGroupIds", groups}});
  }
  return {};
}

const Actions security_group_actions = {
    {"AssociateSecurityGroups", AssociateSecurityGroups},
    {"DisassociateSecurityGroups", DisassociateSecurityGroups},
};

}  // namespace cvm
