// The documented limits of changes (reference: ResetInstance, ResetInstancesType).
#include "handlers/instances/checks.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "handlers/hosts.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

std::string text(const Json& doc, const char* member) { return doc.at(member).get<std::string>(); }

bool brings_local_disks(const InstanceType& type) {
  return std::any_of(type.local_disks.begin(), type.local_disks.end(),
                     [](const Json& disk) { return disk.at("Required") == "REQUIRED"; });
}

bool is_uncharged(const Resource& instance) {
  return instance.doc.at("StopChargingMode") == "STOP_CHARGING";
}

// What lies between two families.
void check_family_change(const Call& call, const Resource& instance, const InstanceType& from,
                         const InstanceType& to) {
  const std::string parameter = "InstanceType";
  const bool from_arm = from.family->architecture == "arm64",
             to_arm = to.family->architecture == "arm64";
  if (to_arm && !from_arm) {
    throw Error{"UnsupportedOperation.UnsupportedChangeInstanceFamilyToARM", parameter, to.id, {}};
  }
  if (from_arm && !to_arm) {
    throw Error{
        "UnsupportedOperation.UnsupportedARMChangeInstanceFamily", parameter, instance.id, {}};
  }
  const std::string here = "UnsupportedOperation.UnsupportedChangeInstanceToThisInstanceFamily";
  if (from.family->for_clusters()) {
    throw Error{"UnsupportedOperation.UnsupportedChangeInstanceFamily", parameter, from.id, {}};
  }
  if (to.family->for_clusters()) throw Error{here, parameter, to.id, {}};
  if (from.gpu == 0 && to.gpu > 0)
    throw Error{"InvalidParameterValue.GPUInstanceFamily", parameter, to.id, {}};
  if (from.gpu > 0) {
    refuse(call,
           {"InvalidParameterValue.InvalidGPUFamilyChange",
            "UnsupportedOperation.HeterogeneousChangeInstanceFamily"},
           parameter, to.id);
  }
  const Json& disks = instance.doc.at("DataDisks");
  if (!disks.empty() && std::all_of(disks.begin(), disks.end(), is_local)) {
    throw Error{
        "UnsupportedOperation.LocalDataDiskChangeInstanceFamily", parameter, instance.id, {}};
  }
  if (brings_local_disks(to)) throw Error{here, parameter, to.id, {}};
  const auto takes = [&](const Json& disk, const std::vector<std::string>& offered) {
    const std::string type = text(disk, "DiskType");
    if (!contains(offered, type))
      throw Error{here, parameter, to.id, "It takes no disks of the type `" + type + "`."};
  };
  takes(instance.doc.at("SystemDisk"), to.family->system_disks);
  for (const Json& disk : disks) takes(disk, to.family->data_disks);
}

// Where the type is sold, how it is paid for, and whether one is left.
void check_offer(const Call& call, const Resource& instance, const InstanceType& type) {
  const std::string zone = text(instance.doc.at("Placement"), "Zone");
  const std::string charge_type = text(instance.doc, "InstanceChargeType");
  const std::string parameter = "InstanceType", where = "The zone is `" + zone + "`.";
  if (!type.sold_in(zone)) {
    refuse(call, {"ResourceNotFound.InvalidZoneInstanceType", "ResourceUnavailable.InstanceType"},
           parameter, type.id, where);
  }
  if (!contains(type.family->charge_types, charge_type)) {
    const bool spot = charge_type == "SPOTPAID";
    refuse(call,
           {spot ? "UnsupportedOperation.NoInstanceTypeSupportSpot" : "InvalidParameterValue",
            "InvalidParameterValue"},
           parameter, type.id, "It is not sold as `" + charge_type + "`.");
  }
  Stock& stock = call.stock;
  const Sku machine{zone, type.id, charge_type};
  if (stock.left(machine) != 0) return;
  // What is bought within one rule gives back what it takes, unless nothing is to be had at all.
  const std::string present = text(instance.doc, "InstanceType");
  if (stock.exchangeable({zone, present, charge_type}, machine)) return;
  if (stock.by_zone(machine)) {
    refuse(call, {"ResourcesSoldOut.AvailableZone", "ResourceInsufficient.SpecifiedInstanceType"},
           "InstanceType", zone);
  }
  throw Error{"ResourceInsufficient.SpecifiedInstanceType", parameter, type.id, where};
}

}  // namespace

