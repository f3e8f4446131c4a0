// What the cloud offers and no client can change: regions, zones, instance types, public images,
// prices.
// Read once from fixtures/, shared by all threads without locks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
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
  bool boots(const Json& image) const;  // By its architecture.
};

// One that the cloud offers, or one that an account made.
struct Image {
  Json doc;  // The API's Image.
  std::string login_user;
  std::int64_t login_port = 0;
  Json converts_to;  // The API's TargetOS list: what its system can be switched to in place.

  // Of a stored one: what it inherited from the image it was made from is hidden.
  static std::shared_ptr<const Image> stored(const Json& doc, const Json& hidden);
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
  using Images = std::vector<std::shared_ptr<const Image>>;
  const Images& images() const { return images_; }                // The public ones.
  std::shared_ptr<const Image> image(std::string_view id) const;  // nullptr: none.
  const std::vector<ReservedOffering>& reserved_offerings() const { return offerings_; }
  const ReservedOffering* reserved_offering(std::string_view id) const;
  const Json& prices() const { return prices_; }    // fixtures/prices.json
  const Json& imports() const { return imports_; }  // fixtures/image_imports.json

 private:
  void read_regions(const Json& content);
  void read_types(const Json& content);
  void read_images(const Json& content);
  void read_offerings(const Json& content);
  void read_prices(const Json& content);
  void read_imports(const Json& content);

  std::vector<Region> regions_;
  std::vector<Family> families_;
  std::vector<InstanceType> types_;
  Images images_;
  std::vector<ReservedOffering> offerings_;
  Json prices_, imports_;
  std::map<std::string, std::size_t, std::less<>> type_index_, image_index_;
};

}  // namespace cvm
