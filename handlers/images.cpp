// Images: for now the public ones, which every account sees in every region.
#include <algorithm>

#include "handlers/common.h"
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

const Actions image_actions = {
    {"DescribeImages", DescribeImages},
};

}  // namespace cvm