bool is_windows(const Json& instance) { return text(instance, "OsName").starts_with("Windows"); }

bool on_dedicated_host(const Json& instance) {
  return text(instance, "InstanceChargeType") == "CDHPAID";
}

std::shared_ptr<const InstanceType> type_of(const Call& call, const Json& instance) {
  auto type = find_instance_type(call, text(instance, "InstanceType"));
  if (type == nullptr) {
    refuse(call,
           {"UnsupportedOperation.OriginalInstanceTypeInvalid", "InvalidInstance.NotSupported"},
           "InstanceType", text(instance, "InstanceType"));
  }
  return type;
}

std::optional<Time> expiry_of(const Json& instance) {
  const Json& expires = instance.at("ExpiredTime");
  if (expires.is_null()) return std::nullopt;
  return parse_iso8601(expires.get<std::string>());
}

Json gpu_info(const InstanceType& type, RandomStream& random) {
  if (type.gpu == 0) return nullptr;
  Json ids = Json::array();
  for (std::int64_t i = 0; i < type.gpu; ++i) {
    std::array<char, 16> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%02x:%02x.0", static_cast<unsigned>(i),
                      static_cast<unsigned>(random.below(32)));
    ids.push_back(std::string(text.data(), static_cast<std::size_t>(length)));
  }
  return {{"GPUCount", type.gpu_count}, {"GPUId", ids}, {"GPUType", type.gpu_type}};
}

void require_charged(const Resource& instance) {
  if (is_uncharged(instance)) {
    throw Error{"UnsupportedOperation.StoppedModeStopCharging", "InstanceIds", instance.id,
                "It was stopped without further charges; start it first."};
  }
}

void require_stopped(const Resource& instance, bool forced) {
  if (!forced && instance.doc.at("InstanceState") == "RUNNING") {
    throw Error{"UnsupportedOperation.InstanceStateRunning", "InstanceIds", instance.id,
                "Stop it first, or set `ForceStop`."};
  }
}

void require_charge_type(const Call& call, const Resource& instance, std::string_view charge_type) {
  const std::string own = text(instance.doc, "InstanceChargeType");
  if (own != charge_type) {
    refuse(call, {"UnsupportedOperation.InstanceChargeType", "InvalidInstance.NotSupported"},
           "InstanceIds", instance.id, "It is `" + own + "`.");
  }
}

void check_login(const Call& call, const Args& args, const Image& image) {
  const Args login = args.object("LoginSettings");
  const bool windows = image.doc.at("Platform") == "Windows";
  if (windows && login.given("KeyIds")) {
    refuse(call, {"UnsupportedOperation.KeyPairUnsupportedWindows", "InvalidParameterValue"},
           "LoginSettings.KeyIds", login.texts("KeyIds").front());
  }
  const std::vector<std::string> keys = login.texts("KeyIds");
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    if (!call.store.find("key_pair", *key)) {
      refuse(call,
             {"InvalidParameterValue.KeyPairNotFound", "ResourceNotFound.KeyPairNotFound",
              "InvalidParameterValue"},
             "LoginSettings.KeyIds", *key);
    }
    if (std::find(keys.begin(), key, *key) != key) {
      refuse(call, {"InvalidParameterValue.Duplicate", "InvalidParameterValue"},
             "LoginSettings.KeyIds", *key, "It is given more than once.");
    }
  }
  const std::string keep = login.text("KeepImageLogin");
  const bool keeps = one_of(keep, {"true", "TRUE", "True"});
  const bool another = login.given("Password") || login.given("KeyIds");
  if (keeps && (another || image.doc.at("ImageType") == "PUBLIC_IMAGE")) {
    refuse(call,
           {"InvalidParameterCombination", "InvalidParameter.ParameterConflict",
            "InvalidParameterValue"},
           "LoginSettings.KeepImageLogin", keep,
           another ? "A password or a key is given, too." : "Public images have no login to keep.");
  }
  if (login.given("Password"))
    require_login_password(call, "LoginSettings.Password", login.text("Password"), windows);
}

bool is_to_be_terminated(const Call& call, const Resource& instance) {
  return call.lifecycle.planned("instance.terminate", instance) ||
         call.lifecycle.planned("instance.isolate", instance);
}

