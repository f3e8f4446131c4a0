// Making images: of an instance, of snapshots, of a file.
#include <algorithm>

#include "handlers/images/images.h"
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

constexpr std::int64_t imported_gb = 50;  // Nobody reads the file.

// A public image whose system is called so, or nothing.
std::shared_ptr<const Image> offered_with(const Call& call, const Json& os_name) {
  for (const auto& image : call.catalog.images()) {
    if (image->doc.at("OsName") == os_name) return image;
  }
  return nullptr;
}

// The image that the instance was made from says most of its system, unless it is gone, or the
// system was converted.
Json system_of(const Call& call, const Json& instance) {
  const auto os_name = instance.at("OsName").get<std::string>();
  auto image = find_image(call, instance.at("ImageId").get<std::string>());
  if (image == nullptr || image->doc.at("OsName") != os_name) image = offered_with(call, os_name);
  Json system = image != nullptr ? system_of(*image)
                                 : Json({{"OsName", os_name},
                                         {"Platform", os_name.substr(0, os_name.find(' '))},
                                         {"IsSupportCloudinit", true},
                                         {"ConvertsTo", Json::array()}});
  system["Architecture"] = type_of(call, instance)->family->architecture;
  for (const char* member : {"LicenseType", "DefaultLoginUser", "DefaultLoginPort"})
    system[member] = instance.at(member);
  return system;
}

// Its system disk, and the data disks that the call names.
Json disks_of(const Call& call, const Resource& instance) {
  const Json& system = instance.doc.at("SystemDisk");
  const Json& data = instance.doc.at("DataDisks");
  Json disks = {{{"DiskUsage", "SYSTEM_DISK"}, {"DiskSize", system.at("DiskSize")}}};
  const std::string parameter = "DataDiskIds";
  for (const std::string& id : call.args.texts(parameter)) {
    if (system.at("DiskId") == id)
      throw Error{"InvalidParameter.DataDiskIdContainsRootDisk", parameter, id, {}};
    const auto disk = std::find_if(data.begin(), data.end(),
                                   [&](const Json& one) { return one.at("DiskId") == id; });
    if (disk == data.end()) {
      throw Error{"InvalidParameter.DataDiskNotBelongSpecifiedInstance", parameter, id,
                  "The instance is `" + instance.id + "`."};
    }
    if (is_local(*disk)) throw Error{"InvalidParameter.LocalDataDiskNotSupport", parameter, id, {}};
    disks.push_back({{"DiskUsage", "DATA_DISK"}, {"DiskSize", disk->at("DiskSize")}});
  }
  return disks;
}

// One that is still being taken, with its image, is of no use yet.
void require_taken(const Call& call, const Resource& snapshot) {
  for (const std::string& id :
       call.store.referring("image", "SnapshotSet/*/SnapshotId", snapshot.id).ids) {
    const auto state = call.store.get("image", id).doc.at("ImageState").get<std::string>();
    if (one_of(state, {"CREATING", "IMPORTING", "SYNCING"})) {
      throw Error{"ResourceUnavailable.SnapshotCreating", "SnapshotIds", snapshot.id,
                  "The image `" + id + "` is `" + state + "`."};
    }
  }
}

void plan_snapshots(const Call& call, ImagePlan& plan) {
  const std::string parameter = "SnapshotIds";
  plan.snapshots = Json::array();
  for (const std::string& id : call.args.texts(parameter)) {
    const auto snapshot = call.store.find("snapshot", id);
    if (!snapshot) throw Error{"InvalidParameter.SnapshotNotFound", parameter, id, {}};
    if (snapshot->doc.at("DiskUsage") == "SYSTEM_DISK") {
      if (!plan.system.is_null())
        throw Error{"InvalidParameter.DuplicateSystemSnapshots", parameter, id, {}};
      plan.system = snapshot->hidden.at("System");
    }
    require_taken(call, *snapshot);
    plan.snapshots.push_back(snapshot->doc);
  }
  if (plan.system.is_null()) {
    throw Error{"InvalidParameter.SystemSnapshotNotFound",
                parameter,
                call.args.texts(parameter).front(),
                {}};
  }
}

// `http://host/path`
bool is_address(const std::string& url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const std::size_t slash = url.find('/', scheme.size());
    return slash != url.npos && slash > scheme.size() && slash + 1 < url.size();
  }
  return false;
}

