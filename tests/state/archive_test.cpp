// What PUT state lets in is whole: nothing that handlers choke on, no time outside the calendar, no
// step that cannot be applied.
#include <gtest/gtest.h>

#include <set>

#include "state/store/records.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

const Json launch = {{"ImageId", "img-487zeit5"},
                     {"InstanceType", "S5.MEDIUM4"},
                     {"Placement", {{"Zone", "ap-guangzhou-3"}}},
                     {"InternetAccessible", {{"InternetMaxBandwidthOut", 5}}},
                     {"TagSpecification",
                      {{{"ResourceType", "instance"}, {"Tags", {{{"Key", "k"}, {"Value", "v"}}}}}}},
                     {"DataDisks", {{{"DiskSize", 50}, {"DiskType", "CLOUD_PREMIUM"}}}}};

Json launch_with(const Json& more) {
  Json params = launch;
  params.update(more);
  return params;
}

// Each with something under way or planned.
std::string run(Emulator& emulator, const Json& more) {
  Json ids = emulator.call("RunInstances", launch_with(more))["InstanceIdSet"];
  emulator.advance(std::chrono::seconds{2});
  return ids.at(0).get<std::string>();
}

std::string make_prepaid(Emulator& emulator) {
  const std::string id = run(
      emulator, {{"InstanceChargeType", "PREPAID"},
                 {"InstanceChargePrepaid", {{"Period", 1}, {"RenewFlag", "NOTIFY_AND_AUTO_RENEW"}}},
                 {"InternetAccessible",
                  {{"InternetChargeType", "BANDWIDTH_PREPAID"}, {"InternetMaxBandwidthOut", 5}}}});
  emulator.call("ResetInstancesInternetMaxBandwidth",
                {{"InstanceIds", {id}},
                 {"InternetAccessible", {{"InternetMaxBandwidthOut", 10}}},
                 {"StartTime", "2026-01-10"},
                 {"EndTime", "2026-01-20"}});
  return id;
}

std::string make_spot(Emulator& emulator) {
  return run(emulator, {{"InstanceChargeType", "SPOTPAID"},
                        {"InstanceMarketOptions", {{"SpotOptions", {{"MaxPrice", "9.5"}}}}},
                        {"EnhancedService", {{"AutomationService", {{"Enabled", true}}}}},
                        {"HostName", "host"},
                        {"UserData", "ZWNobw=="}});
}

std::string make_rescued(Emulator& emulator) {
  const std::string id = run(emulator, {{"CpuTopology", {{"CoreCount", 1}, {"ThreadPerCore", 1}}}});
  emulator.call("StopInstances", {{"InstanceIds", {id}}});
  emulator.advance(std::chrono::seconds{2});
  emulator.call("ResetInstancesType", {{"InstanceIds", {id}}, {"InstanceType", "S5.MEDIUM2"}});
  emulator.advance(std::chrono::seconds{2});
  emulator.call("EnterRescueMode", {{"InstanceId", id}, {"Password", "abc123ABC!@#"}});
  return id;
}

std::string make_moving(Emulator& emulator) {
  const std::string id = run(emulator, Json::object());
  const Json group = emulator.call("CreateDisasterRecoverGroup",
                                   {{"Name", "group"}, {"Type", "HOST"}})["DisasterRecoverGroupId"];
  emulator.call("ModifyInstancesDisasterRecoverGroup",
                {{"InstanceIds", {id}}, {"DisasterRecoverGroupId", group}});
  return id;
}

