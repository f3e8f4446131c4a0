// A long random life from a seed: valid and invalid calls, clock jumps, restarts. After each step
// the state is whole; with extra looks and restarts in between, the end is the same.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

constexpr int steps = 400;

std::int64_t number(State& state, const std::string& sql) {
  Statement statement = state.database().prepare(sql);
  statement.step();
  return statement.integer(0);
}

// What must be true of the state at any time.
void check_invariants(Emulator& emulator) {
  State& state = emulator.state();
  ASSERT_EQ(number(state,
                   "select count(*) from partition p where n <> (select count(*) from resource r "
                   "where r.part=p.part)"),
            0);
  ASSERT_EQ(number(state,
                   "select count(*) from attribute a where not exists (select 1 from resource r "
                   "where r.rid=a.rid and r.part=a.part)"),
            0);
  ASSERT_EQ(number(state,
                   "select count(*) from transition t where not exists (select 1 from resource r "
                   "where r.id=t.id)"),
            0);
  ASSERT_EQ(number(state,
                   "select count(*) from (select id from transition where operation=1 group by id "
                   "having count(*) > 1)"),
            0);
  std::map<std::tuple<std::int64_t, std::int64_t, std::string, std::int64_t>, int> index;
  {
    Statement rows = state.database().prepare("select part, name, value, rid from attribute");
    while (rows.step())
      index[{rows.integer(0), rows.integer(1), std::string(rows.text(2)), rows.integer(3)}] = 1;
  }
  Statement rows = state.database().prepare(
      "select r.rid, r.part, r.id, r.doc, (select count(*) from transition t where t.id=r.id and "
      "operation=1) from resource r");
  std::size_t expected = 0;
  while (rows.step()) {
    const Json doc = Json::parse(rows.text(3));
    ASSERT_EQ(doc["InstanceId"], rows.text(2));
    ASSERT_EQ(doc["LatestOperationState"] == "OPERATING", rows.integer(4) == 1) << doc.dump();
    for (std::size_t i = 0; i < kinds::instance.attributes.size(); ++i) {
      for (const std::string& value : values_at(doc, kinds::instance.attributes[i].path)) {
        const auto found =
            index.find({rows.integer(1), static_cast<std::int64_t>(i), value, rows.integer(0)});
        ASSERT_NE(found, index.end()) << value;
        expected += static_cast<std::size_t>(std::exchange(found->second, 0));
      }
    }
  }
  ASSERT_EQ(expected, index.size()) << "stale attributes";
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
                             .clock = "frozen"}}) {}

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
        "select r.id, doc, hidden from resource r order by r.id");
    while (rows.step()) {
      const Json doc = Json::parse(rows.text(1));
      const std::string state = doc["InstanceState"];
      EXPECT_TRUE(state == "RUNNING" || state == "STOPPED" || state == "SHUTDOWN") << state;
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

  Json some_ids() {
    Json ids = Json::array();
    for (std::uint64_t i = 0, count = 1 + below(3); i < count; ++i) {
      ids.push_back(known_.empty() || below(20) == 0 ? "ins-00000000"
                                                     : known_[below(known_.size())]);
    }
    return ids;
  }

  void run_instances() {
    static const char* const charge_types[] = {"POSTPAID_BY_HOUR", "PREPAID", "SPOTPAID"};
    static const char* const types[] = {"S5.MEDIUM2", "S1.SMALL1", "NoSuch.TYPE", "SR1.MEDIUM4"};
    const From caller = from();
    Json params = {{"ImageId", below(10) == 0 ? "img-00000000" : "img-487zeit5"},
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
    const Json response = emulator_.call("RunInstances", params, caller);
    if (response.contains("Error")) return;
    for (const Json& id : response["InstanceIdSet"]) known_.push_back(id);
  }

  void step() {
    static const char* const actions[] = {"StartInstances", "StopInstances", "RebootInstances",
                                          "TerminateInstances"};
    const std::uint64_t choice = below(10);
    if (choice < 3) return run_instances();
    if (choice < 8) {
      emulator_.call(actions[below(4)], {{"InstanceIds", some_ids()}}, from());
      return;
    }
    emulator_.advance(Milliseconds{static_cast<std::int64_t>(below(60000))});
  }

  void disturb() {
    const std::uint64_t choice = disturbance_() % 8;
    if (choice == 0) emulator_.restart();
    if (choice < 4) emulator_.call("DescribeInstances", {{"Limit", 100}});
    if (choice == 4) emulator_.call("DescribeInstances", {{"Limit", 1000}});
  }

  std::mt19937_64 random_, disturbance_;
  bool disturbed_;
  Emulator emulator_;
  std::vector<std::string> known_;
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
