// Looking at instances.
#include "handlers/lookup.h"
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

static Reply DescribeInstancesAttributes(Call& call) {
  Json set = Json::array();
  for (const Resource& instance : load(call, kinds::instance, "InstanceIds")) {
    Json attributes = Json::object();
    for (const std::string& name : call.args.texts("Attributes"))
      attributes[name] = instance.hidden.value(name, "");
    set.push_back({{"Attributes", attributes}, {"InstanceId", instance.id}});
  }
  return Reply().add("InstanceSet", set);
}

static Reply DescribeInstancesOperationLimit(Call& call) {
  const std::int64_t most = call.state.quotas().get(call.store.tenant(), "instance_degrades");
  Json set = Json::array();
  for (const Resource& instance : load(call, kinds::instance, "InstanceIds")) {
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
  const Resource instance = call.store.get(kinds::instance, call.args.text("InstanceId"));
  call.lifecycle.require("instance.open_console", instance);
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
