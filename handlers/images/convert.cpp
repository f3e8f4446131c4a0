// Switching the system of instances to another.
#include <algorithm>

#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

// CentOS 7 and 8 become TencentOS in place, by way of the automation agent. DryRun only tells what
// each could become.
static Reply ConvertOperatingSystems(Call& call) {
  Json targets = Json::array();
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  std::vector<std::pair<Operation, Json>> conversions;
  for (Resource& instance : instances) {
    const Json& doc = instance.doc;
    const auto image = find_image(call, doc.at("ImageId").get<std::string>());
    if (doc.at("InstanceState") != "RUNNING")
      throw Error{"UnsupportedOperation.InstanceStateNotRunning", "InstanceIds", instance.id, {}};
    const Operation conversion = call.lifecycle.prepare("instance.convert_os", instance);
    if (is_windows(doc))
      throw Error{"UnsupportedOperation.InstanceOsWindows", "InstanceIds", instance.id, {}};
    const bool own_system = image != nullptr && image->doc.at("OsName") == doc.at("OsName");
    if (!own_system || image->converts_to.empty()) {
      throw Error{"UnsupportedOperation.InstanceOsConvertOsNotSupport", "InstanceIds", instance.id,
                  "Its system is `" + doc.at("OsName").get<std::string>() + "`."};
    }
    const Json agent = instance.hidden.value(
        "/EnhancedService/AutomationService/Enabled"_json_pointer, Json(true));
    if (agent == false)
      throw Error{"UnsupportedOperation.TatAgentNotOnline", "InstanceIds", instance.id, {}};
    const Json& target = image->converts_to.front();
    if (std::find(targets.begin(), targets.end(), target) == targets.end())
      targets.push_back(target);
    conversions.emplace_back(conversion, target);
  }
  if (call.args.flag("DryRun"))
    return Reply().add("SupportTargetOSList", targets).add("TaskId", nullptr);
  for (auto& [conversion, target] : conversions) {
    conversion.begin({{"OsName", "TencentOS Server " +
                                     target.at("TargetOSVersion").get<std::string>() + " 64bit"}});
  }
  const std::uint64_t task = 10000000 + call.store.random_stream().below(90000000);
  return Reply().add("SupportTargetOSList", nullptr).add("TaskId", std::to_string(task));
}

const Actions image_convert_actions = {
    {"ConvertOperatingSystems", ConvertOperatingSystems},
};

}  // namespace cvm
