// Regions and availability zones: the catalogue as it is.
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

static Reply DescribeRegions(Call& call) {
  Json regions = Json::array();
  for (const Region& region : call.catalog.regions()) {
    regions.push_back({{"Region", region.id},
                       {"RegionName", chinese(call) ? region.name_zh : region.name},
                       {"RegionState", region.state}});
  }
  return Reply().add("TotalCount", regions.size()).add("RegionSet", regions);
}

static Reply DescribeZones(Call& call) {
  Json zones = Json::array();
  Stock& stock = call.stock;
  for (const Zone& zone : call.region.zones) {
    zones.push_back(
        {{"Zone", zone.id},
         {"ZoneName", chinese(call) ? zone.name_zh : zone.name},
         {"ZoneId", zone.number},
         {"ZoneState", zone.available && !stock.sold_out(zone.id) ? "AVAILABLE" : "UNAVAILABLE"}});
  }
  return Reply().add("TotalCount", zones.size()).add("ZoneSet", zones);
}

const Actions region_actions = {
    {"DescribeRegions", DescribeRegions},
    {"DescribeZones", DescribeZones},
};

}  // namespace cvm
