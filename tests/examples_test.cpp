// The documentation's own requests about instances, images, key pairs and launch templates, run as
// they are written once what they name exists, in the state that the page asks for.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "handlers/registry.h"
#include "state/base/rsa.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

// What a text of an example names: the beginning of its ids; empty if nothing that is made here.
std::string named_by(const std::string& text) {
  if (text == "instance_Id") return "ins-";  // A placeholder of two pages.
  for (const char* start : {"ins-", "skey-", "lt-", "img-"}) {
    if (text.starts_with(start)) return start;
  }
  return {};
}

// Replaces every text that `make` makes something for, of the kind it names, by the id of that.
template <class Make>
void replace_ids(Json& value, std::map<std::string, std::string>& known, Make make) {
  if (value.is_structured()) {
    for (Json& element : value) replace_ids(element, known, make);
    return;
  }
  if (!value.is_string()) return;
  const std::string text = value.get<std::string>();
  if (!known.contains(text)) {
    std::string made = make(named_by(text));
    if (made.empty()) return;
    known[text] = std::move(made);
  }
  value = known[text];
}

const std::set<std::string, std::less<>> of_stopped = {
    "StartInstances", "ResetInstancesType", "ResizeInstanceDisks", "AssociateInstancesKeyPairs",
    "DisassociateInstancesKeyPairs"};

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

std::string make_key_pair(Emulator& emulator) {
  return emulator.call("CreateKeyPair", {{"KeyName", "key"}, {"ProjectId", 0}})["KeyPair"]["KeyId"];
}

// With the versions that the examples name.
std::string make_launch_template(Emulator& emulator) {
  Json params = {{"LaunchTemplateName", "template"},
                 {"ImageId", "img-8toqc6s3"},
                 {"Placement", {{"Zone", "ap-guangzhou-3"}}}};
  std::string id = emulator.call("CreateLaunchTemplate", params)["LaunchTemplateId"];
  params = {{"LaunchTemplateId", id}, {"Placement", {{"Zone", "ap-guangzhou-3"}}}};
  for (int i = 0; i < 2; ++i) emulator.call("CreateLaunchTemplateVersion", params);
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

TEST(Examples, RunAsWritten) {
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
    replace_ids(params, ids, [&](const std::string& start) {
      return start == "ins-"    ? make_instance(emulator, action)
             : start == "skey-" ? make_key_pair(emulator)
             : start == "lt-"   ? make_launch_template(emulator)
                                : std::string();
    });
    const std::string category = model().find(action)->category;
    const bool whole = category == "key_pairs" || category == "launch_templates";
    if ((ids.empty() && !whole) || action == "DescribeInstances") continue;
    if (action == "DisassociateInstancesKeyPairs") {
      emulator.call("AssociateInstancesKeyPairs", params);
      emulator.advance(std::chrono::seconds{1});
    }
    // What the page has for a key stands for one.
    if (action == "ImportKeyPair")
      params["PublicKey"] = "ssh-rsa " + make_rsa_key_pair(1).public_key + " skey_45071";
    EXPECT_EQ(emulator.code(action, params), "") << example;
    actions.insert(action);
  }
  EXPECT_GE(actions.size(), 39U);
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
    replace_ids(params, ids, [&](const std::string& start) {
      return start == "ins-"   ? make_instance(emulator, action)
             : start == "img-" ? make_image(emulator, from)
                               : std::string();
    });
    const bool dry = params.contains("DryRun");
    EXPECT_EQ(emulator.code(action, params, from), dry ? "DryRunOperation" : "") << example;
    actions.insert(action);
  }
  EXPECT_EQ(actions.size(), 15U);
}

}  // namespace cvm::test
