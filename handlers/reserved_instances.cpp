// Reserved instances: machines of one type in one zone, paid at once for a year or three.
#include "handlers/reserved_instances.h"

#include <algorithm>

#include "handlers/describe.h"
#include "handlers/lookup.h"
#include "handlers/price_table.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr std::int64_t reserved_count_max = 300;
constexpr const char* all_upfront = "All Upfront";

// An offering as the API shows it, at the price that buying one takes.
Json shown(const Call& call, const ReservedOffering& offer) {
  return {{"Zone", offer.zone},
          {"CurrencyCode", "USD"},
          {"Duration", offer.duration_s},
          {"FixedPrice", reserved_price(call.catalog, offer, 1).at("DiscountFixedPrice")},
          {"InstanceType", offer.type->id},
          {"OfferingType", all_upfront},
          {"ReservedInstancesOfferingId", offer.id},
          {"ProductDescription", "linux"},
          {"UsagePrice", 0.0}};
}

// What the region offers, as far as the filters of the call ask for it.
std::vector<const ReservedOffering*> offerings(const Call& call) {
  const Kind& kind = call.store.kind("reserved_offering");
  const std::vector<Filter> filters = filters_of(call, kind);
  std::vector<const ReservedOffering*> found;
  for (const ReservedOffering& offer : call.catalog.reserved_offerings()) {
    if (call.region.zone(offer.zone) != nullptr && passes(shown(call, offer), kind, filters))
      found.push_back(&offer);
  }
  return found;
}

// The part of a list that the call asks for.
Json page_of(const Call& call, const Json& all) {
  Json page = Json::array();
  const auto offset = static_cast<std::size_t>(call.args.integer("Offset"));
  const auto limit = static_cast<std::size_t>(call.args.integer("Limit"));
  for (std::size_t i = offset; i < all.size() && page.size() < limit; ++i) page.push_back(all[i]);
  return page;
}

Json prices_of(const Call& call, const InstanceType& type,
               const std::vector<const ReservedOffering*>& offers) {
  Json prices = Json::array();
  for (const ReservedOffering* offer : offers) {
    if (offer->type != &type) continue;
    const Json price = reserved_price(call.catalog, *offer, 1);
    prices.push_back({{"OfferingType", all_upfront},
                      {"FixedPrice", price.at("OriginalFixedPrice")},
                      {"UsagePrice", price.at("OriginalUsagePrice")},
                      {"ReservedInstancesOfferingId", offer->id},
                      {"Zone", offer->zone},
                      {"Duration", offer->duration_s},
                      {"ProductDescription", "Linux"},
                      {"DiscountUsagePrice", price.at("DiscountUsagePrice")},
                      {"DiscountFixedPrice", price.at("DiscountFixedPrice")}});
  }
  return prices;
}

Json type_item(const InstanceType& type, Json prices) {
  return {{"InstanceType", type.id},
          {"Cpu", type.cpu},
          {"Memory", type.memory_gb},
          {"Gpu", type.gpu},
          {"Fpga", type.fpga},
          {"StorageBlock", type.storage_blocks},
          {"NetworkCard", type.family->network_card},
          {"MaxBandwidth", type.bandwidth_gbps},
          {"Frequency", type.family->frequency},
          {"CpuModelName", type.family->cpu_type},
          {"Pps", type.pps_10k},
          {"Externals", Json::object()},
          {"Remark", ""},
          {"Prices", std::move(prices)}};
}

// "Standard" of "Standard S5": families of one use share it.
std::string use_of(const Call& call, const Family& family) {
  std::string name = chinese(call) ? family.name_zh : family.name;
  if (name.ends_with(family.id)) name.resize(name.size() - family.id.size());
  if (name.ends_with(' ')) name.pop_back();
  return name;
}

}  // namespace

Reservation checked_reservation(const Call& call) {
  const std::int64_t count = call.args.integer("InstanceCount");
  if (count < 1 || count > reserved_count_max) {
    throw Error{"InvalidParameterValue.Range", "InstanceCount", std::to_string(count),
                "Allowed: 1 to " + std::to_string(reserved_count_max) + "."};
  }
  const std::string id = call.args.text("ReservedInstancesOfferingId");
  const ReservedOffering* offer = call.catalog.reserved_offering(id);
  if (offer == nullptr || call.region.zone(offer->zone) == nullptr) {
    refuse(call, {"FailedOperation.InquiryPriceFailed", "InvalidParameterValue"},
           "ReservedInstancesOfferingId", id,
           "There is no offering `" + id + "` in `" + call.region.id + "`.");
  }
  return {offer, count};
}

