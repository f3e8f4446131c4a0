// The documented limits of disks (reference: SystemDisk, DataDisk, RunInstances).
#include "handlers/instances/disks.h"

#include <algorithm>

#include "handlers/instances/checks.h"
#include "handlers/lookup.h"

namespace cvm {

namespace {

constexpr std::int64_t system_disk_min_gb = 20, system_disk_max_gb = 2048;
constexpr std::int64_t data_disk_min_gb = 10, data_disk_max_gb = 32000,
                       cloud_ssd_data_disk_min_gb = 100;
constexpr std::int64_t growth_step_gb = 10;
constexpr std::int64_t cloud_data_disks_max = 20, local_data_disks_max = 1;

void require_disk_type(const Call& call, const InstanceType& instance_type,
                       const std::string& parameter, const std::string& type,
                       const std::vector<std::string>& offered) {
  if (type == "LOCAL_NVME" || type == "LOCAL_PRO") {
    refuse(call, {"UnsupportedOperation.InvalidDisk"}, parameter, type,
           "It comes with the instance type and cannot be asked for.");
  }
  if (!contains(offered, type)) {
    refuse(call, {"UnsupportedOperation.InvalidDisk"}, parameter, type,
           "The instance type is `" + instance_type.id + "`.");
  }
}

void require_size(const std::string& parameter, std::int64_t size, std::int64_t low,
                  std::int64_t high) {
  if (size >= low && size <= high) return;
  throw Error{"InvalidParameterValue.Range", parameter, std::to_string(size),
              "Allowed: " + std::to_string(low) + " to " + std::to_string(high) + " GB."};
}

// The sizes of a disk type: those of the instance type's own list for local disks.
void require_disk_size(const InstanceType& instance_type, const std::string& type,
                       const std::string& parameter, std::int64_t size, std::int64_t low,
                       std::int64_t high) {
  for (const Json& local : instance_type.local_disks) {
    if (local.at("Type") != type) continue;
    low = std::max(low, local.at("MinSize").get<std::int64_t>());
    high = std::min(high, local.at("MaxSize").get<std::int64_t>());
  }
  require_size(parameter, size, low, high);
}

// What is sold where nothing in particular is asked for.
std::string usual_disk(const std::vector<std::string>& offered) {
  return contains(offered, "CLOUD_PREMIUM") ? "CLOUD_PREMIUM" : offered.front();
}

// A DataDisk with everything that is not asked for, in the order of the API.
Json plain_disk(const std::string& type, std::int64_t size) {
  return {{"DiskSize", size},    {"DiskType", type},
          {"DiskId", ""},        {"DeleteWithInstance", true},
          {"SnapshotId", ""},    {"Encrypt", false},
          {"KmsKeyId", nullptr}, {"ThroughputPerformance", 0},
          {"CdcId", nullptr},    {"BurstPerformance", false},
          {"DiskName", ""}};
}

// The disks that the instance type brings along.
void add_required_disks(const InstanceType& instance_type, Json& disks) {
  for (const Json& local : instance_type.local_disks) {
    if (local.at("Required") != "REQUIRED") continue;
    for (std::int64_t i = 0; i < instance_type.storage_blocks; ++i) {
      disks.push_back(
          plain_disk(local.at("Type").get<std::string>(), local.at("MinSize").get<std::int64_t>()));
    }
  }
}

Json data_disk(const Call& call, const InstanceType& instance_type, const Args& disk,
               const std::string& at) {
  const auto& offered = instance_type.family->data_disks;
  std::string type = disk.text("DiskType");
  // The documented default is a local disk; types without one get what is sold for them.
  if (!disk.given("DiskType") && !contains(offered, type)) {
    type = usual_disk(offered);
  }
  require_disk_type(call, instance_type, at + ".DiskType", type, offered);
  const std::int64_t size = disk.integer("DiskSize");
  if (type == "CLOUD_SSD" && size < cloud_ssd_data_disk_min_gb) {
    throw Error{"InvalidParameterValue.CloudSsdDataDiskSizeTooSmall",
                at + ".DiskSize",
                std::to_string(size),
                {}};
  }
  require_disk_size(instance_type, type, at + ".DiskSize", size, data_disk_min_gb,
                    data_disk_max_gb);
  if (size % 10 != 0) {
    throw Error{"InvalidParameterValue", at + ".DiskSize", std::to_string(size),
                "It must be a multiple of 10."};
  }
  const std::int64_t throughput = disk.integer("ThroughputPerformance");
  if (throughput != 0 && type != "CLOUD_TSSD" && type != "CLOUD_HSSD") {
    throw Error{"InvalidParameterCombination", at + ".ThroughputPerformance",
                std::to_string(throughput), "Only CLOUD_TSSD and CLOUD_HSSD disks take it."};
  }
  if (disk.given("KmsKeyId") && !disk.flag("Encrypt")) {
    throw Error{"InvalidParameterCombination", at + ".KmsKeyId", disk.text("KmsKeyId"),
                "`Encrypt` is not set."};
  }
  Json made = plain_disk(type, size);
  for (const char* name : {"DeleteWithInstance", "SnapshotId", "Encrypt", "KmsKeyId",
                           "ThroughputPerformance", "BurstPerformance", "DiskName"}) {
    if (disk.given(name)) made[name] = disk.json().at(name);
  }
  return made;
}

// The one disk that the request means.
const Json& meant_disk(const Call& call, const Resource& instance, const Args& wanted) {
  const Json& disks = instance.doc.at("DataDisks");
  const std::string id = wanted.text("DiskId"), parameter = "DataDisks.0.DiskId";
  if (disks.empty()) {
    refuse(call, {"UnsupportedOperation.InvalidDataDisk", "UnsupportedOperation.InvalidDisk"},
           parameter, id, "The instance `" + instance.id + "` has no data disk.");
  }
  if (id.empty()) {
    if (disks.size() == 1) return disks.front();
    throw Error{"MissingParameter", parameter, "",
                "The instance has " + std::to_string(disks.size()) + " data disks."};
  }
  const auto found = std::find_if(disks.begin(), disks.end(),
                                  [&](const Json& disk) { return disk.at("DiskId") == id; });
  if (found == disks.end()) {
    refuse(call, {"UnsupportedOperation.InvalidDataDisk", "UnsupportedOperation.InvalidDisk"},
           parameter, id, "The instance `" + instance.id + "` has no such disk.");
  }
  return *found;
}

void require_same_type(const Json& disk, const Args& wanted, const std::string& at) {
  const auto type = disk.at("DiskType").get<std::string>();
  if (!wanted.given("DiskType") || wanted.text("DiskType") == type) return;
  throw Error{"InvalidParameterValue", at + ".DiskType", wanted.text("DiskType"),
              "The disk is `" + type + "` and stays so."};
}

// Disks grow and never shrink, and their type stays.
DiskGrowth growth(const Call& call, const Json& disk, const Args& wanted, const std::string& at,
                  std::int64_t most_gb) {
  DiskGrowth grown{
      disk.at("DiskType").get<std::string>(), disk.at("DiskSize").get<std::int64_t>(), 0, {}};
  if (!wanted.given("DiskSize")) throw Error{"MissingParameter", at + ".DiskSize", "", {}};
  grown.to_gb = wanted.integer("DiskSize");
  require_same_type(disk, wanted, at);
  const auto wrong = [&](const std::string& why) {
    refuse(call, {"InvalidParameterValue.Range", "InvalidParameterValue"}, at + ".DiskSize",
           std::to_string(grown.to_gb), why);
  };
  if (grown.to_gb < grown.from_gb || grown.to_gb > most_gb) {
    wrong("Disks only grow: allowed here are " + std::to_string(grown.from_gb) + " to " +
          std::to_string(most_gb) + " GB.");
  }
  return grown;
}

}  // namespace

bool is_local(const Json& disk) {
  return disk.at("DiskType").get_ref<const std::string&>().starts_with("LOCAL_");
}

bool has_local_disks(const Json& instance) {
  const Json& disks = instance.at("DataDisks");
  return is_local(instance.at("SystemDisk")) || std::any_of(disks.begin(), disks.end(), is_local);
}

Json checked_system_disk(const Call& call, const Args& disk, const InstanceType& instance_type,
                         const Image& image) {
  const auto& offered = instance_type.family->system_disks;
  std::string type = disk.text("DiskType");
  if (type.empty()) type = usual_disk(offered);
  require_disk_type(call, instance_type, "SystemDisk.DiskType", type, offered);
  const std::int64_t image_size = image.doc.at("ImageSize").get<std::int64_t>();
  std::int64_t size = disk.integer("DiskSize");
  if (!disk.given("DiskSize")) size = std::max(size, image_size);  // The default has to hold it.
  require_disk_size(instance_type, type, "SystemDisk.DiskSize", size,
                    std::max(system_disk_min_gb, image_size), system_disk_max_gb);
  return {{"DiskType", type},
          {"DiskId", ""},
          {"DiskSize", size},
          {"CdcId", nullptr},
          {"DiskName", disk.text("DiskName")}};
}

Json checked_data_disks(const Call& call, const std::vector<Args>& disks,
                        const InstanceType& instance_type) {
  Json checked = Json::array();
  std::int64_t local = 0, cloud = 0;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    if (disks[i].integer("DiskSize") == 0) continue;  // "No disk", as documented.
    Json disk = data_disk(call, instance_type, disks[i], "DataDisks." + std::to_string(i));
    (is_local(disk) ? local : cloud) += 1;
    checked.push_back(std::move(disk));
  }
  if (local > local_data_disks_max || cloud > cloud_data_disks_max) {
    throw Error{"InvalidParameterValue.LimitExceeded", "DataDisks", std::to_string(local + cloud),
                "At most 1 local and 20 cloud disks can be bought with an instance."};
  }
  add_required_disks(instance_type, checked);
  return checked;
}

