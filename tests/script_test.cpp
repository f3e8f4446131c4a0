// Registers every file below tests/scripts/ as one test, named by its path.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/given.h"
#include "tests/support/script.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

class ScriptTest : public testing::Test {
 public:
  explicit ScriptTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override { run_script(path_); }

 private:
  std::string path_;
};

std::string test_name(const fs::path& path) {
  std::string name = path.lexically_relative(fs::path(CVMSIM_SOURCE_DIR) / "tests/scripts")
                         .replace_extension()
                         .string();
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

const bool registered = [] {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(CVMSIM_SOURCE_DIR) / "tests/scripts")) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    testing::RegisterTest(
        "scripts", test_name(file).c_str(), nullptr, nullptr, file.c_str(), 1,
        [path = file.string()]() -> testing::Test* { return new ScriptTest(path); });
  }
  return true;
}();

}  // namespace

TEST(Script, GivenLinesThatMeanNothingAreRefused) {
  for (const char* line :
       {"", "gadget $g", "instance", "instances $a", "instance $a $b", "instance id",
        "instance $a OFF", "instance $a STOPPED RUNNING", "placement_group $g RUNNING"}) {
    EXPECT_THROW(read_given(line), std::runtime_error) << line;
  }
  EXPECT_THROW(read_given(R"(instance $a {"InstanceType": )"), Json::exception);
  const GivenLine line = read_given(R"(instances $a $b STOPPED {"InstanceCount": 2})");
  EXPECT_EQ(line.names, (std::vector<std::string>{"$a", "$b"}));
  EXPECT_EQ(line.action(), "StopInstances");
  EXPECT_EQ(line.params["InstanceCount"], 2);
  EXPECT_TRUE(line.waits());
  EXPECT_FALSE(read_given("instance $a PENDING").waits());
  EXPECT_FALSE(read_given("placement_group $g").waits());
}

}  // namespace cvm::test
