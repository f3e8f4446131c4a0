// What RunInstances is asked for, checked: every refusal happens here, before anything is made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "handlers/call.h"
#include "handlers/instances/addresses.h"

namespace cvm {

struct InstancePlan {
  explicit InstancePlan(const Args& given) : args(given) {}

  Args args;  // What it was made from.
  const Zone* zone = nullptr;
  std::shared_ptr<const InstanceType> type;
  std::vector<Resource> hosts;        // That can run it; none if it runs on no dedicated host.
  std::vector<std::string> host_ids;  // Of them, the one for each instance.
  std::shared_ptr<const Image> image;
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

// `args` are the call's, or what a launch template makes of them. Throws Error with the codes that
// RunInstances documents.
InstancePlan plan_instances(const Call& call, const Args& args);

// The part that has a price, for RunInstances and InquiryPriceRunInstances: place, type, image,
// way of paying, disks, bandwidth, login.
InstancePlan plan_purchase(const Call& call, const Args& args);

}  // namespace cvm