// Everything that looks into a document.
void use(Emulator& emulator, const std::string& id, const std::string& what) {
  const Json ids = {{"InstanceIds", {id}}}, one = {{"InstanceId", id}};
  const auto with = [](Json params, const Json& more) {
    params.update(more);
    return params;
  };
  const Json password = {{"Password", "abc123ABC!@#"}, {"ForceStop", true}};
  const Json network = {
      {"VirtualPrivateCloud", {{"VpcId", "vpc-1urkhbj4"}, {"SubnetId", "subnet-dcs9x3gz"}}},
      {"ForceStop", true}};
  const Json month = {{"InstanceChargePrepaid", {{"Period", 1}}}};
  const Json disk = {{"DataDisks", {{{"DiskSize", 90}}}}, {"ForceStop", true}};
  const Json bandwidth = {{"InternetAccessible", {{"InternetMaxBandwidthOut", 20}}}};
  const Json type = {{"InstanceType", "S5.LARGE8"}, {"ForceStop", true}};
  const std::pair<const char*, Json> calls[] = {
      {"DescribeInstances", Json::object()},
      {"DescribeInstancesStatus", Json::object()},
      {"DescribeDisasterRecoverGroups", Json::object()},
      {"ExitRescueMode", one},
      {"StartInstances", ids},
      {"InquiryPriceResizeInstanceDisks", with(one, disk)},
      {"InquiryPriceResetInstancesInternetMaxBandwidth", with(ids, bandwidth)},
      {"InquiryPriceResetInstancesType", with(ids, {{"InstanceType", "S5.LARGE8"}})},
      {"InquiryPriceRenewInstances", with(ids, month)},
      {"InquiryPriceResetInstance", one},
      {"ResizeInstanceDisks", with(one, disk)},
      {"ResetInstancesInternetMaxBandwidth", with(ids, bandwidth)},
      {"ResetInstancesType", with(ids, type)},
      {"ModifyInstancesVpcAttribute", with(ids, network)},
      {"ResetInstancesPassword", with(ids, password)},
      {"ModifyInstancesAttribute", with(ids, {{"HostName", "other"}})},
      {"ModifyInstancesProject", with(ids, {{"ProjectId", 7}})},
      {"AssociateSecurityGroups", with(ids, {{"SecurityGroupIds", {"sg-9id3l839"}}})},
      {"ConvertOperatingSystems", ids},
      {"RenewInstances", with(ids, month)},
      {"ModifyInstancesChargeType", with(with(ids, month), {{"InstanceChargeType", "PREPAID"}})},
      {"RebootInstances", ids},
      {"EnterRescueMode", with(one, {{"Password", "abc123ABC!@#"}})},
      {"ResetInstance", one},
      {"StopInstances", ids},
      {"RunInstances", launch_with({{"InstanceCount", 2}})},
      {"TerminateInstances", ids}};
  for (const auto& [action, params] : calls) {
    const std::string code = emulator.code(action, params);
    EXPECT_NE(code, "InternalError") << action << ", " << what;
    // What was under way ends.
    if (action == calls[2].first) emulator.advance(std::chrono::seconds{2});
  }
  emulator.advance(std::chrono::days{400});
  const Json told = emulator.admin("GET", "events");
  for (const Json& event : told["events"]) {
    EXPECT_FALSE(event["step"].get<std::string>().starts_with("dropped")) << event << what;
  }
}

// Values of other types, and those of the same type that are likely to be wrong.
std::vector<Json> damages_of(const Json& value) {
  std::vector<Json> all = {nullptr, Json::object(), Json::array(), Json::array({nullptr}), true};
  if (!value.is_structured()) all.insert(all.end(), {"x", 0, 1.5});
  if (value.is_number()) all.insert(all.end(), {-1, INT64_MAX, std::uint64_t{1} << 63U});
  if (value.is_string()) all.emplace_back("");
  if (value.is_string() && parse_iso8601(value.get<std::string>()))
    all.insert(all.end(), {"0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"});
  return all;
}

// Damages one place after another in what the state knows of resources.
class Damage {
 public:
  Damage(Emulator& emulator, std::string instance)
      : emulator_(emulator),
        instance_(std::move(instance)),
        state_(emulator.admin("GET", "state")) {
    // What is begun from here on is over at once: no time has to pass between the calls.
    for (auto& step : state_["lifecycle"].items()) step.value() = {{"delay_s", 0}, {"jitter_s", 0}};
    EXPECT_TRUE(accepted(state_)) << "its own export";
    use(emulator_, instance_, "undamaged");
  }

  void everywhere() {
    const Json flat = state_.flatten();
    std::set<std::string> places;
    for (const auto& leaf : flat.items()) {
      for (Json::json_pointer at(leaf.key()); !at.empty(); at.pop_back())
        places.insert(at.to_string());
    }
    for (const std::string& place : places) {
      if (place.starts_with("/resources/") || place.starts_with("/transitions/"))
        one_place(Json::json_pointer(place));
    }
  }
  int refused() const { return refused_; }
  int taken() const { return taken_; }

 private:
  void one_place(const Json::json_pointer& place) {
    Json damaged = state_;
    Json& above = damaged.at(place.parent_pointer());
    if (above.is_object()) {
      above.erase(place.back());
    } else {
      above.erase(std::stoul(place.back()));
    }
    attempt(damaged, "without " + place.to_string());
    for (const Json& damage : damages_of(state_.at(place))) {
      if (state_.at(place) == damage) continue;
      damaged = state_;
      damaged.at(place) = damage;
      attempt(damaged, place.to_string() + " = " + damage.dump());
    }
  }

  void attempt(const Json& state, const std::string& what) {
    if (!accepted(state)) {
      ++refused_;
      return;
    }
    ++taken_;
    use(emulator_, instance_, what);
  }

  bool accepted(const Json& state) {
    const std::string text = state.dump();
    HttpRequest request;
    request.method = "PUT";
    request.target = "/_cvmsim/state";
    request.body = text;
    const int status = emulator_.send(request).status;
    EXPECT_TRUE(status == 200 || status == 400) << status << text;
    return status == 200;
  }

  Emulator& emulator_;
  std::string instance_;
  Json state_;
  int refused_ = 0, taken_ = 0;
};

void damage_everywhere(std::string (*make)(Emulator&)) {
  Emulator emulator;
  Damage damage(emulator, make(emulator));
  damage.everywhere();
  EXPECT_GT(damage.refused(), 500);
  EXPECT_GT(damage.taken(), 50);
}

}  // namespace

