// What RunInstances is asked for, checked: every refusal happens here, before anything is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handlers/call.h"
#include "handlers/instances/addresses.h"

namespace cvm {

struct InstancePlan {
  const Zone* zone = nullptr;
  const InstanceType* type = nullptr;
  const PublicImage* image = nullptr;
  bool windows = false;
  std::string charge_type;
  std::int64_t count = 1;
  Json system_disk;  // As shown, without its id.
  Json data_disks;   // Likewise.
  Network network;
  std::string placement_group;  // Empty: none.
  std::int64_t ipv6_count = 0;
  bool public_ip = false;
  Json internet;
  std::vector<std::string> security_groups;
  Json tags;
  std::optional<Time> terminate_at;
};

// Throws Error with the codes that RunInstances documents.
InstancePlan plan_instances(const Call& call);

// The part that has a price, for RunInstances and InquiryPriceRunInstances: place, type, image,
// way of paying, disks, bandwidth, login.
InstancePlan plan_purchase(const Call& call);

}  // namespace cvm
