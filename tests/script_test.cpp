// Registers every file below tests/scripts/ as one test, named by its path.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/script.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

class ScenarioTest : public testing::Test {
 public:
  explicit ScenarioTest(std::string path) : path_(std::move(path)) {}
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
        [path = file.string()]() -> testing::Test* { return new ScenarioTest(path); });
  }
  return true;
}();

}  // namespace

}  // namespace cvm::test