void require_hourly(const Call& call, const Resource& instance) {
  require_charge_type(call, instance, "POSTPAID_BY_HOUR");
  const auto wrong = [&](const std::string& why) {
    throw Error{"InvalidInstance.NotSupported", "InstanceIds", instance.id, why};
  };
  if (is_uncharged(instance)) wrong("It was stopped without further charges.");
  if (is_to_be_terminated(call, instance)) wrong("It is to be terminated.");
}

const InstanceType& checked_type_change(const Call& call, const Resource& instance) {
  const std::string name = call.args.text("InstanceType"), parameter = "InstanceType";
  if (on_dedicated_host(instance.doc)) {
    throw Error{"InvalidInstance.NotSupported", "InstanceIds", instance.id,
                "It runs on a dedicated host."};
  }
  if (!well_formed_type(name)) throw Error{"InvalidInstanceType.Malformed", parameter, name, {}};
  const InstanceType* to = call.catalog.instance_type(name);
  if (to == nullptr) {
    refuse(call, {"InvalidParameterValue.InstanceTypeNotFound", "InvalidParameterValue"}, parameter,
           name, "There is no such type.");
  }
  const auto present = type_of(call, instance.doc);
  const InstanceType& from = *present;
  if (&from == to) {
    throw Error{"InvalidParameterValue", parameter, name, "The instance has this type already."};
  }
  const bool same_family = from.family == to->family;
  if (is_uncharged(instance)) {
    throw Error{same_family ? "UnsupportedOperation.StoppedModeStopChargingSameFamily"
                            : "UnsupportedOperation.StoppedModeStopCharging",
                "InstanceIds",
                instance.id,
                {}};
  }
  const std::string disk = text(instance.doc.at("SystemDisk"), "DiskType");
  if (!one_of(disk, {"CLOUD_BASIC", "CLOUD_PREMIUM", "CLOUD_SSD"})) {
    refuse(call, {"UnsupportedOperation.SystemDiskType", "InvalidInstance.NotSupported"},
           "InstanceIds", disk, "The instance is `" + instance.id + "`.");
  }
  if (!same_family) {
    check_family_change(call, instance, from, *to);
  } else if (brings_local_disks(from)) {
    throw Error{
        "UnsupportedOperation.HeterogeneousChangeInstanceFamily", "InstanceIds", instance.id, {}};
  }
  check_offer(call, instance, *to);
  return *to;
}

Reinstallation checked_reinstallation(const Call& call, const Resource& instance) {
  const Args& args = call.args;
  const std::string id =
      args.given("ImageId") ? args.text("ImageId") : text(instance.doc, "ImageId");
  Reinstallation plan{require_image(call, id, "ImageId"), 0};
  const Json& image = plan.image->doc;
  const auto type = type_of(call, instance.doc);
  if (!type->boots(image)) {
    refuse(
        call,
        {"InvalidParameterValue.InvalidImageForGivenInstanceType",
         "InvalidParameterValue.InvalidImageIdForRetsetInstance"},
        "ImageId", id,
        "`" + type->id + "` runs images of the architecture `" + type->family->architecture + "`.");
  }
  if (image.at("LicenseType") != instance.doc.at("LicenseType"))
    throw Error{"UnsupportedOperation.InvalidImageLicenseTypeForReset", "ImageId", id, {}};
  const Json& disk = instance.doc.at("SystemDisk");
  const bool switches = (image.at("Platform") == "Windows") != is_windows(instance.doc);
  if (switches && !one_of(text(disk, "DiskType"),
                          {"CLOUD_BASIC", "CLOUD_PREMIUM", "CLOUD_SSD", "CLOUD_BSSD"})) {
    throw Error{"InvalidParameterValue.InvalidImageIdForRetsetInstance", "ImageId", id,
                "A `" + text(disk, "DiskType") +
                    "` system disk cannot be switched between Linux and Windows."};
  }
  plan.system_disk_gb = disk.at("DiskSize").get<std::int64_t>();
  const Args wanted = args.object("SystemDisk");
  if (wanted.given("DiskSize") || wanted.given("DiskType"))
    plan.system_disk_gb = system_disk_growth(call, disk, wanted);
  const std::int64_t least = image.at("ImageSize").get<std::int64_t>();
  if (plan.system_disk_gb < least) {
    throw Error{"InvalidParameterValue", "SystemDisk.DiskSize", std::to_string(plan.system_disk_gb),
                "The image needs " + std::to_string(least) + " GB."};
  }
  check_login(call, call.args, *plan.image);
  return plan;
}

}  // namespace cvm
