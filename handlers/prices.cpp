// What it would cost. An inquiry checks what the price depends on, as its action does, and changes
// nothing.
#include <algorithm>

#include "handlers/instances/bandwidth.h"
#include "handlers/instances/checks.h"
#include "handlers/instances/disks.h"
#include "handlers/instances/plan.h"
#include "handlers/launch_templates.h"
#include "handlers/lookup.h"
#include "handlers/price_table.h"
#include "handlers/registry.h"
#include "handlers/reserved_instances.h"

namespace cvm {

namespace {

std::string charge_type_of(const Resource& instance) {
  return instance.doc.at("InstanceChargeType").get<std::string>();
}

// All that an instance costs in an hour.
HourPrice hour_of(const Call& call, const Resource& instance) {
  HourPrice hour =
      machine_hour(call.catalog, *type_of(call, instance.doc), charge_type_of(instance));
  hour += disks_hour(call.catalog, instance.doc.at("SystemDisk"), instance.doc.at("DataDisks"));
  return hour;
}

// For how long the instance is paid for already.
double days_left(const Call& call, const Resource& instance) {
  const Time end = expiry_of(instance.doc).value();
  if (end <= call.now) {
    refuse(call,
           {"FailedOperation.InquiryRefundPriceFailed", "FailedOperation.InquiryPriceFailed",
            "InvalidInstance.NotSupported"},
           "InstanceIds", instance.id, "It has expired.");
  }
  return days_between(call.now, end);
}

std::int64_t months_bought(const Resource& instance) {
  return instance.hidden.value("Period", std::int64_t{1});
}

// What a change costs: by the hour what it comes to, in advance what it adds until the end of what
// is paid for.
Json price_of_change(const Call& call, const Resource& instance, const HourPrice& comes_to,
                     double adds) {
  if (charge_type_of(instance) != "PREPAID") return hourly_item(comes_to);
  return difference_item(call.catalog, adds, days_left(call, instance), months_bought(instance));
}

Reply instance_price_reply(const Json& price) {
  return Reply().add("Price", {{"InstancePrice", price}});
}

Reply price_of_becoming(const Call& call, const Resource& before, const Resource& after) {
  const HourPrice hour = hour_of(call, after);
  const double adds = hour.list - hour_of(call, before).list;
  return instance_price_reply(price_of_change(call, before, hour, adds));
}

// Months in advance for instances: machines with their disks, and bandwidth that is paid so.
Reply months_price(const Call& call, const std::vector<Resource>& instances) {
  const std::int64_t months = call.args.object("InstanceChargePrepaid").integer("Period");
  double machines = 0, bandwidth = 0;
  for (const Resource& instance : instances) {
    machines += hour_of(call, instance).list;
    const Json& internet = instance.doc.at("InternetAccessible");
    if (internet.at("InternetChargeType") != "BANDWIDTH_PREPAID") continue;
    bandwidth +=
        bandwidth_hour(call.catalog, internet.at("InternetMaxBandwidthOut").get<std::int64_t>());
  }
  return Reply().add("Price", {{"InstancePrice", prepaid_item(call.catalog, machines, months)},
                               {"BandwidthPrice", prepaid_item(call.catalog, bandwidth, months)}});
}

}  // namespace

static Reply InquiryPriceRunInstances(Call& call) {
  const auto merged = with_launch_template(call);
  const InstancePlan plan = plan_purchase(call, merged ? Args(*merged, call.action.in) : call.args);
  HourPrice one = machine_hour(call.catalog, *plan.type, plan.charge_type);
  one += disks_hour(call.catalog, plan.system_disk, plan.data_disks);
  const auto count = static_cast<double>(plan.count);
  const HourPrice all{one.list * count, one.paid * count};
  const bool prepaid = plan.charge_type == "PREPAID";
  const std::int64_t months =
      prepaid ? plan.args.object("InstanceChargePrepaid").integer("Period") : 1;
  const Json bandwidth = bandwidth_item(
      call.catalog, plan.internet.at("InternetChargeType").get<std::string>(),
      plan.internet.at("InternetMaxBandwidthOut").get<std::int64_t>(), plan.count, months);
  return Reply().add(
      "Price",
      {{"InstancePrice", prepaid ? prepaid_item(call.catalog, all.list, months) : hourly_item(all)},
       {"BandwidthPrice", bandwidth}});
}

static Reply InquiryPriceResetInstance(Call& call) {
  const Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  Resource reset = instance;
  reset.doc["SystemDisk"]["DiskSize"] = checked_reinstallation(call, instance).system_disk_gb;
  return price_of_becoming(call, instance, reset);
}

static Reply InquiryPriceResetInstancesType(Call& call) {
  const Resource instance = load(call, "instance", "InstanceIds").front();
  Resource changed = instance;
  changed.doc["InstanceType"] = checked_type_change(call, instance).id;
  return price_of_becoming(call, instance, changed);
}

static Reply InquiryPriceResizeInstanceDisks(Call& call) {
  const Resource instance = call.store.get("instance", call.args.text("InstanceId"));
  const DiskGrowth grown = checked_growth(call, instance);
  const double before = disk_hour(call.catalog, grown.type, grown.from_gb);
  const double after = disk_hour(call.catalog, grown.type, grown.to_gb);
  return instance_price_reply(price_of_change(call, instance, {after, after}, after - before));
}

static Reply InquiryPriceResetInstancesInternetMaxBandwidth(Call& call) {
  const std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  const BandwidthChange change = checked_bandwidth(call, instances);
  // Where only one can be changed at a time, it is the first; else some may have a package, which
  // is paid for elsewhere.
  const auto paying = std::find_if(instances.begin(), instances.end(), [](const Resource& one) {
    return one.doc.at("InternetAccessible").at("InternetChargeType") != "BANDWIDTH_PACKAGE";
  });
  const Json& internet =
      (paying == instances.end() ? instances.front() : *paying).doc.at("InternetAccessible");
  const auto type = internet.at("InternetChargeType").get<std::string>();
  Json price;
  if (type == "BANDWIDTH_PREPAID") {
    const auto before = internet.at("InternetMaxBandwidthOut").get<std::int64_t>();
    price = difference_item(
        call.catalog,
        bandwidth_hour(call.catalog, change.mbps) - bandwidth_hour(call.catalog, before),
        bandwidth_days(call, instances.front(), change), months_bought(instances.front()));
  } else {
    price = bandwidth_item(call.catalog, type, change.mbps,
                           static_cast<std::int64_t>(instances.size()), 1);
  }
  return Reply().add("Price", {{"BandwidthPrice", price}});
}

static Reply InquiryPriceRenewInstances(Call& call) {
  const std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  for (const Resource& instance : instances) {
    if (instance.doc.at("InstanceState") == "PENDING")
      throw Error{"UnsupportedOperation.InstanceStatePending", "InstanceIds", instance.id, {}};
    require_charge_type(call, instance, "PREPAID");
  }
  return months_price(call, instances);
}

static Reply InquiryPriceModifyInstancesChargeType(Call& call) {
  const std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  for (const Resource& instance : instances) require_hourly(call, instance);
  return months_price(call, instances);
}

static Reply InquirePricePurchaseReservedInstancesOffering(Call& call) {
  const Reservation wanted = checked_reservation(call);
  return Reply().add("Price", reserved_price(call.catalog, *wanted.offer, wanted.count));
}

const Actions price_actions = {
    {"InquiryPriceRunInstances", InquiryPriceRunInstances},
    {"InquiryPriceResetInstance", InquiryPriceResetInstance},
    {"InquiryPriceResetInstancesType", InquiryPriceResetInstancesType},
    {"InquiryPriceResizeInstanceDisks", InquiryPriceResizeInstanceDisks},
    {"InquiryPriceResetInstancesInternetMaxBandwidth",
     InquiryPriceResetInstancesInternetMaxBandwidth},
    {"InquiryPriceRenewInstances", InquiryPriceRenewInstances},
    {"InquiryPriceModifyInstancesChargeType", InquiryPriceModifyInstancesChargeType},
    {"InquirePricePurchaseReservedInstancesOffering",
     InquirePricePurchaseReservedInstancesOffering},
};

}  // namespace cvm
