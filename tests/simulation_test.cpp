// A long random life from a seed: valid and invalid calls, clock jumps, restarts. After each step
// the state is whole; with extra looks and restarts in between, the end is the same.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "state/store/records.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

constexpr int steps = 600;

// Small enough to be reached.
const std::map<std::string, std::int64_t> room = {{"HOST", 4}, {"SW", 2}, {"RACK", 1}};

std::int64_t number(State& state, const std::string& sql) {
  Statement statement = state.database().prepare(sql);
  statement.step();
  return statement.integer(0);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// What must be true of an instance at any time.
void check_instance(const Json& doc, const Catalog& catalog) {
  const InstanceType* type = catalog.instance_type(doc["InstanceType"].get<std::string>());
  ASSERT_NE(type, nullptr) << doc.dump();
  EXPECT_EQ(doc["CPU"], type->cpu);
  EXPECT_EQ(doc["Memory"], type->memory_gb);
  EXPECT_EQ(doc["InstanceChargeType"] == "PREPAID", doc["ExpiredTime"].is_string()) << doc.dump();
  EXPECT_EQ(doc["InstanceChargeType"] == "PREPAID", doc["RenewFlag"].is_string()) << doc.dump();
  EXPECT_EQ(doc["RestrictState"] == "NORMAL", doc["IsolatedSource"] == "NOTISOLATED");
  EXPECT_GE(doc["SecurityGroupIds"].size(), 1U);
  EXPECT_LE(doc["SecurityGroupIds"].size(), 5U);
  EXPECT_EQ(doc["PrivateIpAddresses"], doc["VirtualPrivateCloud"]["PrivateIpAddresses"]);
}

// Whoever is in a placement group, or on the way there, is in one that exists where they are, and
// fits in.
void check_groups(State& state) {
  Statement rows = state.database().prepare(
      "select p.account, p.region, json_extract(r.doc, '$.DisasterRecoverGroupId')"
      " from resource r join partition p on p.part=r.part where p.kind='instance'"
      " union all select p.account, p.region, json_extract(t.patch, '$.DisasterRecoverGroupId')"
      " from transition t join resource r on r.id=t.id join partition p on p.part=r.part"
      " where t.operation=1");
  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t> members;
  while (rows.step()) {
    if (!rows.text(2).empty())
      ++members[{std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2))}];
  }
  for (const auto& [where, count] : members) {
    const auto& [account, region, id] = where;
    const auto group = state.store({account, region}).find("placement_group", id);
    ASSERT_TRUE(group) << id << " in " << account << " " << region;
    EXPECT_LE(count, room.at(group->doc["Type"])) << id;
  }
}

// Whoever has a key, or is going to have it, has one that exists where they are.
void check_keys(State& state) {
  Statement rows = state.database().prepare(
      "select p.account, p.region, k.value from resource r join partition p on p.part=r.part,"
      " json_each(r.doc, '$.LoginSettings.KeyIds') k where p.kind='instance'"
      " union all select p.account, p.region, k.value from transition t"
      " join resource r on r.id=t.id join partition p on p.part=r.part,"
      " json_each(t.patch, '$.LoginSettings.KeyIds') k where t.operation=1");
  while (rows.step()) {
    const Tenant tenant{std::string(rows.text(0)), std::string(rows.text(1))};
    ASSERT_TRUE(state.store(tenant).find("key_pair", rows.text(2))) << rows.text(2);
  }
}

// What must be true of an image at any time: what it waits for is on its way, and its snapshots are
// where it is.
void check_image(const Store& store, const Json& doc, bool pending) {
  const std::string state = doc["ImageState"];
  EXPECT_EQ(state != "NORMAL", pending) << doc.dump();
  EXPECT_GE(doc["SnapshotSet"].size(), 1U);
  for (const Json& snapshot : doc["SnapshotSet"]) {
    if (state != "DELETING")
      EXPECT_TRUE(store.find("snapshot", snapshot["SnapshotId"].get<std::string>())) << doc.dump();
  }
}

