// Reads the catalogue from fixtures/regions.json, instance_types.json, images.json,
// reserved_offerings.json, prices.json, host_types.json and image_imports.json.
#include "state/catalog/catalog.h"

#include <algorithm>

#include "state/base/error.h"
#include "state/base/glob.h"

namespace cvm {

namespace {

std::string text(const Json& entry, const char* member) {
  return entry.at(member).get<std::string>();
}

std::vector<std::string> texts(const Json& entry, const char* member) {
  return entry.at(member).get<std::vector<std::string>>();
}

// What hosts are sold, and what customized types are like.
void check_hosts(const Json& content) {
  for (const auto& [id, host] : content.at("types").items()) {
    for (const char* total : {"CpuTotal", "MemTotal", "DiskTotal", "GpuTotal"})
      host.at(total).get<std::int64_t>();
    text(host, "DiskType");
    host.at("Customized").get<bool>();
    texts(host, "InstanceFamilies");
  }
  const Json& customized = content.at("customized");
  text(customized, "Architecture");
  for (const char* list : {"SystemDiskTypes", "DataDiskTypes"}) texts(customized, list);
  customized.at("LocalDiskTypeList");
}

// Runs `read` on a file's content; what is wrong with it becomes one line that names the file.
template <class Read>
void read_file(const Fixtures& fixtures, const std::string& name, Read read) {
  try {
    read(fixtures.load(name));
  } catch (const Json::exception& problem) {
    throw ConfigError{"fixtures: " + name + ": " + problem.what()};
  }
}

}  // namespace

std::shared_ptr<const Image> Image::stored(const Json& doc, const Json& hidden) {
  return std::make_shared<const Image>(Image{doc, hidden.value("DefaultLoginUser", ""),
                                             hidden.value("DefaultLoginPort", std::int64_t{0}),
                                             hidden.value("ConvertsTo", Json::array())});
}

const Zone* Region::zone(std::string_view zone_id) const {
  const auto found =
      std::find_if(zones.begin(), zones.end(), [&](const Zone& z) { return z.id == zone_id; });
  return found == zones.end() ? nullptr : &*found;
}

bool InstanceType::sold_in(std::string_view zone) const {
  return std::any_of(family->zones.begin(), family->zones.end(),
                     [&](const std::string& glob) { return glob_matches(glob, zone); });
}

bool InstanceType::local_disk(std::string_view disk_type) const {
  return std::any_of(local_disks.begin(), local_disks.end(),
                     [&](const Json& disk) { return disk.at("Type") == disk_type; });
}

bool InstanceType::boots(const Json& image) const {
  const auto& architecture = image.at("Architecture").get_ref<const std::string&>();
  return architecture == family->architecture ||
         (architecture == "i386" && family->architecture == "x86_64");
}

Catalog::Catalog(const Fixtures& fixtures) {
  read_file(fixtures, "regions.json", [&](const Json& content) { read_regions(content); });
  read_file(fixtures, "instance_types.json", [&](const Json& content) { read_types(content); });
  read_file(fixtures, "images.json", [&](const Json& content) { read_images(content); });
  read_file(fixtures, "reserved_offerings.json",
            [&](const Json& content) { read_offerings(content); });
  read_file(fixtures, "prices.json", [&](const Json& content) { read_prices(content); });
  read_file(fixtures, "host_types.json", [&](const Json& content) {
    check_hosts(content);
    prices_["hosts"] = content;
  });
  read_file(fixtures, "image_imports.json", [&](const Json& content) { read_imports(content); });
}

void Catalog::read_regions(const Json& content) {
  for (const auto& [id, entry] : content.items()) {
    Region region{
        id, text(entry, "RegionName"), text(entry, "RegionNameZh"), text(entry, "RegionState"), {}};
    for (const auto& [zone, facts] : entry.at("Zones").items()) {
      region.zones.push_back({zone, text(facts, "ZoneName"), text(facts, "ZoneNameZh"),
                              text(facts, "ZoneId"), text(facts, "ZoneState") == "AVAILABLE"});
    }
    regions_.push_back(std::move(region));
  }
  if (regions_.empty()) throw ConfigError{"fixtures: regions.json: there must be a region"};
}

void Catalog::read_types(const Json& content) {
  for (const auto& [id, entry] : content.at("families").items()) {
    families_.push_back({id, text(entry, "InstanceFamilyName"), text(entry, "InstanceFamilyNameZh"),
                         text(entry, "Architecture"), text(entry, "CpuType"),
                         text(entry, "Frequency"), entry.at("NetworkCard").get<std::int64_t>(),
                         texts(entry, "SystemDiskTypes"), texts(entry, "DataDiskTypes"),
                         texts(entry, "ChargeTypes"), texts(entry, "Zones")});
  }
  for (const auto& [id, entry] : content.at("types").items()) {
    const std::string family = text(entry, "InstanceFamily");
    const auto found = std::find_if(families_.begin(), families_.end(),
                                    [&](const Family& f) { return f.id == family; });
    if (found == families_.end()) {
      throw ConfigError{"fixtures: instance_types.json: " + id + ": unknown family `" + family +
                        "`"};
    }
    InstanceType type;
    type.id = id;
    type.family = &*found;
    type.cpu = entry.at("Cpu").get<std::int64_t>();
    type.memory_gb = entry.at("Memory").get<std::int64_t>();
    type.gpu = entry.at("Gpu").get<std::int64_t>();
    type.gpu_count = entry.at("GpuCount").get<double>();
    type.gpu_type = text(entry, "GpuType");
    type.fpga = entry.at("Fpga").get<std::int64_t>();
    type.bandwidth_gbps = entry.at("InstanceBandwidth").get<double>();
    type.pps_10k = entry.at("InstancePps").get<std::int64_t>();
    type.storage_blocks = entry.at("StorageBlockAmount").get<std::int64_t>();
    type.local_disks = entry.at("LocalDiskTypeList");
    type.hour_price_usd = entry.at("HourPrice").get<double>();
    type_index_.emplace(id, types_.size());
    types_.push_back(std::move(type));
  }
}

void Catalog::read_images(const Json& content) {
  for (const auto& [id, entry] : content.items()) {
    Image image;
    image.login_user = text(entry, "DefaultLoginUser");
    image.login_port = entry.at("DefaultLoginPort").get<std::int64_t>();
    image.doc = {{"ImageId", id},
                 {"OsName", text(entry, "OsName")},
                 {"ImageType", "PUBLIC_IMAGE"},
                 {"CreatedTime", text(entry, "CreatedTime")},
                 {"ImageName", text(entry, "ImageName")},
                 {"ImageDescription", text(entry, "ImageDescription")},
                 {"ImageSize", entry.at("ImageSize").get<std::int64_t>()},
                 {"Architecture", text(entry, "Architecture")},
                 {"ImageState", "NORMAL"},
                 {"Platform", text(entry, "Platform")},
                 {"ImageCreator", ""},
                 {"ImageSource", "OFFICIAL"},
                 {"SyncPercent", nullptr},
                 {"IsSupportCloudinit", entry.at("IsSupportCloudinit").get<bool>()},
                 {"SnapshotSet", Json::array()},
                 {"Tags", Json::array()},
                 {"LicenseType", text(entry, "LicenseType")},
                 {"ImageFamily", text(entry, "ImageFamily")},
                 {"ImageDeprecated", entry.at("ImageDeprecated").get<bool>()}};
    image.converts_to = entry.value("ConvertsTo", Json::array());
    image_index_.emplace(id, images_.size());
    images_.push_back(std::make_shared<const Image>(std::move(image)));
  }
}

const Region* Catalog::region(std::string_view id) const {
  const auto found =
      std::find_if(regions_.begin(), regions_.end(), [&](const Region& r) { return r.id == id; });
  return found == regions_.end() ? nullptr : &*found;
}

const InstanceType* Catalog::instance_type(std::string_view id) const {
  const auto found = type_index_.find(id);
  return found == type_index_.end() ? nullptr : &types_[found->second];
}

std::shared_ptr<const Image> Catalog::image(std::string_view id) const {
  const auto found = image_index_.find(id);
  return found == image_index_.end() ? nullptr : images_[found->second];
}

void Catalog::read_offerings(const Json& content) {
  for (const auto& [id, entry] : content.items()) {
    const std::string type = text(entry, "InstanceType");
    offerings_.push_back(
        {id, text(entry, "Zone"), instance_type(type), entry.at("Duration").get<std::int64_t>()});
    if (offerings_.back().type == nullptr) {
      throw ConfigError{"fixtures: reserved_offerings.json: " + id + ": unknown instance type `" +
                        type + "`"};
    }
  }
}

// Read by the handlers; here it is made sure that all of it is there.
void Catalog::read_prices(const Json& content) {
  for (const char* name : {"spot_percent", "prepaid_hours_per_month"})
    content.at(name).get<double>();
  for (const char* years : {"1", "3", "5"})
    content.at("year_discount_percent").at(years).get<double>();
  prices_ = content;
}

// Which systems a file may hold. As the API shows it, and what else ImportImage takes.
void Catalog::read_imports(const Json& content) {
  for (const Json& system : content.at("ImportImageOsVersionSet")) {
    text(system, "OsName");
    for (const char* list : {"OsVersions", "Architecture"}) texts(system, list);
  }
  content.at("ImportImageOsListSupported");
  texts(content, "BootModes");
  imports_ = content;
}

const ReservedOffering* Catalog::reserved_offering(std::string_view id) const {
  const auto found = std::find_if(offerings_.begin(), offerings_.end(),
                                  [&](const ReservedOffering& offer) { return offer.id == id; });
  return found == offerings_.end() ? nullptr : &*found;
}

}  // namespace cvm