TEST(Archive, TakesNoPrepaidInstanceThatHandlersChokeOn) { damage_everywhere(make_prepaid); }
TEST(Archive, TakesNoSpotInstanceThatHandlersChokeOn) { damage_everywhere(make_spot); }
TEST(Archive, TakesNoRescuedInstanceThatHandlersChokeOn) { damage_everywhere(make_rescued); }
TEST(Archive, TakesNoMovingInstanceThatHandlersChokeOn) { damage_everywhere(make_moving); }

TEST(Archive, ChecksTimesAndNumbers) {
  Emulator emulator;
  make_prepaid(emulator);
  const Json state = emulator.admin("GET", "state");
  const auto refused = [&](const char* place, const Json& value) {
    Json damaged = state;
    damaged[Json::json_pointer(place)] = value;
    emulator.admin("PUT", "state", damaged, 400);
  };
  for (const Json& beyond : {Json(INT64_MAX), Json(std::uint64_t{1} << 63U), Json(-1),
                             Json(1'000'000'000'000'000), Json(253402300800000)}) {
    refused("/transitions/0/due_ms", beyond);
    refused("/clock/base_ms", beyond);
    refused("/clock/machine_ms", beyond);
  }
  for (const Json& beyond : {Json(std::uint64_t{1} << 63U), Json(INT64_MAX), Json(-1)}) {
    refused("/accounts/0/counter", beyond);
    refused("/accounts/0/requests", beyond);
    refused("/starts", beyond);
    refused("/faults/numbered", beyond);
  }
  refused("/starts", 1 << 24);
  refused("/seed", -1);
  EXPECT_EQ(emulator.admin("GET", "state"), state);
}

// A document that no import would take, as a bug could leave it.
TEST(Lifecycle, DropsWhatCannotBeApplied) {
  Emulator emulator;
  const std::string id = run(emulator, Json::object());
  emulator.call("StopInstances", {{"InstanceIds", {id}}});
  emulator.state().database().execute(
      R"(update transition set patch='{"plan":[{"at":"x","step":"instance.expire","patch":{}}]}')");
  const Json told = emulator.admin("POST", "clock/advance", {{"seconds", 1}});
  ASSERT_EQ(told["transitions"].size(), 1U);
  EXPECT_TRUE(told["transitions"][0]["step"].get<std::string>().starts_with("dropped: "));
  EXPECT_EQ(emulator.admin("GET", "info").contains("error"), false);
  EXPECT_EQ(emulator.admin("GET", "clock")["pending"], 0);
  // Nothing of the step was done, and everything else goes on.
  const Json shown = emulator.call("DescribeInstances", Json::object())["InstanceSet"][0];
  EXPECT_EQ(shown["InstanceState"], "STOPPING");
  EXPECT_EQ(emulator.code("RunInstances", launch), "");
}

// As on a full disk: what is due cannot happen, and whoever looks or starts anew need not wait.
TEST(Lifecycle, WhatCannotHappenBlocksNeitherReadsNorResets) {
  Emulator emulator;
  run(emulator, Json::object());
  emulator.call("RunInstances", launch);
  const Json state = emulator.admin("GET", "state");
  const char* const full =
      "create temp trigger full before update on resource begin select raise(abort, 'full'); end";
  emulator.state().database().execute(full);
  emulator.admin("POST", "clock/advance", {{"seconds", 5}}, 500);
  emulator.admin("PUT", "clock", {{"mode", "real"}});
  emulator.pass(std::chrono::seconds{5});
  emulator.admin("POST", "faults", {{"do", {{"none", true}}}}, 500);
  for (const char* path : {"info", "state", "clock", "events", "requests", "metrics", "faults"})
    emulator.admin("GET", path);
  EXPECT_EQ(emulator.admin("GET", "state")["resources"], state["resources"]);
  emulator.admin("PUT", "state", state);
  EXPECT_EQ(emulator.admin("GET", "state"), state);
  emulator.admin("POST", "reset");
  EXPECT_EQ(emulator.admin("GET", "state")["resources"].size(), 0U);
}

TEST(Lifecycle, FreesWhatADroppedOperationWasGoingToGive) {
  Emulator emulator;
  const std::string id = run(emulator, Json::object());
  ASSERT_EQ(
      emulator.code("ResetInstancesType",
                    {{"InstanceIds", {id}}, {"InstanceType", "S1.MEDIUM2"}, {"ForceStop", true}}),
      "");
  EXPECT_NE(emulator.state().records().index.pending(1), nullptr);
  emulator.state().database().execute(
      R"(update transition set patch='{"plan":[{"at":"x","step":"instance.expire","patch":{}}]}')");
  emulator.admin("POST", "clock/advance", {{"seconds", 1}});
  EXPECT_EQ(emulator.state().records().index.pending(1), nullptr);
}

}  // namespace cvm::test
