// The table of error codes that the scripts reach: fixtures/coverage.json, which the program
// prints. With CVMSIM_UPDATE=1 it is written instead of compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "handlers/registry.h"
#include "tests/support/emulator.h"
#include "tests/support/script.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

const fs::path root = CVMSIM_SOURCE_DIR;
constexpr const char* hint =
    "write it anew: CVMSIM_UPDATE=1 cvmsim_tests --gtest_filter='Coverage*'";

using Table = std::map<std::string, std::set<std::string>>;

// By action, the codes that a step `=> error Code` expects of the call before it.
Table reached_by_scripts() {
  const fs::path scripts = root / "tests/scripts";
  Table table;
  for (const auto& entry : fs::recursive_directory_iterator(scripts)) {
    if (entry.path().extension() != ".test") continue;
    const std::vector<ScriptStep> steps = read_steps(entry.path().string());
    // Injected faults answer with any code that is asked for.
    const bool injects = std::any_of(steps.begin(), steps.end(), [](const ScriptStep& step) {
      return step.rest.find("\"do\"") != std::string::npos;
    });
    if (injects) continue;
    std::string action;
    for (const ScriptStep& step : steps) {
      std::istringstream words(step.rest);
      std::string first, second;
      words >> first >> second;
      const bool refusal = step.verb == "=>" && first == "error";
      if (refusal && model().find(action) != nullptr) table[action].insert(second);
      action = step.verb == "call" ? first : "";
    }
  }
  return table;
}

// One line an action, so that changes are easy to read.
std::string as_json(const Table& table) {
  std::string text = "{";
  for (const auto& [action, codes] : table) {
    text += (text.size() > 1 ? ",\n  " : "\n  ") + Json(action).dump() + ": " + Json(codes).dump();
  }
  return text + "\n}\n";
}

void write(const fs::path& path, const std::string& content) {
  std::ofstream file(path);
  file << content;
  ASSERT_TRUE(file.flush()) << path;
}

bool update() { return std::getenv("CVMSIM_UPDATE") != nullptr; }

}  // namespace

TEST(Coverage, TheProgramsTableIsWhatTheScriptsReach) {
  const fs::path path = root / "fixtures/coverage.json";
  const std::string expected = as_json(reached_by_scripts());
  if (update()) return write(path, expected);
  EXPECT_EQ(read_file(path.string()), expected) << hint;
}

TEST(Coverage, EveryCodeReachedIsListed) {
  for (const auto& [action, codes] : reached_by_scripts()) {
    for (const std::string& code : codes)
      EXPECT_TRUE(model().errors().contains(code)) << action << ": " << code;
  }
}

}  // namespace cvm::test
