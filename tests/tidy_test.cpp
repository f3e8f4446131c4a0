// The project's own rules, read from the source tree: sizes, layers, names of error codes, format.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

const fs::path root = CVMSIM_SOURCE_DIR;

struct Source {
  std::string path;  // Relative to the root.
  std::vector<std::string> lines;
  std::string text;
};

std::vector<Source> sources() {
  std::vector<Source> all;
  for (const char* folder : {"state", "handlers", "server", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      const std::string path = fs::relative(entry.path(), root).string();
      if ((extension != ".cpp" && extension != ".h") ||
          path.find("node_modules") != std::string::npos)
        continue;
      Source source{path, {}, {}};
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        source.text += line + "\n";
        source.lines.push_back(std::move(line));
      }
      all.push_back(std::move(source));
    }
  }
  return all;
}

bool in(const Source& source, std::string_view folder) { return source.path.starts_with(folder); }

}  // namespace

TEST(Tidy, FilesAreShortAndSayWhatTheyAreFor) {
  for (const Source& source : sources()) {
    EXPECT_LE(source.lines.size(), in(source, "tests/") ? 600U : 400U) << source.path;
    ASSERT_FALSE(source.lines.empty()) << source.path;
    EXPECT_TRUE(source.lines.front().starts_with("// ")) << source.path;
  }
}

// The rooms from bottom to top; each may include those before it. The last that a path begins with
// is its own.
TEST(Tidy, RoomsPointDown) {
  const std::vector<std::string> rooms = {"state/base/",
                                          "state/catalog/",
                                          "state/store/",
                                          "state/lifecycle/",
                                          "state/settings/",
                                          "state/",
                                          "handlers/api/",
                                          "handlers/",
                                          "server/request/",
                                          "server/auth/",
                                          "server/forensics/",
                                          "server/gateway/",
                                          "server/control/",
                                          "server/admin/",
                                          "server/app",
                                          "server/net/",
                                          "server/cli/",
                                          "server/main.cpp",
                                          "tests/"};
  const auto room_of = [&](const std::string& path) {
    std::size_t best = rooms.size();
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      const bool closer = best == rooms.size() || rooms[i].size() > rooms[best].size();
      if (path.starts_with(rooms[i]) && closer) best = i;
    }
    return best;
  };
  const std::regex include(R"re(#include "((state|handlers|server|tests)/[^"]*)")re");
  for (const Source& source : sources()) {
    const std::size_t own = room_of(source.path);
    EXPECT_LT(own, rooms.size()) << source.path << " is in no room";
    for (std::sregex_iterator match(source.text.begin(), source.text.end(), include), end;
         match != end; ++match) {
      EXPECT_LE(room_of((*match)[1]), own) << source.path << ": " << (*match)[0];
    }
  }
}

TEST(Tidy, ErrorCodesAreListed) {
  const std::regex literal(
      R"re("((?:AuthFailure|Failed|Internal|Invalid|Limit|Missing|Mutex|Operation|Request|Resource|Resources|Unauthorized|Unknown|Unsupported|Vpc|No)[A-Za-z]*\.[A-Z][A-Za-z]+)")re");
  const std::vector<std::string> not_codes = {
      "InternetAccessible", "InternetChargeType", "InternetMaxBandwidthOut", "VpcId", "RequestId",
      "RequestClient",      "NoDefault",          "InternetServiceProvider"};
  for (const Source& source : sources()) {
    if (in(source, "tests/")) continue;
    for (std::sregex_iterator match(source.text.begin(), source.text.end(), literal), end;
         match != end; ++match) {
      const std::string code = (*match)[1];
      if (std::find(not_codes.begin(), not_codes.end(), code) != not_codes.end()) continue;
      const bool stem = code == "UnsupportedOperation.InstanceState";
      EXPECT_TRUE(stem || model().errors().contains(code)) << source.path << ": " << code;
    }
  }
}

TEST(Tidy, TimeSleepAndSqlStayWhereTheyBelong) {
  struct Rule {
    std::string_view text;
    std::vector<std::string> allowed;
  };
  const Rule rules[] = {
      {"system_clock",
       {"server/main.cpp", "server/gateway/request_log.cpp", "tests/tidy_test.cpp"}},
      {"sleep_for", {"tests/tidy_test.cpp"}},
      {"<sqlite3.h>", {"state/store/sqlite.cpp", "tests/tidy_test.cpp"}},
      {"co_await",
       {"server/net/session.cpp", "server/net/connection.cpp", "tests/tidy_test.cpp",
        "tests/bench/bare_beast.cpp"}},
      {"std::cout",
       {"server/main.cpp", "tests/tidy_test.cpp", "tests/bench/bare_beast.cpp",
        "tests/bench/request_costs.cpp"}},
      {"TO"
       "DO",
       {}},
      {"FIX"
       "ME",
       {}},
  };
  for (const Source& source : sources()) {
    for (const Rule& rule : rules) {
      if (std::find(rule.allowed.begin(), rule.allowed.end(), source.path) != rule.allowed.end())
        continue;
      EXPECT_EQ(source.text.find(rule.text), std::string::npos) << source.path << ": " << rule.text;
    }
    if (in(source, "handlers/") || in(source, "server/")) {
      for (const char* word : {"database()", "store/sqlite.h", "select "})
        EXPECT_EQ(source.text.find(word), std::string::npos) << source.path << ": SQL: " << word;
    }
  }
}

TEST(Tidy, ACallHasAtMostTenMembers) {
  for (const Source& source : sources()) {
    if (source.path != "handlers/call.h") continue;
    const std::size_t start = source.text.find("struct Call {");
    const std::string body = source.text.substr(start, source.text.find("};", start) - start);
    EXPECT_LE(std::count(body.begin(), body.end(), ';'), 10);
  }
}

TEST(Tidy, SourcesAreFormatted) {
  std::string files;
  for (const Source& source : sources()) files += " " + source.path;
  const std::string command = "cd '" + root.string() + "' && clang-format-14 --dry-run -Werror" +
                              files + " 2>&1 | grep error | head -n 5";
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 512> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
  pclose(pipe);
  EXPECT_EQ(output, "") << "run ./dev format";
}

TEST(Tidy, TheTopLevelIsAgreed) {
  const std::vector<std::string> agreed = {
      "CMakeLists.txt", "CMakePresets.json", "server",  "state", "handlers", "fixtures", "tests",
      "docker",         "README.md",         "LICENSE", "dev",   "build"};
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name.starts_with('.') ||
                std::find(agreed.begin(), agreed.end(), name) != agreed.end())
        << name;
  }
}

}  // namespace cvm::test
