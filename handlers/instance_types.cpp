// What kinds of machines can be bought where: families, types, and what they cost.
#include <algorithm>

#include "handlers/describe.h"
#include "handlers/lookup.h"
#include "handlers/price_table.h"
#include "handlers/registry.h"
#include "state/base/glob.h"

namespace cvm {

namespace {

// What a filter can ask about an offer, by the names of the API's InstanceTypeQuotaItem.
Json offer(const Zone& zone, const InstanceType& type) {
  return {{"Zone", zone.id}, {"InstanceFamily", type.family->id}, {"InstanceType", type.id}};
}

// Calls `use(zone, type)` for what is sold in the region.
template <class Use>
void each_offer(const Call& call, Use use) {
  for (const Zone& zone : call.region.zones) {
    for (const InstanceType& type : call.catalog.instance_types()) {
      if (type.sold_in(zone.id)) use(zone, type);
    }
  }
}

constexpr std::int64_t under_stock_max = 10;

// `left` nothing: more than anyone can buy.
std::string_view stock_category(const std::optional<std::int64_t>& left) {
  if (!left) return "EnoughStock";
  return *left == 0 ? "WithoutStock" : *left <= under_stock_max ? "UnderStock" : "NormalStock";
}

Json quota_item(const Call& call, const Zone& zone, const InstanceType& type,
                const std::string& charge_type, const std::optional<std::int64_t>& left) {
  const Family& family = *type.family;
  const std::string& name = chinese(call) ? family.name_zh : family.name;
  const bool sells = left != 0;
  return {{"Zone", zone.id},
          {"InstanceType", type.id},
          {"InstanceChargeType", charge_type},
          {"NetworkCard", family.network_card},
          {"Externals", Json::object()},
          {"Cpu", type.cpu},
          {"Memory", type.memory_gb},
          {"InstanceFamily", family.id},
          {"TypeName", name},
          {"LocalDiskTypeList", type.local_disks},
          {"Status", sells ? "SELL" : "SOLD_OUT"},
          {"Price", instance_price(call.catalog, type, charge_type)},
          {"SoldOutReason", sells ? "" : "It is sold out in this zone."},
          {"InstanceBandwidth", type.bandwidth_gbps},
          {"InstancePps", type.pps_10k},
          {"StorageBlockAmount", type.storage_blocks},
          {"CpuType", family.cpu_type},
          {"Gpu", type.gpu},
          {"Fpga", type.fpga},
          {"Remark", ""},
          {"GpuCount", type.gpu_count},
          {"Frequency", family.frequency},
          {"StatusCategory", stock_category(left)}};
}

}  // namespace

static Reply DescribeInstanceFamilyConfigs(Call& call) {
  Json families = Json::array();
  for (const Family& family : call.catalog.families()) {
    const bool sold =
        std::any_of(call.region.zones.begin(), call.region.zones.end(), [&](const Zone& zone) {
          return std::any_of(family.zones.begin(), family.zones.end(),
                             [&](const std::string& glob) { return glob_matches(glob, zone.id); });
        });
    if (!sold) continue;
    families.push_back({{"InstanceFamilyName", chinese(call) ? family.name_zh : family.name},
                        {"InstanceFamily", family.id}});
  }
  return Reply().add("InstanceFamilyConfigSet", families);
}

static Reply DescribeInstanceTypeConfigs(Call& call) {
  const Kind& kind = call.store.kind("instance_offer");
  const std::vector<Filter> filters = filters_of(call, kind);
  Json types = Json::array();
  each_offer(call, [&](const Zone& zone, const InstanceType& type) {
    if (!passes(offer(zone, type), kind, filters)) return;
    types.push_back({{"Zone", zone.id},
                     {"InstanceType", type.id},
                     {"InstanceFamily", type.family->id},
                     {"GPU", type.gpu},
                     {"CPU", type.cpu},
                     {"Memory", type.memory_gb},
                     {"FPGA", type.fpga}});
  });
  return Reply().add("InstanceTypeConfigSet", types);
}

static Reply DescribeZoneInstanceConfigInfos(Call& call) {
  const Kind& kind = call.store.kind("instance_offer");
  const std::vector<Filter> filters = filters_of(call, kind);
  std::vector<std::string> items;
  Stock& stock = call.stock;
  each_offer(call, [&](const Zone& zone, const InstanceType& type) {
    Json asked = offer(zone, type);
    for (const std::string& charge_type : type.family->charge_types) {
      asked["InstanceChargeType"] = charge_type;
      if (!passes(asked, kind, filters)) continue;
      const auto left = zone.available ? stock.left({zone.id, type.id, charge_type}) : 0;
      items.push_back(quota_item(call, zone, type, charge_type, left).dump());
    }
  });
  return Reply().list("InstanceTypeQuotaSet", items);
}

const Actions instance_type_actions = {
    {"DescribeInstanceFamilyConfigs", DescribeInstanceFamilyConfigs},
    {"DescribeInstanceTypeConfigs", DescribeInstanceTypeConfigs},
    {"DescribeZoneInstanceConfigInfos", DescribeZoneInstanceConfigInfos},
};

}  // namespace cvm
