// Images on their way: copied to other regions, written to buckets.
#include <set>

#include "handlers/images/images.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

// One's own images go elsewhere; encrypted copies, and copies of what others share, stay here.
void require_destination(const Call& call, const std::string& region, bool shared, bool encrypt) {
  const std::string parameter = "DestinationRegions";
  const Region* found = call.catalog.region(region);
  if (found == nullptr) throw Error{"InvalidRegion.NotFound", parameter, region, {}};
  if (found->state != "AVAILABLE") throw Error{"InvalidRegion.Unavailable", parameter, region, {}};
  const bool here = region == call.region.id;
  if (encrypt && !here)
    throw Error{"UnsupportedOperation.SyncEncryptImageNotSupport", parameter, region,
                "Encrypted copies are made in the image's own region."};
  if (here == (shared || encrypt)) return;
  throw Error{
      "InvalidParameterValue.InvalidRegion", parameter, region,
      shared ? "A shared image is copied in its own region." : "The image is in this region."};
}

Resource copy_image(const Call& call, const Resource& image, Store& there,
                    const std::string& name) {
  const auto text = [&](const char* member) { return image.doc.at(member).get<std::string>(); };
  ImagePlan plan;
  plan.name = name;
  plan.description = text("ImageDescription");
  plan.family = text("ImageFamily");
  plan.source = text("ImageSource");
  plan.system = system_of(*Image::stored(image.doc, image.hidden));
  RandomStream random = there.random_stream();
  plan.snapshots = make_snapshots(there, random, image.doc.at("SnapshotSet"), plan.system);
  plan.hidden["SyncStarted"] = iso8601(call.now);
  if (call.args.flag("Encrypt")) plan.hidden["Encrypted"] = true;
  return make_image(call, there, "image.copy", random, plan);
}

// How many calls of ExportImages are still at work.
std::int64_t export_tasks(const Call& call) {
  Query exporting;
  exporting.filters = {{"image-state", {"EXPORTING"}}};
  exporting.limit = call.store.count("image");
  std::set<std::int64_t> tasks;
  for (const std::string& id : call.store.page("image", exporting).ids)
    tasks.insert(call.store.get("image", id).hidden.value("ExportTask", std::int64_t{0}));
  return static_cast<std::int64_t>(tasks.size());
}

void require_exportable(const Resource& image) {
  const auto platform = lower_case(image.doc.at("Platform").get<std::string>());
  const std::string parameter = "ImageIds";
  if (platform == "windows")
    throw Error{"UnsupportedOperation.WindowsImageExportUnsupported", parameter, image.id, {}};
  if (platform == "redhat")
    throw Error{"UnsupportedOperation.RedHatImageExportUnsupported", parameter, image.id, {}};
  if (image.hidden.value("Encrypted", false))
    throw Error{"UnsupportedOperation.EncryptedImagesNotSupported", parameter, image.id, {}};
}

// One file for each disk.
void add_paths(const Call& call, const Resource& image, const std::string& prefix, Json& paths) {
  const std::string ending = "." + lower_case(call.args.text("ExportFormat"));
  for (const Json& disk : image.doc.at("SnapshotSet")) {
    const bool system = disk.at("DiskUsage") == "SYSTEM_DISK";
    if (!system && call.args.flag("OnlyExportRootDisk")) continue;
    paths.push_back("/" + prefix + (system ? "_system_" : "_data_") +
                    disk.at("SnapshotId").get<std::string>() + ending);
  }
}

}  // namespace

// The copies are there at once, SYNCING as their source is; what another account shares stays as
// it is.
static Reply SyncImages(Call& call) {
  const Args& args = call.args;
  const std::string id = args.texts("ImageIds").front();
  std::vector<Resource> shared = call.store.granted("image", id);
  Resource image =
      shared.empty() ? require_own_image(call, id, "ImageIds") : std::move(shared.front());
  const bool encrypt = args.flag("Encrypt");
  if (args.given("KmsKeyId") && !encrypt) {
    throw Error{"InvalidParameter.InvalidKmsKeyId", "KmsKeyId", args.text("KmsKeyId"),
                "`Encrypt` is not set."};
  }
  Operation sync = prepare_image(call, "image.sync", image);
  if (image.hidden.value("Encrypted", false))
    throw Error{"UnsupportedOperation.EncryptedImagesNotSupported", "ImageIds", id, {}};
  const std::string name = args.given("ImageName") ? args.text("ImageName")
                                                   : image.doc.at("ImageName").get<std::string>();
  Json copies = Json::array();
  for (const std::string& region : args.texts("DestinationRegions")) {
    require_destination(call, region, !shared.empty(), encrypt);
    Store there = call.store.in_region(region);
    require_image_name(there, name);
    require_image_room(call, there);
    copies.push_back({{"ImageId", copy_image(call, image, there, name).id}, {"Region", region}});
  }
  if (shared.empty()) {
    image.hidden["SyncStarted"] = iso8601(call.now);
    sync.begin();
  }
  return Reply().add("ImageSet", args.flag("ImageSetRequired") ? copies : Json::array());
}

// Whether the bucket is there, nobody knows; a name that cannot be one's is not.
static Reply ExportImages(Call& call) {
  const Args& args = call.args;
  const std::vector<std::string> ids = args.texts("ImageIds"),
                                 prefixes = args.texts("FileNamePrefixList");
  if (ids.empty()) throw Error{"InvalidParameter.ImageIdsSnapshotIdsMustOne", "ImageIds", "", {}};
  if (!prefixes.empty() && prefixes.size() != ids.size()) {
    throw Error{"InvalidParameterValue.InvalidFileNamePrefixList", "FileNamePrefixList",
                std::to_string(prefixes.size()),
                "There are " + std::to_string(ids.size()) + " images."};
  }
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "image_export_tasks");
  if (export_tasks(call) >= quota) {
    throw Error{"LimitExceeded.ExportImageTaskLimitExceeded", "", "",
                "The limit is " + std::to_string(quota) + "."};
  }
  const auto task =
      static_cast<std::int64_t>(100'000'000 + call.store.random_stream().below(900'000'000));
  Json paths = Json::array();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Resource image = require_own_image(call, ids[i], "ImageIds");
    Operation exporting = prepare_image(call, "image.export", image);
    require_exportable(image);
    add_paths(call, image, prefixes.empty() ? image.id : prefixes[i], paths);
    image.hidden["ExportTask"] = task;
    exporting.begin();
  }
  return Reply().add("TaskId", task).add("CosPaths", paths);
}

const Actions image_transfer_actions = {
    {"SyncImages", SyncImages},
    {"ExportImages", ExportImages},
};

}  // namespace cvm
