// What fault rules cost in a state file. What they do is in tests/scripts/faults.
#include "state/settings/faults.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/emulator.h"

namespace cvm::test {

TEST(FaultCounters, ACallWritesOnlyThoseThatItChanged) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  Emulator emulator({.state = {.path = path, .seed = 1, .clock = "frozen"}});
  Json rules = Json::array();
  for (int i = 0; i < 400; ++i) {
    rules.push_back(
        {{"id", "rule-" + std::to_string(i)},
         {"match", {{"action", i == 7 ? "DescribeZones" : "DescribeImages"}}},
         {"when", {{"skip", 1000}}},
         {"do", {{"error", {{"code", "InternalError"}, {"message", std::string(1000, 'm')}}}}}});
  }
  emulator.admin("POST", "faults", rules);
  const auto growth = [&] {
    const auto before = std::filesystem::file_size(path + "-wal");
    emulator.call("DescribeZones", Json::object());
    return std::filesystem::file_size(path + "-wal") - before;
  };
  EXPECT_LT(growth(), 30000U);
  EXPECT_LT(growth(), 30000U);
  emulator.restart();
  const Json kept = emulator.admin("GET", "faults")["faults"];
  ASSERT_EQ(kept.size(), 400U);
  EXPECT_EQ(kept[7]["id"], "rule-7") << "in their order";
  EXPECT_EQ(kept[7]["matched"], 2);
  EXPECT_EQ(kept[8]["matched"], 0);
}

}  // namespace cvm::test
