// What the cloud offers and no client can change: regions, zones, instance types, public images.
// Read once from fixtures/, shared by all threads without locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/catalog/fixtures.h"

namespace cvm {

struct Zone {
  std::string id;  // "ap-guangzhou-3"
  std::string name, name_zh;
  std::string number;  // The API's ZoneId, "100003".
  bool available = true;
};

struct Region {
  std::string id;  // "ap-guangzhou"
  std::string name, name_zh;
  std::string state;
  std::vector<Zone> zones;

  const Zone* zone(std::string_view zone_id) const;
};

struct Family {
  std::string id;  // "S5"
  std::string name, name_zh;
  std::string architecture;  // "x86_64" or "arm64"
  std::string cpu_type, frequency;
  std::int64_t network_card = 0;
  std::vector<std::string> system_disks, data_disks, charge_types;
  std::vector<std::string> zones;  // Globs over zone ids: where it is sold.

  // Whether it runs in high-performance clusters, and nowhere else.
  bool for_clusters() const { return id.starts_with("HCC"); }
};

struct InstanceType {
  std::string id;  // "S5.MEDIUM2"
  const Family* family = nullptr;
  std::int64_t cpu = 0;
  std::int64_t memory_gb = 0;
  std::int64_t gpu = 0;
  double gpu_count = 0;
  std::string gpu_type;
  std::int64_t fpga = 0;
  double bandwidth_gbps = 0;
  std::int64_t pps_10k = 0;
  std::int64_t storage_blocks = 0;
  Json local_disks;  // The API's LocalDiskType list.
  double hour_price_usd = 0;

  bool sold_in(std::string_view zone) const;
  bool local_disk(std::string_view disk_type) const;
};

struct PublicImage {
  Json doc;  // The API's Image.
  std::string login_user;
  std::int64_t login_port = 0;
  Json converts_to;  // The API's TargetOS list: what its system can be switched to in place.
};

// An offer of a reserved instance, paid at once for all of its time.
struct ReservedOffering {
  std::string id, zone;
  const InstanceType* type = nullptr;
  std::int64_t duration_s = 0;
};

class Catalog {
 public:
  explicit Catalog(const Fixtures& fixtures);  // Throws ConfigError.

  const std::vector<Region>& regions() const { return regions_; }
  const Region* region(std::string_view id) const;
  const std::vector<Family>& families() const { return families_; }
  const std::vector<InstanceType>& instance_types() const { return types_; }
  const InstanceType* instance_type(std::string_view id) const;
  const std::vector<PublicImage>& images() const { return images_; }
  const PublicImage* image(std::string_view id) const;
  const ReservedOffering* reserved_offering(std::string_view id) const;

 private:
  void read_regions(const Json& content);
  void read_types(const Json& content);
  void read_images(const Json& content);
  void read_offerings(const Json& content);

  std::vector<Region> regions_;
  std::vector<Family> families_;
  std::vector<InstanceType> types_;
  std::vector<PublicImage> images_;
  std::vector<ReservedOffering> offerings_;
  std::map<std::string, std::size_t, std::less<>> type_index_, image_index_;
};

// `*` stands for any text; everything else for itself.
bool glob_matches(std::string_view glob, std::string_view text);

// Whether one of the globs does; a list without any, or an empty glob, asks for nothing.
bool any_glob_matches(const std::vector<std::string>& globs, std::string_view text);
bool matches_if_given(std::string_view glob, std::string_view text);

}  // namespace cvm
