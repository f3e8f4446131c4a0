// The documentation's own requests about instances, key pairs and launch templates, run as they are
// written once what they name exists, in the state that the page asks for.
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
  for (const char* start : {"ins-", "skey-", "lt-"}) {
    if (text.starts_with(start)) return start;
  }
  return {};
}

// Replaces every id by that of something that `make` makes.
template <class Make>
void replace_ids(Json& value, std::map<std::string, std::string>& known, Make make) {
  if (value.is_structured()) {
    for (Json& element : value) replace_ids(element, known, make);
    return;
  }
  if (!value.is_string()) return;
  const std::string text = value.get<std::string>(), named = named_by(text);
  if (named.empty()) return;
  std::string& id = known[text];
  if (id.empty()) id = make(named);
  value = id;
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
                                : make_launch_template(emulator);
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

}  // namespace cvm::test
