// The documentation's own requests about instances and images, run as they are written once what
// they name exists, in the state that the page asks for.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "handlers/registry.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

bool names_instance(const std::string& text) {
  return text.starts_with("ins-") || text == "instance_Id";  // A placeholder of two pages.
}

// Replaces every text that `make` makes something for by the id of that.
template <class Make>
void replace_ids(Json& value, std::map<std::string, std::string>& known, Make make) {
  if (value.is_structured()) {
    for (Json& element : value) replace_ids(element, known, make);
    return;
  }
  if (!value.is_string()) return;
  const std::string text = value;
  if (!known.contains(text)) {
    std::string made = make(text);
    if (made.empty()) return;
    known[text] = std::move(made);
  }
  value = known[text];
}

const std::set<std::string, std::less<>> of_stopped = {"StartInstances", "ResetInstancesType",
                                                       "ResizeInstanceDisks"};

std::string make_instance(Emulator& emulator, const std::string& action) {
  Json params = {{"ImageId", "img-8toqc6s3"},
                 {"InstanceType", "S5.MEDIUM4"},
                 {"Placement", {{"Zone", "ap-guangzhou-3"}}},
                 {"DataDisks", {{{"DiskSize", 50}, {"DiskType", "CLOUD_PREMIUM"}}}},
                 {"SecurityGroupIds", {"sg-efil73jd", "sg-9id3l839"}}};
  if (action == "ModifyInstancesRenewFlag") {
    params["InstanceChargeType"] = "PREPAID";
    params["InstanceChargePrepaid"] = {{"Period", 1}};
  }
  if (action == "ResetInstancesInternetMaxBandwidth") {
    params["InternetAccessible"] = {{"InternetChargeType", "BANDWIDTH_PREPAID"},
                                    {"InternetMaxBandwidthOut", 5}};
  }
  std::string id = emulator.call("RunInstances", params)["InstanceIdSet"][0];
  const char* state = of_stopped.contains(action)  ? "STOPPED"
                      : action == "ExitRescueMode" ? "RESCUE_MODE"
                                                   : "RUNNING";
  emulator.admin("POST", "instances/" + id + "/state", {{"state", state}});
  return id;
}

// In the region of the examples that copy one to Guangzhou.
std::string make_image(Emulator& emulator, const From& from) {
  const Json made = emulator.call(
      "RunInstances", {{"ImageId", "img-8toqc6s3"}, {"Placement", {{"Zone", from.region + "-3"}}}},
      from);
  emulator.advance(std::chrono::seconds{1});
  std::string id = emulator.call("CreateImage",
                                 {{"InstanceId", made["InstanceIdSet"][0]}, {"ImageName", "made"}},
                                 from)["ImageId"];
  emulator.advance(std::chrono::seconds{1});
  return id;
}

}  // namespace

TEST(Examples, OfInstancesRunAsWritten) {
  const auto text = read_file(CVMSIM_SOURCE_DIR "/tests/data/examples.json");
  std::set<std::string> actions;
  for (const Json& example : Json::parse(text.value())) {
    const std::string action = example["action"];
    if (registry().find(action) == nullptr) continue;
    Emulator emulator;
    // The bandwidth example is about days of 2017 that were still to come.
    emulator.admin("PUT", "clock", {{"mode", "frozen"}, {"now", "2017-03-01T00:00:00Z"}});
    Json params = example["params"];
    std::map<std::string, std::string> ids;
    replace_ids(params, ids, [&](const std::string& id) {
      return names_instance(id) ? make_instance(emulator, action) : std::string();
    });
    if (ids.empty() || action == "DescribeInstances") continue;
    EXPECT_EQ(emulator.code(action, params), "") << example;
    actions.insert(action);
  }
  EXPECT_GE(actions.size(), 25U);
}

TEST(Examples, OfImagesRunAsWritten) {
  const auto text = read_file(CVMSIM_SOURCE_DIR "/tests/data/examples.json");
  std::multiset<std::string> actions;
  for (const Json& example : Json::parse(text.value())) {
    const std::string action = example["action"];
    const Action* known = model().find(action);
    if (known->category != "images" || action == "ConvertOperatingSystems") continue;
    Emulator emulator;
    const From from{.region = action == "SyncImages" ? "ap-beijing" : "ap-guangzhou"};
    Json params = example["params"];
    std::map<std::string, std::string> ids;
    replace_ids(params, ids, [&](const std::string& id) {
      return names_instance(id)       ? make_instance(emulator, action)
             : id.starts_with("img-") ? make_image(emulator, from)
                                      : std::string();
    });
    const bool dry = params.contains("DryRun");
    EXPECT_EQ(emulator.code(action, params, from), dry ? "DryRunOperation" : "") << example;
    actions.insert(action);
  }
  EXPECT_EQ(actions.size(), 15U);
}

}  // namespace cvm::test
