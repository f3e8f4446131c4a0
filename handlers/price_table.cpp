// Price arithmetic.
#include "handlers/price_table.h"

#include <cmath>

namespace cvm {

namespace {

constexpr double days_per_month = 30;

double rounded(double usd) { return std::round(usd * 10000) / 10000; }

double number(const Catalog& catalog, const char* name) {
  return catalog.prices().at(name).get<double>();
}

// For the longest number of years that is not longer than what is bought.
double discount_percent(const Catalog& catalog, std::int64_t months) {
  double percent = 100;
  std::int64_t longest = 0;
  for (const auto& [years, discount] : catalog.prices().at("year_discount_percent").items()) {
    const std::int64_t length = std::stoll(years) * 12;
    if (length > months || length < longest) continue;
    longest = length;
    percent = discount.get<double>();
  }
  return percent;
}

// An ItemPrice without any price: all members are there, in the API's order.
Json no_price() {
  Json price = Json::object();
  for (const char* name :
       {"UnitPrice", "ChargeUnit", "OriginalPrice", "DiscountPrice", "Discount",
        "UnitPriceDiscount", "UnitPriceSecondStep", "UnitPriceDiscountSecondStep",
        "UnitPriceThirdStep", "UnitPriceDiscountThirdStep", "OriginalPriceThreeYear",
        "DiscountPriceThreeYear", "DiscountThreeYear", "OriginalPriceFiveYear",
        "DiscountPriceFiveYear", "DiscountFiveYear", "OriginalPriceOneYear", "DiscountPriceOneYear",
        "DiscountOneYear"}) {
    price[name] = nullptr;
  }
  return price;
}

Json package(double original, double discount) {
  Json price = no_price();
  price["OriginalPrice"] = rounded(original);
  price["DiscountPrice"] = rounded(original * discount / 100);
  price["Discount"] = discount;
  return price;
}

}  // namespace

double spot_price(const Catalog& catalog, const InstanceType& type) {
  return rounded(type.hour_price_usd * number(catalog, "spot_percent") / 100);
}

HourPrice machine_hour(const Catalog& catalog, const InstanceType& type,
                       const std::string& charge_type) {
  if (charge_type == "CDHPAID") return {};  // The host is paid for.
  return {type.hour_price_usd,
          charge_type == "SPOTPAID" ? spot_price(catalog, type) : type.hour_price_usd};
}

double disk_hour(const Catalog& catalog, const std::string& disk_type, std::int64_t gb) {
  return catalog.prices().at("disk_gb_hour_usd").at(disk_type).get<double>() *
         static_cast<double>(gb);
}

HourPrice disks_hour(const Catalog& catalog, const Json& system_disk, const Json& data_disks) {
  double usd = 0;
  const auto add = [&](const Json& disk) {
    usd += disk_hour(catalog, disk.at("DiskType").get<std::string>(),
                     disk.at("DiskSize").get<std::int64_t>());
  };
  add(system_disk);
  for (const Json& disk : data_disks) add(disk);
  return {usd, usd};
}

Json hourly_item(const HourPrice& hour) {
  const double list = rounded(hour.list), paid = rounded(hour.paid);
  Json price = no_price();
  price["ChargeUnit"] = "HOUR";
  price["Discount"] = list > 0 ? std::round(paid / list * 100) : 100.0;
  for (const char* step : {"", "SecondStep", "ThirdStep"}) {
    price["UnitPrice" + std::string(step)] = list;
    price["UnitPriceDiscount" + std::string(step)] = paid;
  }
  return price;
}

Json prepaid_item(const Catalog& catalog, double hour_usd, std::int64_t months) {
  const double month = hour_usd * number(catalog, "prepaid_hours_per_month");
  return package(month * static_cast<double>(months), discount_percent(catalog, months));
}

Json difference_item(const Catalog& catalog, double hour_usd, double days, std::int64_t months) {
  const double month = hour_usd * number(catalog, "prepaid_hours_per_month");
  return package(month * days / days_per_month, discount_percent(catalog, months));
}

Json instance_price(const Catalog& catalog, const InstanceType& type,
                    const std::string& charge_type) {
  if (charge_type != "PREPAID") return hourly_item(machine_hour(catalog, type, charge_type));
  Json price = prepaid_item(catalog, type.hour_price_usd, 1);
  for (const auto& [years, name] :
       {std::pair(1, "OneYear"), std::pair(3, "ThreeYear"), std::pair(5, "FiveYear")}) {
    const Json item = prepaid_item(catalog, type.hour_price_usd, std::int64_t{12} * years);
    price["OriginalPrice" + std::string(name)] = item.at("OriginalPrice");
    price["DiscountPrice" + std::string(name)] = item.at("DiscountPrice");
    price["Discount" + std::string(name)] = item.at("Discount");
  }
  return price;
}

double bandwidth_hour(const Catalog& catalog, std::int64_t mbps) {
  return number(catalog, "bandwidth_mbps_hour_usd") * static_cast<double>(mbps);
}

Json bandwidth_item(const Catalog& catalog, const std::string& internet_charge_type,
                    std::int64_t mbps, std::int64_t count, std::int64_t months) {
  const double hour = bandwidth_hour(catalog, mbps) * static_cast<double>(count);
  if (internet_charge_type == "BANDWIDTH_PREPAID") return prepaid_item(catalog, hour, months);
  if (internet_charge_type == "BANDWIDTH_POSTPAID_BY_HOUR") return hourly_item({hour, hour});
  // A package is paid for elsewhere; without bandwidth there is no traffic.
  const bool pays = internet_charge_type == "TRAFFIC_POSTPAID_BY_HOUR" && mbps > 0;
  const double gb = pays ? number(catalog, "traffic_gb_usd") : 0;
  Json price = hourly_item({gb, gb});
  price["ChargeUnit"] = "GB";
  return price;
}

Json reserved_price(const Catalog& catalog, const ReservedOffering& offer, std::int64_t count) {
  const double percent =
      catalog.prices().at("reserved_percent").at(std::to_string(offer.duration_s)).get<double>();
  const double hours = static_cast<double>(offer.duration_s) / 3600;
  const double list = offer.type->hour_price_usd * hours * static_cast<double>(count);
  return {
      {"OriginalFixedPrice", rounded(list)}, {"DiscountFixedPrice", rounded(list * percent / 100)},
      {"OriginalUsagePrice", 0.0},           {"DiscountUsagePrice", 0.0},
      {"FixedPriceDiscount", percent},       {"UsagePriceDiscount", nullptr}};
}

}  // namespace cvm
