// An image belongs to the account and region that made it; what others share is only seen.
#include "handlers/images/images.h"

#include <algorithm>

#include "handlers/lookup.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

bool is_in_use(const Call& call, const std::string& id) {
  Query launching;
  launching.filters = {{"image-id", {id}}, {"instance-state", {"PENDING"}}};
  launching.limit = 1;
  return call.store.page("instance", launching).total > 0 ||
         !call.store.referring("instance", "image-id", id).pending.empty();
}

// By the clock, from its beginning to when it is going to end. One that never ends does not grow.
std::int64_t sync_percent(const Call& call, const std::string& id) {
  const auto image = call.store.find_visible("image", id);
  if (!image) return 0;
  const auto began = parse_iso8601(image->hidden.value("SyncStarted", ""));
  const auto due = call.lifecycle.due(*image);
  if (!began || !due || *due <= *began) return 0;
  return std::clamp<std::int64_t>((call.now - *began) * 100 / (*due - *began), 0, 99);
}

}  // namespace

std::string image_state(const Call& call, const Json& image) {
  auto state = image.at("ImageState").get<std::string>();
  if (state != "NORMAL" || !is_in_use(call, image.at("ImageId").get<std::string>())) return state;
  return "USING";
}

void complete_image(const Call& call, Json& image) {
  if (image.at("ImageType") == "PUBLIC_IMAGE") return;
  if (image.at("ImageCreator") != call.store.tenant().account) {
    image["ImageType"] = "SHARED_IMAGE";
    image["Tags"] = Json::array();  // They are the owner's.
  }
  image["ImageState"] = image_state(call, image);
  if (image.at("ImageState") == "SYNCING")
    image["SyncPercent"] = sync_percent(call, image.at("ImageId").get<std::string>());
}

Resource require_own_image(const Call& call, const std::string& id, std::string_view parameter) {
  if (auto own = call.store.find("image", id)) return std::move(*own);
  if (!call.store.granted("image", id).empty()) {
    refuse(call,
           {"InvalidParameterValue.InvalidImageIdIsShared",
            "UnsupportedOperation.SharedImageExportUnsupported",
            "UnauthorizedOperation.ImageNotBelongToAccount", "InvalidImageId.NotFound"},
           std::string(parameter), id);
  }
  if (call.catalog.image(id) != nullptr) {
    refuse(call,
           {"UnsupportedOperation.PublicImageExportUnsupported",
            "InvalidParameterValue.InvalidImageId", "UnauthorizedOperation.ImageNotBelongToAccount",
            "InvalidImageId.NotFound"},
           std::string(parameter), id, "It is a public image.");
  }
  throw Error{"InvalidImageId.NotFound", std::string(parameter), id, {}};
}

Operation prepare_image(const Call& call, std::string_view step, Resource& image) {
  Resource seen = image;
  seen.doc["ImageState"] = image_state(call, image.doc);
  call.lifecycle.prepare(step, seen);
  return call.lifecycle.prepare(step, image);
}

void require_image_name(const Store& there, const std::string& name) {
  if (there.taken("image", "image-name", name))
    throw Error{"InvalidImageName.Duplicate", "ImageName", name, {}};
}

void require_image_room(const Call& call, const Store& there) {
  const std::int64_t quota = call.quotas.get(there.tenant(), "images");
  if (there.count("image") < quota) return;
  throw Error{"ImageQuotaLimitExceeded", "", "",
              "The quota in `" + there.tenant().region + "` is " + std::to_string(quota) + "."};
}

Json system_of(const Image& image) {
  Json system = Json::object();
  for (const char* member :
       {"OsName", "Platform", "Architecture", "LicenseType", "IsSupportCloudinit"})
    system[member] = image.doc.at(member);
  system["DefaultLoginUser"] = image.login_user;
  system["DefaultLoginPort"] = image.login_port;
  system["ConvertsTo"] = image.converts_to;
  return system;
}

Json make_snapshots(Store& there, RandomStream& random, const Json& disks, const Json& system) {
  Json set = Json::array();
  for (const Json& disk : disks) {
    Json hidden = Json::object();
    if (disk.at("DiskUsage") == "SYSTEM_DISK") hidden["System"] = system;
    set.push_back(there
                      .create("snapshot", random,
                              {{"SnapshotId", ""},
                               {"DiskUsage", disk.at("DiskUsage")},
                               {"DiskSize", disk.at("DiskSize")}},
                              std::move(hidden))
                      .doc);
  }
  return set;
}

ImagePlan plan_image(const Call& call) {
  ImagePlan plan;
  plan.name = call.args.text("ImageName");
  plan.description = call.args.text("ImageDescription");
  plan.family = call.args.text("ImageFamily");
  plan.tags = tags_for(call, call.args, "image");
  require_image_name(call.store, plan.name);
  require_image_room(call, call.store);
  return plan;
}

// In the order of the API's Image.
Resource make_image(const Call& call, Store& there, std::string_view step, RandomStream& random,
                    const ImagePlan& plan) {
  const Json& system = plan.system;
  const auto disk = std::find_if(plan.snapshots.begin(), plan.snapshots.end(), [](const Json& one) {
    return one.at("DiskUsage") == "SYSTEM_DISK";
  });
  Json hidden = plan.hidden;
  for (const char* member : {"DefaultLoginUser", "DefaultLoginPort", "ConvertsTo"})
    hidden[member] = system.at(member);
  return call.lifecycle.create_in(there, step, "image", random,
                                  {{"ImageId", ""},
                                   {"OsName", system.at("OsName")},
                                   {"ImageType", "PRIVATE_IMAGE"},
                                   {"CreatedTime", iso8601(call.now)},
                                   {"ImageName", plan.name},
                                   {"ImageDescription", plan.description},
                                   {"ImageSize", disk->at("DiskSize")},
                                   {"Architecture", system.at("Architecture")},
                                   {"ImageState", ""},
                                   {"Platform", system.at("Platform")},
                                   {"ImageCreator", there.tenant().account},
                                   {"ImageSource", plan.source},
                                   {"SyncPercent", nullptr},
                                   {"IsSupportCloudinit", system.at("IsSupportCloudinit")},
                                   {"SnapshotSet", plan.snapshots},
                                   {"Tags", plan.tags},
                                   {"LicenseType", system.at("LicenseType")},
                                   {"ImageFamily", plan.family},
                                   {"ImageDeprecated", false}},
                                  std::move(hidden));
}

}  // namespace cvm
