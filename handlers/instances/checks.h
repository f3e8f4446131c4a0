// Changes to an instance that exists, checked before anything is done: what an action does with
// them, and what a price inquiry says of them, goes by the same rules.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "handlers/call.h"

namespace cvm {

// Of an instance's document.
bool is_windows(const Json& instance);
bool on_dedicated_host(const Json& instance);
std::shared_ptr<const InstanceType> type_of(const Call& call, const Json& instance);
std::optional<Time> expiry_of(const Json& instance);  // Of monthly subscriptions.

// GPUInfo of an instance of this type; null without a GPU.
Json gpu_info(const InstanceType& type, RandomStream& random);

// Refuses an instance that was stopped without further charges: its machine is somebody else's.
// UnsupportedOperation.StoppedModeStopCharging
void require_charged(const Resource& instance);

// Refuses a running instance unless the caller lets it be switched off.
// UnsupportedOperation.InstanceStateRunning
void require_stopped(const Resource& instance, bool forced);

// Refuses what is not paid for in this way.
// UnsupportedOperation.InstanceChargeType
void require_charge_type(const Call& call, const Resource& instance, std::string_view charge_type);

// Whether a timer is going to give it back.
bool is_to_be_terminated(const Call& call, const Resource& instance);

// What can be paid for in months from now on: pay-as-you-go, not stopped without charges, not to be
// terminated by a timer.
void require_hourly(const Call& call, const Resource& instance);

// LoginSettings for an image: the documented rules for passwords, keys and KeepImageLogin.
void check_login(const Call& call, const Args& args, const Image& image);

// The type an instance is to have (ResetInstancesType): it must be sold where the instance is, be
// in stock, take its disks, and be of a family that the present one can be changed to.
const InstanceType& checked_type_change(const Call& call, const Resource& instance);

// What ResetInstance makes of an instance.
struct Reinstallation {
  std::shared_ptr<const Image> image;
  std::int64_t system_disk_gb = 0;
};
Reinstallation checked_reinstallation(const Call& call, const Resource& instance);

}  // namespace cvm