// What a template says of its versions.
void check_template(const Json& doc, const Json& hidden) {
  const Json& versions = hidden["Versions"];
  EXPECT_EQ(doc["LaunchTemplateVersionCount"], versions.size());
  std::set<std::int64_t> numbers;
  for (const Json& version : versions)
    numbers.insert(version["LaunchTemplateVersion"].get<std::int64_t>());
  EXPECT_EQ(numbers.size(), versions.size());
  EXPECT_TRUE(numbers.contains(doc["DefaultVersionNumber"].get<std::int64_t>())) << doc.dump();
  EXPECT_LE(*numbers.rbegin(), doc["LatestVersionNumber"]);
}

// What must be true of the state at any time.
void check_invariants(Emulator& emulator) {
  State& state = emulator.state();
  ASSERT_EQ(number(state,
                   "select count(*) from keys k where not exists (select 1 from resource r "
                   "where r.rid=k.rid and r.part=k.part)"),
            0);
  ASSERT_EQ(number(state,
                   "select count(*) from transition t where not exists (select 1 from resource r "
                   "where r.id=t.id)"),
            0);
  ASSERT_EQ(number(state,
                   "select count(*) from (select id from transition where operation=1 group by id "
                   "having count(*) > 1)"),
            0);
  Statement rows = state.database().prepare(
      "select r.rid, r.part, r.id, r.doc, (select t.patch from transition t where t.id=r.id and "
      "operation=1), p.kind, (select keys from keys k where k.rid=r.rid), r.hidden, p.account,"
      " p.region from resource r join partition p on p.part=r.part");
  std::set<std::string> addresses;
  while (rows.step()) {
    const Json doc = Json::parse(rows.text(3));
    const Kind& kind = state.kinds().get(rows.text(5));
    ASSERT_EQ(doc[kind.id_member], rows.text(2));
    if (kind.name == "instance") {
      check_instance(doc, state.catalog());
      const std::string address = std::to_string(rows.integer(1)) +
                                  doc["VirtualPrivateCloud"]["SubnetId"].dump() +
                                  doc["PrivateIpAddresses"].dump();
      EXPECT_TRUE(addresses.insert(address).second) << address << " is given twice";
      ASSERT_EQ(doc["LatestOperationState"] == "OPERATING", !rows.text(4).empty()) << doc.dump();
    }
    if (kind.name == "launch_template") check_template(doc, Json::parse(rows.text(7)));
    if (kind.name == "image") {
      const Tenant tenant{std::string(rows.text(8)), std::string(rows.text(9))};
      check_image(state.store(tenant), doc, !rows.text(4).empty());
    }
    ASSERT_EQ(keys_of(kind, rows.integer(1), rows.text(2), doc), keys_from(rows.blob(6)));
  }
  ASSERT_TRUE(state.records().index == state.records().read_index());
  check_groups(state);
  check_keys(state);
}

class Life {
 public:
  Life(std::uint64_t seed, std::string path, bool disturbed)
      : random_(seed),
        disturbance_(seed + 1),
        disturbed_(disturbed),
        emulator_({.state = {.path = std::move(path),
                             .seed = seed,
                             .lifecycle = "realistic",
                             .clock = "frozen"}}) {
    Json quotas;
    for (const auto& [type, most] : room) quotas[lower(type) + "_group_instances"] = most;
    emulator_.admin("PUT", "quotas", {{"*", quotas}});
  }

