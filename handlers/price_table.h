// What things cost, from fixtures/prices.json and the hourly prices of instance types. USD. All
// prices come from here, so that inquiries and offers agree.
#pragma once

#include <string>

#include "state/catalog/catalog.h"

namespace cvm {

// The API's ItemPrice of one machine without disks: unit prices for what is paid by the hour,
// package prices for a month, and for whole years, where it is paid in advance.
Json instance_price(const Catalog& catalog, const InstanceType& type,
                    const std::string& charge_type);

// What a spot instance costs in an hour now.
double spot_price(const Catalog& catalog, const InstanceType& type);

// What is paid for an hour: the list price, and what is left of it.
struct HourPrice {
  double list = 0, paid = 0;

  HourPrice& operator+=(const HourPrice& other) {
    list += other.list;
    paid += other.paid;
    return *this;
  }
};
HourPrice machine_hour(const Catalog& catalog, const InstanceType& type,
                       const std::string& charge_type);
// System and data disks, as an instance's document has them.
HourPrice disks_hour(const Catalog& catalog, const Json& system_disk, const Json& data_disks);
double disk_hour(const Catalog& catalog, const std::string& disk_type, std::int64_t gb);

// ItemPrice of what is paid by the hour.
Json hourly_item(const HourPrice& hour);
// ItemPrice of what is paid in advance for some months; years are cheaper.
Json prepaid_item(const Catalog& catalog, double hour_usd, std::int64_t months);
// ItemPrice of what is paid, or paid back if it is negative, for a change until the end of what has
// been paid for already, at the discount of the months that were bought.
Json difference_item(const Catalog& catalog, double hour_usd, double days, std::int64_t months);

// ItemPrice of public bandwidth, for each way of paying for it.
Json bandwidth_item(const Catalog& catalog, const std::string& internet_charge_type,
                    std::int64_t mbps, std::int64_t count, std::int64_t months);
double bandwidth_hour(const Catalog& catalog, std::int64_t mbps);

// The API's ReservedInstancePrice: paid at once, with nothing to pay by the hour.
Json reserved_price(const Catalog& catalog, const ReservedOffering& offer, std::int64_t count);

}  // namespace cvm
