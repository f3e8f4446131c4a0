// What things cost, from fixtures/prices.json and the hourly prices of instance types. USD.
#pragma once

#include <string>

#include "state/state.h"

namespace cvm {

// The API's ItemPrice of one instance: unit prices for what is paid by the hour, package prices
// for a month where it is paid in advance.
Json instance_price(const State& state, const InstanceType& type, const std::string& charge_type);

// What a spot instance costs in an hour now.
double spot_price(const State& state, const InstanceType& type);

}  // namespace cvm
