// A kind that the program knows nothing of, made of data and two functions: what the next
// categories will be, and the proof that nothing below the handlers knows the kinds by name.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "handlers/describe.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

Reply CreateGadget(Call& call) {
  RandomStream random = call.store.random_stream();
  const Resource made = call.lifecycle.create("gadget.create", "gadget", random,
                                              {{"GadgetId", ""},
                                               {"Name", call.args.text("Name")},
                                               {"PartOf", call.args.text("PartOf")},
                                               {"GadgetState", ""}});
  return Reply().add("GadgetId", made.id);
}

Reply DescribeGadgets(Call& call) {
  return describe(call, {.kind = "gadget", .ids = "GadgetIds", .set = "GadgetSet"});
}

// A gadget may be a part of another: what is in use is not deleted, nor what is about to be.
Reply ModifyGadget(Call& call) {
  Resource gadget = call.store.get("gadget", call.args.text("GadgetId"));
  call.lifecycle.begin("gadget.move", gadget, {{"PartOf", call.args.text("PartOf")}});
  return {};
}

Reply DeleteGadget(Call& call) {
  const Resource gadget = call.store.get("gadget", call.args.text("GadgetId"));
  if (call.store.referring("gadget", "PartOf", gadget.id).count() > 0)
    throw Error{"FailedOperation.GadgetInUse", "GadgetId", gadget.id, {}};
  call.store.erase(gadget);
  return {};
}

const Json fixtures = Json::parse(R"json({
  "kinds.json": {"gadget": {
    "shape": "Gadget", "id": "GadgetId gad-*6", "missing": "InvalidGadgetId.NotFound",
    "state": "GadgetState", "states": ["MAKING", "READY", "MOVING", "BROKEN"],
    "refusal": "UnsupportedOperation.GadgetState*", "refused": ["UnsupportedOperation"],
    "filters": {"gadget-id": "GadgetId", "name": "Name", "gadget-state": "GadgetState"},
    "refers": {"PartOf": "gadget"}, "granted": true}},
  "lifecycle.json": {
    "gadget.create": {"from": [], "via": "MAKING", "to": "READY", "failed": "BROKEN",
                      "fast": {"delay_s": 1, "jitter_s": 0}, "realistic": {"delay_s": 9, "jitter_s": 0}},
    "gadget.move": {"from": ["READY"], "via": "MOVING", "to": "READY",
                    "fast": {"delay_s": 1, "jitter_s": 0}, "realistic": {"delay_s": 9, "jitter_s": 0}}},
  "api/errors.json": {
    "InvalidGadgetId.NotFound": "There is no gadget `{value}`.",
    "UnsupportedOperation.GadgetStateMaking": "The gadget `{value}` is being made.",
    "FailedOperation.GadgetInUse": "The gadget `{value}` is in use."},
  "api/shapes.json": {"Gadget": {"GadgetId": "string", "Name": "string", "PartOf": "string", "GadgetState": "string"}},
  "api/instances.json": {
    "CreateGadget": {"rate": 10, "in": {"Name": "string", "PartOf": "string"}, "out": {"GadgetId": "string"}, "errors": []},
    "DescribeGadgets": {"rate": 10, "in": {"GadgetIds": "string[]", "Filters": "Filter[]", "Offset": "int default 0", "Limit": "int default 20"},
      "filter_values": 5, "filters": {"gadget-id": "string", "name": "string", "gadget-state": "string"},
      "out": {"TotalCount": "int", "GadgetSet": "Gadget[]"}, "errors": []},
    "ModifyGadget": {"rate": 10, "in": {"GadgetId": "string required", "PartOf": "string"}, "out": {},
      "errors": ["InvalidGadgetId.NotFound", "UnsupportedOperation.GadgetStateMaking"]},
    "DeleteGadget": {"rate": 10, "in": {"GadgetId": "string required"}, "out": {},
      "errors": ["InvalidGadgetId.NotFound", "FailedOperation.GadgetInUse"]}}
})json");

class NewKind : public testing::Test {
 protected:
  static StateOptions options(const TemporaryDirectory& directory) {
    std::filesystem::create_directory(directory.file("api"));
    for (const auto& [name, content] : fixtures.items())
      std::ofstream(directory.file(name)) << content.dump();
    return {.seed = 1, .clock = "frozen", .fixtures = directory.path()};
  }

  std::string make(const std::string& name) {
    return emulator_.call("CreateGadget", {{"Name", name}})["GadgetId"];
  }
  Json described(const Json& params = Json::object()) {
    return emulator_.call("DescribeGadgets", params);
  }

  TemporaryDirectory directory_;
  Emulator emulator_{{.state = options(directory_),
                      .actions = {{"CreateGadget", CreateGadget},
                                  {"DescribeGadgets", DescribeGadgets},
                                  {"ModifyGadget", ModifyGadget},
                                  {"DeleteGadget", DeleteGadget}}}};
};

}  // namespace