  void live() {
    for (int i = 0; i < steps; ++i) {
      step();
      if (disturbed_) disturb();
      if (i % 10 == 0 || i == steps - 1) check_invariants(emulator_);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

  // Once nothing is under way, every instance is in a state that lasts; then the whole content.
  std::string end() {
    emulator_.admin("POST", "clock/advance", {{"until", "idle"}});
    std::string dump;
    Statement rows = emulator_.state().database().prepare(
        "select r.id, doc, hidden, kind from resource r join partition p on p.part=r.part"
        " order by r.id");
    while (rows.step()) {
      const Json doc = Json::parse(rows.text(1));
      const std::string state = doc.value("InstanceState", "");
      EXPECT_TRUE(state == "RUNNING" || state == "STOPPED" || state == "SHUTDOWN" ||
                  state == "RESCUE_MODE" || rows.text(3) != "instance")
          << state;
      EXPECT_EQ(doc.value("ImageState", "NORMAL"), "NORMAL");
      Json shown = doc;
      shown.erase("LatestOperationRequestId");  // Looking draws RequestIds, too.
      dump += shown.dump() + std::string(rows.text(2)) + "\n";
    }
    return dump;
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  From from() {
    return {.secret_id = below(4) == 0 ? "AKIDEXAMPLE-b" : "AKIDEXAMPLE",
            .region = below(5) == 0 ? "ap-shanghai" : "ap-guangzhou"};
  }

  // Ids that were given out lately, mostly of one caller, and now and then wrong.
  Json some_ids(From& caller) {
    if (known_.empty() || below(20) == 0) return {"ins-00000000"};
    const std::size_t recent = std::min<std::size_t>(known_.size(), 12);
    const auto pick = [&] { return known_[known_.size() - 1 - below(recent)]; };
    const auto [first, owner] = pick();
    if (below(10) > 0) caller = owner;
    Json ids = {first};
    for (std::uint64_t i = 0, more = below(3); i < more; ++i) {
      const auto [id, other] = pick();
      const bool same = other.secret_id == owner.secret_id && other.region == owner.region;
      if (same || below(10) == 0) ids.push_back(id);
    }
    return ids;
  }

  void run_instances() {
    static const char* const charge_types[] = {"POSTPAID_BY_HOUR", "PREPAID", "SPOTPAID"};
    static const char* const types[] = {"S5.MEDIUM2", "S1.SMALL1", "NoSuch.TYPE", "SR1.MEDIUM4"};
    From caller = from();
    const std::string image = below(3) == 0 ? some_image(caller) : "";
    static const char* const images[] = {"img-487zeit5", "img-8toqc6s3"};
    Json params = {{"ImageId", image.empty() ? images[below(2)] : image},
                   {"SecurityGroupIds", {"sg-0000000" + std::to_string(below(8)), "sg-99999999"}},
                   {"InstanceType", types[below(4)]},
                   {"InstanceCount", 1 + below(4)},
                   {"InstanceChargeType", charge_types[below(3)]},
                   {"InstanceChargePrepaid", {{"Period", 1 + below(3)}}},
                   {"InstanceMarketOptions", {{"SpotOptions", {{"MaxPrice", "9.5"}}}}},
                   {"Placement", {{"Zone", caller.region + "-" + std::to_string(1 + below(5))}}},
                   {"InternetAccessible", {{"InternetMaxBandwidthOut", below(3)}}},
                   {"DisableApiTermination", below(8) == 0},
                   {"DryRun", below(10) == 0}};
    if (below(5) == 0) params["ClientToken"] = "token-" + std::to_string(below(4));
    run(params, caller);
  }

  void run(const Json& params, const From& caller) {
    const Json response = emulator_.call("RunInstances", params, caller);
    if (response.contains("Error")) return;
    for (const Json& id : response["InstanceIdSet"]) known_.emplace_back(id, caller);
  }

  // Some change of some instances, right or wrong.
  std::pair<std::string, Json> change(From& caller) {
    static const char* const types[] = {"S5.MEDIUM2", "S5.LARGE8", "SA2.MEDIUM4", "SR1.MEDIUM4",
                                        "S1.SMALL1"};
    const Json ids = some_ids(caller);
    const Json& id = ids.front();
    const bool forced = below(2) == 0;
    const std::string digit = std::to_string(below(8));
    switch (below(18)) {
      case 0:
        return {"ResetInstance", {{"InstanceId", id}, {"ImageId", "img-8toqc6s3"}}};
      case 1:
        return {"ResetInstancesType",
                {{"InstanceIds", {id}}, {"InstanceType", types[below(5)]}, {"ForceStop", forced}}};
      case 2:
        return {"ResetInstancesPassword",
                {{"InstanceIds", ids}, {"Password", "abc123ABC!@#"}, {"ForceStop", forced}}};
      case 3:
        return {"ResizeInstanceDisks",
                {{"InstanceId", id},
                 {"SystemDisk", {{"DiskSize", 40 + 10 * below(9)}}},
                 {"ForceStop", forced}}};
      case 4:
        return {"ModifyInstancesAttribute", {{"InstanceIds", ids}, {"InstanceName", "n" + digit}}};
      case 5:
        return {"ModifyInstancesAttribute", {{"InstanceIds", ids}, {"HostName", "host" + digit}}};
      case 6:
        return {"ModifyInstancesProject", {{"InstanceIds", ids}, {"ProjectId", below(3)}}};
      case 7:
        return {"ModifyInstancesRenewFlag",
                {{"InstanceIds", ids}, {"RenewFlag", "NOTIFY_AND_AUTO_RENEW"}}};
      case 8:
        return {"ModifyInstancesVpcAttribute",
                {{"InstanceIds", {id}},
                 {"VirtualPrivateCloud",
                  {{"VpcId", "vpc-1urkhbj4"},
                   {"SubnetId", "subnet-0000000" + digit},
                   {"PrivateIpAddresses", {"10.0.0." + digit}}}}}};
      case 9:
        return {"ModifyInstancesVpcAttribute",
                {{"InstanceIds", ids},
                 {"VirtualPrivateCloud",
                  {{"VpcId", "vpc-1urkhbj4"}, {"SubnetId", "subnet-0000000" + digit}}}}};
      case 10:
        return {"ResetInstancesInternetMaxBandwidth",
                {{"InstanceIds", ids},
                 {"InternetAccessible", {{"InternetMaxBandwidthOut", below(300)}}}}};
      case 11:
        return {"EnterRescueMode", {{"InstanceId", id}, {"Password", "abc123ABC!@#"}}};
      case 12:
        return {"ExitRescueMode", {{"InstanceId", id}}};
      case 13:
        return {"AssociateSecurityGroups",
                {{"InstanceIds", ids}, {"SecurityGroupIds", {"sg-0000000" + digit}}}};
      case 14:
        return {"DisassociateSecurityGroups",
                {{"InstanceIds", ids}, {"SecurityGroupIds", {"sg-0000000" + digit}}}};
      case 15:
        return {"ConvertOperatingSystems", {{"InstanceIds", ids}}};
      case 16:
        return {"RenewInstances",
                {{"InstanceIds", ids}, {"InstanceChargePrepaid", {{"Period", 1}}}}};
      default:
        return {"ModifyInstancesChargeType",
                {{"InstanceIds", ids},
                 {"InstanceChargeType", "PREPAID"},
                 {"InstanceChargePrepaid", {{"Period", 1}}}}};
    }
  }

  // Instances go in and out of their caller's groups, which come and go.
  void change_groups() {
    static const char* const types[] = {"HOST", "SW", "RACK"};
    From caller = from();
    const Json ids = some_ids(caller);
    std::vector<std::string>& groups = groups_[caller.secret_id + caller.region];
    if (groups.empty() || below(6) == 0) {
      const Json made = emulator_.call("CreateDisasterRecoverGroup",
                                       {{"Name", "group"}, {"Type", types[below(3)]}}, caller);
      if (!made.contains("Error")) groups.push_back(made["DisasterRecoverGroupId"]);
      return;
    }
    const std::string group = recent(groups);
    const std::uint64_t choice = below(5);
    if (choice == 0) {
      emulator_.call("DeleteDisasterRecoverGroups", {{"DisasterRecoverGroupIds", {group}}}, caller);
    } else if (choice == 1) {
      emulator_.call("DeleteInstancesDisasterRecoverGroups",
                     {{"InstanceIds", {ids.front()}}, {"DisasterRecoverGroupIds", {group}}},
                     caller);
    } else {
      emulator_.call("ModifyInstancesDisasterRecoverGroup",
                     {{"InstanceIds", ids}, {"DisasterRecoverGroupId", group}}, caller);
    }
  }

  // One of the three that were made last.
  std::string recent(const std::vector<std::string>& ids) {
    return ids[ids.size() - 1 - below(std::min<std::size_t>(ids.size(), 3))];
  }

  // Keys come, are bound to instances, theirs or others', and go.
  void change_keys() {
    From caller = from();
    const Json ids = some_ids(caller);
    std::vector<std::string>& keys = keys_[caller.secret_id + caller.region];
    if (keys.empty() || below(10) == 0) {
      const Json made =
          emulator_.call("CreateKeyPair",
                         {{"KeyName", "key" + std::to_string(below(9))}, {"ProjectId", 0}}, caller);
      if (!made.contains("Error")) keys.push_back(made["KeyPair"]["KeyId"]);
      return;
    }
    const std::string key = recent(keys);
    const std::uint64_t choice = below(6);
    if (choice == 0) {
      emulator_.call("DeleteKeyPairs", {{"KeyIds", {key}}}, caller);
    } else {
      emulator_.call(choice == 1 ? "DisassociateInstancesKeyPairs" : "AssociateInstancesKeyPairs",
                     {{"InstanceIds", ids}, {"KeyIds", {key}}, {"ForceStop", below(3) > 0}},
                     caller);
    }
  }

  // Templates come, get versions, lose them, start instances, and go.
  void change_templates() {
    const From caller = from();
    std::vector<std::string>& templates = templates_[caller.secret_id + caller.region];
    const std::vector<std::string>& keys = keys_[caller.secret_id + caller.region];
    Json params = {{"Placement", {{"Zone", caller.region + "-" + std::to_string(1 + below(5))}}},
                   {"InstanceCount", 1 + below(3)}};
    if (!keys.empty() && below(2) == 0) params["LoginSettings"] = {{"KeyIds", {recent(keys)}}};
    if (templates.empty() || below(6) == 0) {
      params.update({{"LaunchTemplateName", "template"}, {"ImageId", "img-487zeit5"}});
      const Json made = emulator_.call("CreateLaunchTemplate", params, caller);
      if (!made.contains("Error")) templates.push_back(made["LaunchTemplateId"]);
      return;
    }
    const std::string id = recent(templates);
    const std::uint64_t number = 1 + below(4);
    switch (below(8)) {
      case 0:
        emulator_.call("DeleteLaunchTemplate", {{"LaunchTemplateId", id}}, caller);
        return;
      case 1:
        emulator_.call("DeleteLaunchTemplateVersions",
                       {{"LaunchTemplateId", id}, {"LaunchTemplateVersions", {number}}}, caller);
        return;
      case 2:
        emulator_.call("ModifyLaunchTemplateDefaultVersion",
                       {{"LaunchTemplateId", id}, {"DefaultVersion", number}}, caller);
        return;
      case 3:
      case 4:
        params["LaunchTemplateId"] = id;
        emulator_.call("CreateLaunchTemplateVersion", params, caller);
        return;
      default:
        run({{"LaunchTemplate", {{"LaunchTemplateId", id}}}, {"DryRun", below(8) == 0}}, caller);
    }
  }

  // One that was made lately, mostly of its owner, or none.
  std::string some_image(From& caller) {
    if (images_.empty() || below(10) == 0) return "img-00000000";
    const auto& [id, owner] =
        images_[images_.size() - 1 - below(std::min<std::size_t>(images_.size(), 8))];
    if (below(10) > 0) caller = owner;
    return id;
  }

  // From an instance, or from the snapshots of another image.
  Json make_image(From& caller, const std::string& name) {
    Json params = {{"ImageName", name}};
    if (below(2) == 0) {
      params["InstanceId"] = some_ids(caller).front();
      params["ForcePoweroff"] = below(2) == 0 ? "TRUE" : "false";
      return emulator_.call("CreateImage", params, caller);
    }
    const std::string of = some_image(caller);
    const Json found = emulator_.call("DescribeImages", {{"ImageIds", {of}}}, caller)["ImageSet"];
    params["SnapshotIds"] = {"snap-00000000"};
    if (!found.empty()) params["SnapshotIds"][0] = found[0]["SnapshotSet"][0]["SnapshotId"];
    return emulator_.call("CreateImage", params, caller);
  }

  Json change_image(From& caller, const std::string& name) {
    const std::string id = some_image(caller);
    const char* const elsewhere = caller.region == "ap-shanghai" ? "ap-guangzhou" : "ap-shanghai";
    const auto call = [&](const char* action, const Json& params) {
      return emulator_.call(action, params, caller);
    };
    switch (below(5)) {
      case 0: {
        const Json copies = call("SyncImages", {{"ImageIds", {id}},
                                                {"DestinationRegions", {elsewhere}},
                                                {"ImageName", name},
                                                {"ImageSetRequired", true}});
        if (copies.contains("Error")) return copies;
        caller.region = elsewhere;
        return copies["ImageSet"][0];
      }
      case 1:
        return call("ModifyImageSharePermission",
                    {{"ImageId", id},
                     {"AccountIds", {account_of("AKIDEXAMPLE-b").uin}},
                     {"Permission", below(2) == 0 ? "SHARE" : "CANCEL"}});
      case 2:
        return call("ExportImages", {{"ImageIds", {id}}, {"BucketName", "bucket-1250000000"}});
      case 3:
        return call("ModifyImageAttribute", {{"ImageId", id}, {"ImageName", name}});
      default:
        return call("DeleteImages", {{"ImageIds", {id}}, {"DeleteBindedSnap", below(2) == 0}});
    }
  }

  // Images are made, go to other regions and accounts, and are deleted again.
  void change_images() {
    From caller = from();
    const std::string name = "image" + std::to_string(below(40));
    const Json answer = below(2) == 0 ? make_image(caller, name) : change_image(caller, name);
    if (answer.contains("ImageId")) images_.emplace_back(answer["ImageId"], caller);
  }

  void step() {
    static const char* const actions[] = {"StartInstances", "StopInstances", "RebootInstances",
                                          "TerminateInstances"};
    const std::uint64_t choice = below(20);
    if (choice < 4) return run_instances();
    if (choice < 9) {
      From caller = from();
      const Json ids = some_ids(caller);
      emulator_.call(actions[below(4)], {{"InstanceIds", ids}}, caller);
      return;
    }
    if (choice < 16) {
      const std::uint64_t what = below(10);
      if (what < 2) return change_groups();
      if (what == 2) return change_keys();
      if (what == 3) return change_templates();
      if (what < 6) return change_images();
      From caller = from();
      const auto [action, params] = change(caller);
      emulator_.call(action, params, caller);
      return;
    }
    // Now and then long enough for subscriptions to end.
    const std::uint64_t most = below(50) == 0 ? std::uint64_t{20} * 86400000 : 60000;
    emulator_.advance(Milliseconds{static_cast<std::int64_t>(below(most))});
  }

  void disturb() {
    const std::uint64_t choice = disturbance_() % 8;
    if (choice == 0) emulator_.restart();
    if (choice < 4) emulator_.call("DescribeInstances", {{"Limit", 100}});
    if (choice == 4) emulator_.call("DescribeInstances", {{"Limit", 1000}});
    if (choice == 5) emulator_.call("DescribeImages", {{"Limit", 100}});
  }

  std::mt19937_64 random_, disturbance_;
  bool disturbed_;
  Emulator emulator_;
  std::vector<std::pair<std::string, From>> known_;
  std::map<std::string, std::vector<std::string>> groups_, keys_, templates_;  // By caller.
  std::vector<std::pair<std::string, From>> images_;
};

class Simulation : public testing::TestWithParam<std::uint64_t> {};

}  // namespace

TEST_P(Simulation, StaysWholeAndDoesNotDependOnWhoLooks) {
  const TemporaryDirectory directory;
  Life quiet(GetParam(), directory.file("quiet.db"), false),
      disturbed(GetParam(), directory.file("disturbed.db"), true);
  quiet.live();
  if (HasFatalFailure()) return;
  disturbed.live();
  if (HasFatalFailure()) return;
  EXPECT_EQ(quiet.end(), disturbed.end()) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Values(1, 2, 3, 4, 5));

}  // namespace cvm::test
