// Public bandwidth of instances: its limits, and its changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handlers/call.h"

namespace cvm {

// A bandwidth, and from when to when it holds; from now on and for good if nothing is said.
struct BandwidthChange {
  std::int64_t mbps = 0;
  std::optional<Time> from, until;
};
BandwidthChange checked_bandwidth(const Call& call, const std::vector<Resource>& instances);

// Public bandwidth of an instance: 0 to 200 Mbps where traffic is paid for, else to 2000.
void require_bandwidth(const std::string& internet_charge_type, std::int64_t mbps);

// How many days of prepaid bandwidth a change is about.
double bandwidth_days(const Call& call, const Resource& instance, const BandwidthChange& change);

}  // namespace cvm
