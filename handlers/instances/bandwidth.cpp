// The documented limits of bandwidth (reference: InternetAccessible,
// ResetInstancesInternetMaxBandwidth).
#include "handlers/instances/bandwidth.h"

#include "handlers/instances/checks.h"
#include "handlers/lookup.h"

namespace cvm {

namespace {

constexpr std::int64_t traffic_bandwidth_max = 200, bandwidth_max = 2000;

std::string charge_type(const Resource& instance) {
  return instance.doc.at("InternetAccessible").at("InternetChargeType").get<std::string>();
}

std::optional<Time> day(const Args& args, const char* name) {
  if (!args.given(name)) return std::nullopt;
  const auto time = parse_iso8601(args.text(name) + "T00:00:00Z");
  if (!time) {
    throw Error{"InvalidParameterValue", name, args.text(name), "Expected: YYYY-MM-DD."};
  }
  return time;
}

void check_period(const Call& call, const Resource& instance, BandwidthChange& change) {
  const std::string type = charge_type(instance);
  change.from = day(call.args, "StartTime");
  change.until = day(call.args, "EndTime");
  if (!change.from && !change.until) return;
  if (type != "BANDWIDTH_PREPAID") {
    const std::string first = change.from ? "StartTime" : "EndTime";
    refuse(call, {"InvalidParameterCombination", "InvalidParameter"}, first, call.args.text(first),
           "The bandwidth of `" + instance.id + "` is not prepaid but `" + type + "`.");
  }
  const Time today = std::chrono::floor<std::chrono::days>(call.now);
  if (change.from && *change.from < today) {
    throw Error{"InvalidParameterValue", "StartTime", call.args.text("StartTime"),
                "Today is " + iso8601(today).substr(0, 10) + "."};
  }
  const std::optional<Time> expires = expiry_of(instance.doc);
  for (const auto& [name, time] :
       {std::pair("StartTime", change.from), std::pair("EndTime", change.until)}) {
    if (time && expires && *time > *expires) {
      throw Error{"InvalidParameterValue", name, call.args.text(name),
                  "The instance expires at " + iso8601(*expires) + "."};
    }
  }
  if (!change.until) return;
  const std::string end = call.args.text("EndTime");
  if (*change.until < change.from.value_or(today))
    throw Error{"InvalidParameterValue", "EndTime", end, "It lies before the start."};
  *change.until += std::chrono::days{1};  // The last day is within.
}

}  // namespace

void require_bandwidth(const std::string& internet_charge_type, std::int64_t mbps) {
  const std::int64_t most =
      internet_charge_type == "TRAFFIC_POSTPAID_BY_HOUR" ? traffic_bandwidth_max : bandwidth_max;
  if (mbps >= 0 && mbps <= most) return;
  throw Error{"InvalidParameterValue.Range", "InternetAccessible.InternetMaxBandwidthOut",
              std::to_string(mbps), "Allowed: 0 to " + std::to_string(most) + " Mbps."};
}

BandwidthChange checked_bandwidth(const Call& call, const std::vector<Resource>& instances) {
  const Args wanted = call.args.object("InternetAccessible");
  const std::string parameter = "InternetAccessible.InternetMaxBandwidthOut";
  if (!wanted.given("InternetMaxBandwidthOut")) throw Error{"MissingParameter", parameter, "", {}};
  BandwidthChange change{wanted.integer("InternetMaxBandwidthOut"), {}, {}};
  if (wanted.given("BandwidthPackageId")) {
    throw Error{"UnsupportedOperation.BandwidthPackageIdNotSupported",
                "InternetAccessible.BandwidthPackageId", wanted.text("BandwidthPackageId"),
                "Only InternetMaxBandwidthOut can be changed."};
  }
  for (const Resource& instance : instances) {
    const std::string type = charge_type(instance);
    if (wanted.given("InternetChargeType") && wanted.text("InternetChargeType") != type) {
      throw Error{
          "InvalidParameterValue", "InternetAccessible.InternetChargeType",
          wanted.text("InternetChargeType"),
          "Only InternetMaxBandwidthOut can be changed; `" + instance.id + "` has `" + type + "`."};
    }
    if (instances.size() > 1 && one_of(type, {"BANDWIDTH_PREPAID", "BANDWIDTH_POSTPAID_BY_HOUR"})) {
      throw Error{"InvalidParameterValue.LimitExceeded", "InstanceIds",
                  std::to_string(instances.size()),
                  "`" + instance.id + "` pays for its bandwidth as `" + type +
                      "`: only one instance at a time."};
    }
    require_bandwidth(type, change.mbps);
    check_period(call, instance, change);
  }
  return change;
}

double bandwidth_days(const Call& call, const Resource& instance, const BandwidthChange& change) {
  constexpr std::chrono::days month{30};
  const Time from = std::max(change.from.value_or(call.now), call.now);
  Time until = expiry_of(instance.doc).value_or(from + month);
  if (change.until) until = std::min(until, *change.until);
  if (until <= from) {
    throw Error{"FailedOperation.InquiryPriceFailed", "InstanceIds", instance.id,
                "It has expired."};
  }
  return days_between(from, until);
}

}  // namespace cvm
