// The table of error codes that the scripts reach: fixtures/coverage.json, which the program
// prints, and the one in README.md. With CVMSIM_UPDATE=1 it writes both instead of comparing.
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
  const fs::path scenarios = root / "tests/scripts";
  Table table;
  for (const auto& entry : fs::recursive_directory_iterator(scenarios)) {
    if (entry.path().extension() != ".test") continue;
    const std::vector<ScenarioStep> steps = read_steps(entry.path().string());
    // Injected faults answer with any code that is asked for.
    const bool injects = std::any_of(steps.begin(), steps.end(), [](const ScenarioStep& step) {
      return step.rest.find("\"do\"") != std::string::npos;
    });
    if (injects) continue;
    std::string action;
    for (const ScenarioStep& step : steps) {
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

std::string as_markdown(const Table& table) {
  std::string text = "| action | error codes reached by a test |\n|---|---|\n";
  const std::vector<std::string_view> implemented = implemented_actions();
  for (const std::string_view action : implemented) {
    text.append("| ").append(action).append(" |");
    const auto codes = table.find(std::string(action));
    if (codes != table.end()) {
      const char* separator = " ";
      for (const std::string& code : codes->second) {
        text += std::exchange(separator, ", ") + code;
      }
    }
    text += " |\n";
  }
  return text + "\nThe other " + std::to_string(model().actions().size() - implemented.size()) +
         " actions of the model check their parameters and answer `UnsupportedOperation`.\n";
}

void write(const fs::path& path, const std::string& content) {
  std::ofstream file(path);
  file << content;
  ASSERT_TRUE(file.flush()) << path;
}

bool update() { return std::getenv("CVMSIM_UPDATE") != nullptr; }

}  // namespace

TEST(Coverage, TheProgramsTableIsWhatTheScenariosReach) {
  const fs::path path = root / "fixtures/coverage.json";
  const std::string expected = as_json(reached_by_scripts());
  if (update()) return write(path, expected);
  EXPECT_EQ(read_file(path.string()), expected) << hint;
}

TEST(Coverage, TheReadmesTableIsWhatTheScenariosReach) {
  static constexpr std::string_view start = "<!-- coverage -->\n", end = "<!-- /coverage -->\n";
  const fs::path path = root / "README.md";
  std::string readme = read_file(path.string()).value();
  const std::size_t from = readme.find(start);
  const std::size_t to = readme.find(end);
  ASSERT_TRUE(from != readme.npos && to != readme.npos && from < to) << "the markers are missing";
  const std::size_t inside = from + start.size();
  const std::string expected = as_markdown(reached_by_scripts());
  if (update()) return write(path, readme.replace(inside, to - inside, expected));
  EXPECT_EQ(readme.substr(inside, to - inside), expected) << hint;
}

TEST(Coverage, EveryCodeReachedIsListed) {
  for (const auto& [action, codes] : reached_by_scripts()) {
    for (const std::string& code : codes)
      EXPECT_TRUE(model().errors().contains(code)) << action << ": " << code;
  }
}

}  // namespace cvm::test