std::int64_t system_disk_growth(const Call& call, const Json& disk, const Args& wanted) {
  const std::int64_t size = disk.at("DiskSize").get<std::int64_t>();
  require_same_type(disk, wanted, "SystemDisk");
  if (!wanted.given("DiskSize")) return size;
  if (is_local(disk) && wanted.integer("DiskSize") != size) {
    throw Error{"InvalidParameterValue", "SystemDisk.DiskSize",
                std::to_string(wanted.integer("DiskSize")), "Only cloud disks can grow."};
  }
  return growth(call, disk, wanted, "SystemDisk", system_disk_max_gb).to_gb;
}

DiskGrowth checked_growth(const Call& call, const Resource& instance) {
  if (call.args.flag("ResizeOnline") && instance.doc.at("InstanceState") == "STOPPED") {
    throw Error{"UnsupportedOperation.InstanceStateStopped", "InstanceId", instance.id,
                "Disks grow online while the instance runs."};
  }
  const std::vector<Args> data_disks = call.args.objects("DataDisks");
  const bool system = call.args.given("SystemDisk");
  if (data_disks.empty() && !system)
    throw Error{"MissingParameter.AtLeastOne", "DataDisks`, `SystemDisk", "", {}};
  if (!data_disks.empty() && system) {
    throw Error{"InvalidParameterValue", "SystemDisk", call.args.json().at("SystemDisk").dump(),
                "Either DataDisks or SystemDisk can be given."};
  }
  if (on_dedicated_host(instance.doc) &&
      (system || !is_local(meant_disk(call, instance, data_disks.front())))) {
    refuse(call,
           {"InvalidParameterValue.CdhOnlyLocalDataDiskResize", "InvalidInstance.NotSupported"},
           "InstanceId", instance.id);
  }
  DiskGrowth grown;
  if (system) {
    const Json& disk = instance.doc.at("SystemDisk");
    if (is_local(disk)) {
      refuse(call,
             {"UnsupportedOperation.InvalidDataDisk", "UnsupportedOperation.InvalidDisk",
              "InvalidParameterValue"},
             "SystemDisk", disk.at("DiskType").get<std::string>(), "Only cloud disks can grow.");
    }
    grown = growth(call, disk, call.args.object("SystemDisk"), "SystemDisk", system_disk_max_gb);
    grown.patch = {{"SystemDisk", {{"DiskSize", grown.to_gb}}}};
  } else {
    const Json& disk = meant_disk(call, instance, data_disks.front());
    if (!one_of(disk.at("DiskType").get<std::string>(),
                {"CLOUD_BASIC", "CLOUD_PREMIUM", "CLOUD_SSD"})) {
      refuse(call, {"UnsupportedOperation.InvalidDataDisk", "UnsupportedOperation.InvalidDisk"},
             "DataDisks.0", disk.at("DiskId").get<std::string>(),
             "Disks of the type `" + disk.at("DiskType").get<std::string>() + "` do not grow.");
    }
    grown = growth(call, disk, data_disks.front(), "DataDisks.0", data_disk_max_gb);
    Json disks = instance.doc.at("DataDisks");
    for (Json& other : disks) {
      if (other.at("DiskId") == disk.at("DiskId")) other["DiskSize"] = grown.to_gb;
    }
    grown.patch = {{"DataDisks", std::move(disks)}};
  }
  if (grown.to_gb == grown.from_gb || (grown.to_gb - grown.from_gb) % growth_step_gb != 0) {
    throw Error{"InvalidParameterValue", system ? "SystemDisk.DiskSize" : "DataDisks.0.DiskSize",
                std::to_string(grown.to_gb), "Disks grow in steps of 10 GB."};
  }
  return grown;
}

}  // namespace cvm