TEST_F(NewKind, IsMadeFoundAndPaged) {
  const std::string a = make("a"), b = make("b");
  EXPECT_EQ(a.size(), 10U);
  EXPECT_EQ(described()["GadgetSet"][0]["GadgetState"], "MAKING");
  emulator_.advance(std::chrono::seconds{1});
  const auto one = [&](const Json& filter) { return described({{"Filters", {filter}}}); };
  EXPECT_EQ(one({{"Name", "name"}, {"Values", {"a"}}})["GadgetSet"][0]["GadgetId"], a);
  EXPECT_EQ(one({{"Name", "gadget-id"}, {"Values", {b}}})["GadgetSet"][0]["Name"], "b");
  EXPECT_EQ(one({{"Name", "gadget-state"}, {"Values", {"READY"}}})["TotalCount"], 2);
  const Json page = described({{"Offset", 1}, {"Limit", 1}});
  EXPECT_EQ(page["TotalCount"], 2);
  EXPECT_EQ(page["GadgetSet"][0]["GadgetId"], a);
}

TEST_F(NewKind, RefusesByItsOwnCodes) {
  const std::string a = make("a");
  EXPECT_EQ(emulator_.code("ModifyGadget", {{"GadgetId", a}}),
            "UnsupportedOperation.GadgetStateMaking");
  EXPECT_EQ(emulator_.code("ModifyGadget", {{"GadgetId", "gad-000000"}}),
            "InvalidGadgetId.NotFound");
}

TEST_F(NewKind, IsKeptWhileOthersReferToItOrAreGoingTo) {
  const std::string whole = make("whole"), part = make("part");
  emulator_.advance(std::chrono::seconds{1});
  EXPECT_EQ(emulator_.code("ModifyGadget", {{"GadgetId", part}, {"PartOf", whole}}), "");
  const Json moving = emulator_.admin("GET", "state");
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", whole}}), "FailedOperation.GadgetInUse");
  emulator_.advance(std::chrono::seconds{1});
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", whole}}), "FailedOperation.GadgetInUse");
  emulator_.admin("PUT", "state", moving);  // On its way again, and as firmly kept.
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", whole}}), "FailedOperation.GadgetInUse");
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", part}}), "");
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", whole}}), "");
}

TEST_F(NewKind, FailsLateAndIsForcedIntoStates) {
  emulator_.admin("POST", "faults",
                  {{"match", {{"action", "CreateGadget"}}},
                   {"do", {{"outcome", {{"state", "BROKEN"}, {"after_s", 5}}}}}});
  const std::string id = make("a");
  emulator_.advance(std::chrono::seconds{4});
  EXPECT_EQ(described()["GadgetSet"][0]["GadgetState"], "MAKING");
  emulator_.advance(std::chrono::seconds{1});
  EXPECT_EQ(described()["GadgetSet"][0]["GadgetState"], "BROKEN");
  emulator_.admin("POST", "resources/" + id + "/state", {{"state", "READY"}});
  EXPECT_EQ(described()["GadgetSet"][0]["GadgetState"], "READY");
  emulator_.admin("POST", "resources/" + id + "/state", {{"state", "RUNNING"}}, 400);
  const Json saved = emulator_.admin("GET", "state");
  emulator_.admin("POST", "reset");
  EXPECT_EQ(described()["TotalCount"], 0);
  emulator_.admin("PUT", "state", saved);
  EXPECT_EQ(described()["GadgetSet"][0]["GadgetId"], id);
}

TEST_F(NewKind, IsSeenByWhomItIsGrantedTo) {
  const From other{.secret_id = "AKIDEXAMPLE-other"};
  const std::string id = make("a"), uin = account_of(other.secret_id).uin;
  const auto seen = [&](const char* name) {
    const Json filter = {{"Name", "name"}, {"Values", {name}}};
    return emulator_.call("DescribeGadgets", {{"Filters", {filter}}}, other)["TotalCount"];
  };
  Store own = emulator_.state().store({account_of("AKIDEXAMPLE").uin, "ap-guangzhou"});
  const Store others = emulator_.state().store({uin, "ap-guangzhou"});
  EXPECT_EQ(seen("a"), 0);
  own.grant(own.get("gadget", id), uin);
  EXPECT_EQ(own.grants(own.get("gadget", id)), std::vector{uin});
  EXPECT_EQ(seen("a"), 1);
  EXPECT_EQ(seen("b"), 0);
  EXPECT_FALSE(others.find("gadget", id));
  EXPECT_EQ(others.find_visible("gadget", id)->doc.at("Name"), "a");
  EXPECT_FALSE(others.find_visible("gadget", "gad-000000"));
  EXPECT_FALSE(others.in_region("ap-beijing").find_visible("gadget", id));
  const Json granted = emulator_.admin("GET", "state");
  own.revoke(own.get("gadget", id), uin);
  EXPECT_EQ(seen("a"), 0);
  emulator_.admin("PUT", "state", granted);
  EXPECT_EQ(seen("a"), 1);
  EXPECT_EQ(emulator_.code("DeleteGadget", {{"GadgetId", id}}), "");
  EXPECT_EQ(seen("a"), 0);
  EXPECT_EQ(emulator_.state().count("access_grant"), 0);
}

}  // namespace cvm::test