static Reply DescribeReservedInstancesOfferings(Call& call) {
  Json offers = Json::array();
  for (const ReservedOffering* offer : offerings(call)) {
    if (offer->duration_s >= call.args.integer("MinDuration") &&
        offer->duration_s <= call.args.integer("MaxDuration")) {
      offers.push_back(shown(call, *offer));
    }
  }
  return Reply()
      .add("TotalCount", offers.size())
      .add("ReservedInstancesOfferingsSet", page_of(call, offers));
}

// The same offerings by use, family and type.
static Reply DescribeReservedInstancesConfigInfos(Call& call) {
  const std::vector<const ReservedOffering*> offers = offerings(call);
  Json uses = Json::array();
  for (const Family& family : call.catalog.families()) {
    Json types = Json::array();
    for (const InstanceType& type : call.catalog.instance_types()) {
      if (type.family->id != family.id) continue;
      Json prices = prices_of(call, type, offers);
      if (!prices.empty()) types.push_back(type_item(type, std::move(prices)));
    }
    if (types.empty()) continue;
    const std::string name = use_of(call, family);
    if (uses.empty() || uses.back().at("TypeName") != name) {
      uses.push_back({{"Type", family.id.substr(0, family.id.find_first_of("0123456789"))},
                      {"TypeName", name},
                      {"Order", 100 * (uses.size() + 1)},
                      {"InstanceFamilies", Json::array()}});
    }
    Json& families = uses.back()["InstanceFamilies"];
    families.push_back({{"InstanceFamily", family.id},
                        {"Order", 100 * uses.size() + families.size() + 1},
                        {"InstanceTypes", std::move(types)}});
  }
  return Reply().add("ReservedInstanceConfigInfos", page_of(call, uses));
}

static Reply DescribeReservedInstances(Call& call) {
  return describe(call, {.kind = "reserved_instance", .ids = {}, .set = "ReservedInstancesSet"});
}

static Reply PurchaseReservedInstancesOffering(Call& call) {
  const Reservation bought = checked_reservation(call);
  const ReservedOffering& offer = *bought.offer;
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "reserved_instances");
  Query held;
  held.filters = {{"state", {"pending", "active"}}};
  if (call.store.page("reserved_instance", held).total >= quota) {
    throw Error{"UnsupportedOperation.ReservedInstanceOutofQuata", "", "",
                "The quota in this region is " + std::to_string(quota) + "."};
  }
  const Time end = call.now + std::chrono::seconds{offer.duration_s};
  RandomStream random = call.store.random_stream();
  Resource made = call.lifecycle.create(
      "reserved_instance.purchase", "reserved_instance", random,
      {{"InstanceType", offer.type->id},
       {"Zone", offer.zone},
       {"StartTime", date_time(call.now)},
       {"EndTime", date_time(end)},
       {"Duration", offer.duration_s},
       {"InstanceCount", bought.count},
       {"ProductDescription", "linux"},
       {"State", ""},
       {"CurrencyCode", "USD"},
       {"OfferingType", all_upfront},
       {"InstanceFamily", offer.type->family->id},
       {"ReservedInstanceId", ""},
       {"ReservedInstanceName", numbered_name(call.args.text("ReservedInstanceName"), 0, 1)}});
  // Its older name.
  made.doc["ReservedInstancesId"] = made.id;
  call.store.save(made);
  call.lifecycle.begin_at(end, "reserved_instance.retire", made);
  return Reply().add("ReservedInstanceId", made.id);
}

const Actions reserved_instance_actions = {
    {"DescribeReservedInstances", DescribeReservedInstances},
    {"DescribeReservedInstancesConfigInfos", DescribeReservedInstancesConfigInfos},
    {"DescribeReservedInstancesOfferings", DescribeReservedInstancesOfferings},
    {"PurchaseReservedInstancesOffering", PurchaseReservedInstancesOffering},
};

}  // namespace cvm
