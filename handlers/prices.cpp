// Price arithmetic.
#include "handlers/prices.h"

#include <cmath>

namespace cvm {

namespace {

double rounded(double usd) { return std::round(usd * 10000) / 10000; }

}  // namespace

double spot_price(const State& state, const InstanceType& type) {
  return rounded(type.hour_price_usd * state.prices().at("spot_percent").get<double>() / 100);
}

Json instance_price(const State& state, const InstanceType& type, const std::string& charge_type) {
  const Json& table = state.prices();
  Json price = Json::object();
  if (charge_type != "PREPAID") {
    const bool spot = charge_type == "SPOTPAID";
    const double hour = type.hour_price_usd;
    const double paid = spot ? spot_price(state, type) : hour;
    price = {{"UnitPrice", hour},
             {"ChargeUnit", "HOUR"},
             {"OriginalPrice", nullptr},
             {"DiscountPrice", nullptr},
             {"Discount", spot ? table.at("spot_percent").get<double>() : 100.0},
             {"UnitPriceDiscount", paid}};
    for (const char* step : {"SecondStep", "ThirdStep"}) {
      price["UnitPrice" + std::string(step)] = hour;
      price["UnitPriceDiscount" + std::string(step)] = paid;
    }
    return price;
  }
  const double month =
      rounded(type.hour_price_usd * table.at("prepaid_hours_per_month").get<double>());
  price = {{"UnitPrice", nullptr},   {"ChargeUnit", nullptr}, {"OriginalPrice", month},
           {"DiscountPrice", month}, {"Discount", 100.0},     {"UnitPriceDiscount", nullptr}};
  for (const auto& [years, name] :
       {std::pair("1", "OneYear"), {"3", "ThreeYear"}, {"5", "FiveYear"}}) {
    const double discount = table.at("year_discount_percent").at(years).get<double>();
    const double original = rounded(month * 12 * std::stoi(years));
    price["OriginalPrice" + std::string(name)] = original;
    price["DiscountPrice" + std::string(name)] = rounded(original * discount / 100);
    price["Discount" + std::string(name)] = discount;
  }
  return price;
}

}  // namespace cvm
