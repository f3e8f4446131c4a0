// Looking at instances.
#include "handlers/common.h"
#include "handlers/registry.h"

namespace cvm {

static Reply DescribeInstances(Call& call) {
  return describe(call, kinds::instance,
                  {.ids = "InstanceIds", .id_filter = "instance-id", .set = "InstanceSet"});
}

static Reply DescribeInstancesStatus(Call& call) {
  return describe(call, kinds::instance,
                  {.ids = "InstanceIds",
                   .id_filter = "",
                   .set = "InstanceStatusSet",
                   .members = {"InstanceId", "InstanceState"}});
}

const Actions instance_describe_actions = {
    {"DescribeInstances", DescribeInstances},
    {"DescribeInstancesStatus", DescribeInstancesStatus},
};

}  // namespace cvm