void require_importable(const Call& call) {
  const Args& args = call.args;
  const std::string os = args.text("OsType"), version = args.text("OsVersion"),
                    url = args.text("ImageUrl");
  const Json& known = call.catalog.imports().at("ImportImageOsVersionSet");
  const auto entry = std::find_if(known.begin(), known.end(),
                                  [&](const Json& one) { return one.at("OsName") == os; });
  if (entry == known.end()) throw Error{"InvalidImageOsType.Unsupported", "OsType", os, {}};
  const auto versions = entry->at("OsVersions").get<std::vector<std::string>>();
  if (!contains(versions, "-") && !contains(versions, version)) {
    throw Error{"InvalidImageOsVersion.Unsupported", "OsVersion", version,
                "`" + os + "` has " + entry->at("OsVersions").dump() + "."};
  }
  if (!is_address(url))
    throw Error{"InvalidParameter.InvalidParameterUrlError", "ImageUrl", url, {}};
  if (lower_case(url).ends_with(".iso") && !args.flag("Force"))
    throw Error{"InvalidParameterValue.ISOMustImportByForce", "ImageUrl", url, {}};
  const auto modes = call.catalog.imports().at("BootModes").get<std::vector<std::string>>();
  if (args.given("BootMode") && !contains(modes, args.text("BootMode")))
    throw Error{"InvalidParameterValue.InvalidBootMode", "BootMode", args.text("BootMode"), {}};
}

// A public image of the same make tells how one logs in.
Json imported_system(const Call& call) {
  const std::string os = call.args.text("OsType"), version = call.args.text("OsVersion"),
                    architecture = call.args.text("Architecture");
  const std::string platform = os.starts_with("Windows") ? "Windows" : os;
  const auto& offered = call.catalog.images();
  const auto alike = std::find_if(offered.begin(), offered.end(), [&](const auto& image) {
    return image->doc.at("Platform") == platform;
  });
  Json system = {{"OsName", os + (version == "-" ? "" : " " + version) +
                                (architecture == "i386" ? " 32bit" : " 64bit")},
                 {"Platform", platform},
                 {"Architecture", architecture},
                 {"LicenseType", call.args.text("LicenseType")},
                 {"IsSupportCloudinit", true},
                 {"DefaultLoginUser", "root"},
                 {"DefaultLoginPort", 22},
                 {"ConvertsTo", Json::array()}};
  if (alike == offered.end()) return system;
  system["IsSupportCloudinit"] = (*alike)->doc.at("IsSupportCloudinit");
  system["DefaultLoginUser"] = (*alike)->login_user;
  system["DefaultLoginPort"] = (*alike)->login_port;
  return system;
}

Resource create_from_instance(Call& call, ImagePlan& plan) {
  Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  const bool off = lower_case(call.args.text("ForcePoweroff")) == "true";
  Operation operation =
      call.lifecycle.prepare(off ? "instance.image_powered_off" : "instance.image", instance);
  require_charged(instance);
  const Json disks = disks_of(call, instance);
  RandomStream random = call.store.random_stream();
  plan.system = system_of(call, instance.doc);
  // Its keys stay in the system: none of them can be deleted as long as the image is there.
  const Json& keys = instance.doc.at("LoginSettings").at("KeyIds");
  if (!keys.empty()) plan.hidden["KeyIds"] = keys;
  plan.snapshots = make_snapshots(call.store, random, disks, plan.system);
  Resource image = make_image(call, call.store, "image.create", random, plan);
  operation.begin();
  return image;
}

}  // namespace

static Reply CreateImage(Call& call) {
  const Args& args = call.args;
  if (args.given("DataDiskIds") && !args.given("InstanceId")) {
    throw Error{"InvalidParameter.InvalidDependence", "DataDiskIds",
                args.texts("DataDiskIds").front(), "They are disks of `InstanceId`."};
  }
  if (!args.given("InstanceId") && !args.given("SnapshotIds"))
    throw Error{"InvalidParameter.SpecifyOneParameter", "InstanceId`, `SnapshotIds", "", {}};
  ImagePlan plan = plan_image(call);
  if (args.given("InstanceId")) return Reply().add("ImageId", create_from_instance(call, plan).id);
  plan_snapshots(call, plan);
  RandomStream random = call.store.random_stream();
  return Reply().add("ImageId", make_image(call, call.store, "image.create", random, plan).id);
}

// The answer does not name the image: clients find it by its name.
static Reply ImportImage(Call& call) {
  ImagePlan plan = plan_image(call);
  require_importable(call);
  RandomStream random = call.store.random_stream();
  plan.source = "EXTERNAL_IMPORT";
  plan.system = imported_system(call);
  plan.snapshots = make_snapshots(
      call.store, random, {{{"DiskUsage", "SYSTEM_DISK"}, {"DiskSize", imported_gb}}}, plan.system);
  make_image(call, call.store, "image.import", random, plan);
  return {};
}

const Actions image_create_actions = {
    {"CreateImage", CreateImage},
    {"ImportImage", ImportImage},
};

}  // namespace cvm
