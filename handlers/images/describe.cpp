// Looking at images: the account's own, those that others share, and the public ones.
#include "handlers/describe.h"

#include "handlers/images/images.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

// What an image is to the account that looks, and what happens to it now, no index knows.
Description described_images(Call& call) {
  Description images{.kind = "image", .ids = "ImageIds", .set = "ImageSet"};
  images.compute = [&call](Json& image) { complete_image(call, image); };
  images.computed = {"image-type", "image-state", "tag-key", "tag-value", "tag:*"};
  for (const auto& image : call.catalog.images()) images.listed.push_back(&image->doc);
  return images;
}

}  // namespace

static Reply DescribeImages(Call& call) {
  Description images = described_images(call);
  if (call.args.given("InstanceType")) {
    const std::string name = call.args.text("InstanceType");
    if (!well_formed_type(name)) {
      refuse(call, {"InvalidInstanceType.Malformed", "InvalidParameterValue"}, "InstanceType",
             name);
    }
    const InstanceType* type = call.catalog.instance_type(name);
    if (type == nullptr)
      refuse(call, {"InvalidParameterValue.InstanceTypeNotFound", "InvalidParameterValue"},
             "InstanceType", name);
    images.only = [type](const Json& image) { return type->boots(image); };
  }
  return describe(call, images);
}

// Of images made at the same time, the account's own last one comes first.
static Reply DescribeImageFromFamily(Call& call) {
  const std::string family = call.args.text("ImageFamily");
  std::vector<Json> images;
  Query everything;
  everything.limit = call.store.count("image");
  for (Json& own : Json::parse("[" + call.store.page("image", everything).texts + "]"))
    images.push_back(std::move(own));
  for (const Resource& shared : call.store.granted("image")) images.push_back(shared.doc);
  for (const auto& offered : call.catalog.images()) images.push_back(offered->doc);
  Json newest;
  for (Json& image : images) {
    if (family.empty() || image.at("ImageFamily") != family || image.at("ImageDeprecated") == true)
      continue;
    complete_image(call, image);
    if (!one_of(image.at("ImageState").get<std::string>(), {"NORMAL", "USING"})) continue;
    if (newest.is_null() || image.at("CreatedTime") > newest.at("CreatedTime"))
      newest = std::move(image);
  }
  return Reply().add("Image", newest);
}

static Reply DescribeImageQuota(Call& call) {
  return Reply().add("ImageNumQuota", call.quotas.get(call.store.tenant(), "images"));
}

static Reply DescribeImportImageOs(Call& call) {
  Reply reply;
  for (const char* member : {"ImportImageOsListSupported", "ImportImageOsVersionSet"})
    reply.add(member, call.catalog.imports().at(member));
  return reply;
}

const Actions image_describe_actions = {
    {"DescribeImages", DescribeImages},
    {"DescribeImageFromFamily", DescribeImageFromFamily},
    {"DescribeImageQuota", DescribeImageQuota},
    {"DescribeImportImageOs", DescribeImportImageOs},
};

}  // namespace cvm
