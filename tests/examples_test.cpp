// The documentation's own requests about instances, run as they are written once what they name
// exists, in the state that the page asks for.
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

// Replaces every id of an instance by that of one that `make` makes.
template <class Make>
void replace_ids(Json& value, std::map<std::string, std::string>& known, Make make) {
  if (value.is_structured()) {
    for (Json& element : value) replace_ids(element, known, make);
    return;
  }
  if (!value.is_string() || !names_instance(value.get<std::string>())) return;
  std::string& id = known[value.get<std::string>()];
  if (id.empty()) id = make();
  value = id;
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
    replace_ids(params, ids, [&] { return make_instance(emulator, action); });
    if (ids.empty() || action == "DescribeInstances") continue;
    EXPECT_EQ(emulator.code(action, params), "") << example;
    actions.insert(action);
  }
  EXPECT_GE(actions.size(), 25U);
}

}  // namespace cvm::test
