// Images: for now the public ones, which every account sees in every region; and switching the
// system of instances to another.
#include <algorithm>

#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

// Which member of an Image a filter looks at; tags need more than one.
std::string member_of(const std::string& filter) {
  if (filter == "image-id") return "ImageId";
  if (filter == "image-type") return "ImageType";
  if (filter == "image-name") return "ImageName";
  if (filter == "platform") return "Platform";
  if (filter == "image-state") return "ImageState";
  return {};
}

bool passes(const Json& image, const std::vector<Filter>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
    const std::string member = member_of(filter.attribute);
    if (member.empty()) return false;  // Public images carry no tags.
    return contains(filter.values, image.at(member).get_ref<const std::string&>());
  });
}

}  // namespace

static Reply DescribeImages(Call& call) {
  const std::vector<std::string> ids = call.args.texts("ImageIds");
  const std::vector<Filter> filters = filters_of(call);
  std::string architecture;
  if (call.args.given("InstanceType")) {
    const std::string name = call.args.text("InstanceType");
    if (!well_formed_type(name)) {
      refuse(call, {"InvalidInstanceType.Malformed", "InvalidParameterValue"}, "InstanceType",
             name);
    }
    const InstanceType* type = call.state.catalog().instance_type(name);
    if (type == nullptr)
      refuse(call, {"InvalidParameterValue.InstanceTypeNotFound", "InvalidParameterValue"},
             "InstanceType", name);
    architecture = type->family->architecture;
  }
  const std::int64_t offset = call.args.integer("Offset"), limit = call.args.integer("Limit");
  std::int64_t total = 0;
  std::vector<std::string> page;
  for (const PublicImage& image : call.state.catalog().images()) {
    const bool asked =
        ids.empty() || contains(ids, image.doc.at("ImageId").get_ref<const std::string&>());
    const bool runs = architecture.empty() || image.doc.at("Architecture") == architecture;
    if (!asked || !runs || !passes(image.doc, filters)) continue;
    if (total >= offset && total < offset + limit) page.push_back(image.doc.dump());
    ++total;
  }
  Reply reply;
  reply.list("ImageSet", page).add("TotalCount", total);
  return reply;
}

// CentOS 7 and 8 become TencentOS in place, by way of the automation agent. DryRun only tells what
// each could become.
static Reply ConvertOperatingSystems(Call& call) {
  Json targets = Json::array();
  std::vector<std::pair<Resource, Json>> plans;
  for (Resource& instance : load(call, kinds::instance, "InstanceIds")) {
    const Json& doc = instance.doc;
    const PublicImage* image = call.state.catalog().image(doc.at("ImageId").get<std::string>());
    if (doc.at("InstanceState") != "RUNNING")
      throw Error{"UnsupportedOperation.InstanceStateNotRunning", "InstanceIds", instance.id, {}};
    call.lifecycle.require("instance.convert_os", instance);
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
    plans.emplace_back(std::move(instance), target);
  }
  if (call.args.flag("DryRun"))
    return Reply().add("SupportTargetOSList", targets).add("TaskId", nullptr);
  for (auto& [instance, target] : plans) {
    call.lifecycle.begin(
        "instance.convert_os", instance,
        {{"OsName",
          "TencentOS Server " + target.at("TargetOSVersion").get<std::string>() + " 64bit"}});
  }
  const std::uint64_t task = 10000000 + call.store.random_stream().below(90000000);
  return Reply().add("SupportTargetOSList", nullptr).add("TaskId", std::to_string(task));
}

const Actions image_actions = {
    {"DescribeImages", DescribeImages},
    {"ConvertOperatingSystems", ConvertOperatingSystems},
};

}  // namespace cvm
