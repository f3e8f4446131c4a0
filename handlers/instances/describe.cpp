// Looking at instances.
#include "handlers/describe.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

static Reply DescribeInstances(Call& call) {
  return describe(call, {.kind = "instance", .ids = "InstanceIds", .set = "InstanceSet"});
}

static Reply DescribeInstancesStatus(Call& call) {
  return describe(call, {.kind = "instance",
                         .ids = "InstanceIds",
                         .set = "InstanceStatusSet",
                         .members = {"InstanceId", "InstanceState"}});
}

static Reply DescribeInstancesAttributes(Call& call) {
  Json set = Json::array();
  for (const Resource& instance : load(call, "instance", "InstanceIds")) {
    Json attributes = Json::object();
    for (const std::string& name : call.args.texts("Attributes"))
      attributes[name] = instance.hidden.value(name, "");
    set.push_back({{"Attributes", attributes}, {"InstanceId", instance.id}});
  }
  return Reply().add("InstanceSet", set);
}

static Reply DescribeInstancesOperationLimit(Call& call) {
  const std::int64_t most = call.quotas.get(call.store.tenant(), "instance_degrades");
  Json set = Json::array();
  for (const Resource& instance : load(call, "instance", "InstanceIds")) {
    set.push_back({{"Operation", call.args.text("Operation")},
                   {"InstanceId", instance.id},
                   {"CurrentCount", instance.hidden.value("Degrades", std::int64_t{0})},
                   {"LimitCount", most}});
  }
  return Reply().add("InstanceOperationLimitSet", set);
}

// Percent-encoded, to be put behind the console page's address. Its host is nobody's, and each call
// gives another one.
static Reply DescribeInstanceVncUrl(Call& call) {
  Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  call.lifecycle.prepare("instance.open_console", instance);
  return Reply().add("InstanceVncUrl", "wss%3A%2F%2F" + call.region.id +
                                           ".vnc.invalid%3A26789%2Fvnc%3Fs%3D" +
                                           call.store.random_stream().uuid());
}

const Actions instance_describe_actions = {
    {"DescribeInstances", DescribeInstances},
    {"DescribeInstancesStatus", DescribeInstancesStatus},
    {"DescribeInstancesAttributes", DescribeInstancesAttributes},
    {"DescribeInstancesOperationLimit", DescribeInstancesOperationLimit},
    {"DescribeInstanceVncUrl", DescribeInstanceVncUrl},
};

}  // namespace cvm
