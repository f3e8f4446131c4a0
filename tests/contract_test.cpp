// Walks the API model: every action and code has a script, every documented example is taken as
// written, every row of the tables is an action, and refusals have no effect.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "handlers/api/validate.h"
#include "handlers/registry.h"
#include "state/base/error.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) { return read_file(path.string()).value(); }

std::string all_scripts() {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(CVMSIM_SOURCE_DIR "/tests/scripts")) {
    if (entry.path().extension() == ".test") all += content(entry.path());
  }
  return all;
}

// The files that refuse, by path, without their comments. The model's own list of codes is of what
// any action may answer: it throws nothing.
std::map<std::string, std::string> throwing_sources() {
  std::map<std::string, std::string> sources;
  for (const char* room : {"handlers", "state"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(CVMSIM_SOURCE_DIR) / room)) {
      const std::string path = fs::relative(entry.path(), CVMSIM_SOURCE_DIR).string();
      if (!path.ends_with(".cpp") && !path.ends_with(".h")) continue;
      if (path == "handlers/api/model.cpp") continue;
      std::istringstream lines(content(entry.path()));
      for (std::string line; std::getline(lines, line);)
        sources[path] += line.substr(0, line.find("//")) + "\n";
    }
  }
  sources["kinds"] = Fixtures::builtin("kinds.json").value();
  return sources;
}

// Every string literal that is a code.
std::vector<std::string> codes_in(std::string_view source) {
  std::vector<std::string> codes;
  std::string literal;
  bool inside = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\n') {  // After a comment that began within a literal.
      inside = false;
      literal.clear();
    } else if (source[i] == '\\') {
      ++i;
    } else if (source[i] == '\'' && i + 2 < source.size() && source[i + 2] == '\'') {
      i += 2;
    } else if (source[i] == '"') {
      if (inside && model().errors().contains(literal)) codes.push_back(literal);
      inside = !inside;
      literal.clear();
    } else if (inside) {
      literal += source[i];
    }
  }
  return codes;
}

// The lists of codes that an action's page chooses from, each code once.
std::vector<std::vector<std::string>> lists_in(const std::string& source) {
  std::vector<std::vector<std::string>> lists;
  for (const std::string_view call : {"refuse(", "choose("}) {
    for (std::size_t at = source.find(call); at != source.npos; at = source.find(call, at + 1)) {
      const std::string statement = source.substr(at, source.find(';', at) - at);
      if (statement.find("choose(", 1) != statement.npos) continue;
      const std::size_t open = statement.find('{');
      if (open == statement.npos) continue;
      const std::string list = statement.substr(open, statement.find('}', open) - open);
      std::vector<std::string> codes;
      for (const std::string& code : codes_in(list)) {
        if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(code);
      }
      if (!codes.empty()) lists.push_back(std::move(codes));
    }
  }
  return lists;
}

// By the scripts without injected faults; coverage_test.cpp keeps the file true.
std::set<std::string> reached_codes() {
  std::set<std::string> codes;
  const Json table = Json::parse(content(CVMSIM_SOURCE_DIR "/fixtures/coverage.json"));
  for (const Json& action : table) codes.insert(action.begin(), action.end());
  return codes;
}

// Codes that no script reaches, and why.
const std::map<std::string, std::string> unreached = {
    {"FailedOperation.NoAvailableIpAddressCountInSubnet", "needs 65,533 instances in one subnet"},
    {"ResourcesSoldOut.EipInsufficient", "needs 131,072 instances with public addresses"},
    {"MutexOperation.TaskRunning", "only the page of DeleteImages has it without the code before"},
};

bool implemented(std::string_view action) { return registry().find(action) != nullptr; }

}  // namespace

TEST(Contract, EveryRowIsAnActionOfTheModel) {
  for (const std::string_view name : registry().names())
    EXPECT_NE(model().find(name), nullptr) << name;
}

TEST(Contract, EveryImplementedActionHasAScript) {
  const std::string scripts = all_scripts();
  for (const std::string_view name : registry().names()) {
    EXPECT_NE(scripts.find("call " + std::string(name)), std::string::npos) << name;
  }
}

TEST(Contract, EveryCodeOfTheSourcesIsReachedByAScript) {
  std::set<std::string> unreachable;
  for (const auto& [code, why] : unreached) unreachable.insert(code);
  const std::set<std::string> reached = reached_codes();
  for (const auto& [path, source] : throwing_sources()) {
    for (const std::string& code : codes_in(source)) {
      if (unreached.contains(code)) {
        EXPECT_FALSE(reached.contains(code)) << code << " is reached: " << unreached.at(code);
        unreachable.erase(code);
      } else {
        EXPECT_TRUE(reached.contains(code)) << code << " in " << path << " is reached by no script";
      }
    }
  }
  EXPECT_EQ(unreachable, std::set<std::string>{}) << "no source has it";
}

// Of a list of codes the first is answered that the action documents, else the last.
TEST(Contract, EveryCodeOfAListIsTheFirstOnSomePage) {
  int lists = 0;
  for (const auto& [path, source] : throwing_sources()) {
    for (const std::vector<std::string>& list : lists_in(source)) {
      ++lists;
      std::set<std::string> answered;
      for (const auto& [name, action] : model().actions()) {
        const auto found = std::find_if(list.begin(), list.end(), [&](const std::string& code) {
          return action.documents(code);
        });
        answered.insert(found == list.end() ? list.back() : *found);
      }
      for (const std::string& code : list)
        EXPECT_TRUE(answered.contains(code))
            << path << ": " << code << ": pages have one before it";
    }
  }
  EXPECT_GE(lists, 50);
}

// The codes that lines of the API's data name for what they refuse.
TEST(Contract, EveryCodeOfTheModelsLinesIsReachedByAScript) {
  const std::set<std::string> reached = reached_codes();
  std::set<const Shape*> seen;
  const std::function<void(const std::string&, const Shape&)> walk = [&](const std::string& action,
                                                                         const Shape& shape) {
    for (const Member& member : shape.members) {
      for (const std::string& code :
           {member.in_code, member.size_code, member.length_code, member.bytes_code, member.id_code,
            member.format_code, member.pattern_code}) {
        if (!code.empty())
          EXPECT_TRUE(reached.contains(code)) << action << " " << member.name << ": " << code;
      }
      if (member.shape != nullptr && seen.insert(member.shape).second) walk(action, *member.shape);
    }
  };
  for (const std::string_view name : registry().names()) {
    const Action& action = *model().find(name);
    walk(action.name, action.in);
    walk(action.name, action.filters);
  }
}

TEST(Contract, EveryDocumentedExampleIsValid) {
  const Json examples = Json::parse(content(CVMSIM_SOURCE_DIR "/tests/data/examples.json"));
  ASSERT_GE(examples.size(), 90U);
  for (const Json& example : examples) {
    const Action* action = model().find(example["action"].get<std::string>());
    ASSERT_NE(action, nullptr) << example;
    // Placeholders for ids, and ids in quotation marks, which no client sends.
    const std::string text = example.dump();
    if (text.find("instance_Id") != text.npos || text.find("\\\"vpc-") != text.npos) continue;
    Json params = example["params"];
    if (const auto refused = validate(*action, params)) {
      ADD_FAILURE() << example << "\n"
                    << refused->code << " " << refused->parameter << " " << refused->value;
    }
  }
}

// Those that name an instance or an image: tests/examples_test.cpp.
TEST(Contract, EveryDocumentedExampleOfDescribeIsAnswered) {
  Emulator emulator;
  const Json examples = Json::parse(content(CVMSIM_SOURCE_DIR "/tests/data/examples.json"));
  for (const Json& example : examples) {
    const std::string action = example["action"];
    const Shape& in = model().find(action)->in;
    const Member* ids = in.find("InstanceIds");
    const bool named = example.dump().find("\"ins-") != std::string::npos;
    const bool must_exist = (named && (ids == nullptr || ids->required)) || in.find("ImageId");
    if (action.starts_with("Describe") && implemented(action) && !must_exist)
      EXPECT_EQ(emulator.code(action, example["params"]), "") << example;
  }
}

TEST(Contract, EveryDocumentedExampleOfRunInstancesRuns) {
  Emulator emulator;
  const Json examples = Json::parse(content(CVMSIM_SOURCE_DIR "/tests/data/examples.json"));
  int ran = 0;
  for (const Json& example : examples) {
    if (example["action"] != "RunInstances" || example.dump().find("host-") != std::string::npos)
      continue;
    EXPECT_EQ(emulator.code("RunInstances", example["params"], {.region = "ap-shanghai"}), "")
        << example;
    ++ran;
  }
  EXPECT_EQ(ran, 4);
}

// Whatever an action needs, it gets it wrong in a documented way, and nothing comes of it.
TEST(Contract, EveryActionRefusesWhatIsMissing) {
  Emulator emulator;
  for (const auto& [name, action] : model().actions()) {
    const bool needs = std::any_of(
        action.in.members.begin(), action.in.members.end(),
        [](const Member& member) { return member.required || !member.required_unless.empty(); });
    const std::string expected = needs               ? "MissingParameter"
                                 : implemented(name) ? ""
                                                     : "UnsupportedOperation";
    EXPECT_EQ(emulator.code(name, Json::object()), expected) << name;
    EXPECT_EQ(emulator.code(name, {{"NoSuchParameter", 1}}), "UnknownParameter") << name;
  }
  EXPECT_EQ(emulator.state().count("resource"), 0);
}

TEST(Contract, TheSameSeedAndCallsGiveTheSameBytes) {
  const auto life = [](std::uint64_t seed) {
    Emulator emulator({.state = {.seed = seed, .lifecycle = "realistic", .clock = "frozen"}});
    std::string bytes;
    const Json ids =
        emulator.call("RunInstances",
                      {{"ImageId", "img-487zeit5"},
                       {"InstanceCount", 3},
                       {"Placement", {{"Zone", "ap-guangzhou-3"}}},
                       {"InternetAccessible", {{"InternetMaxBandwidthOut", 1}}}})["InstanceIdSet"];
    for (int i = 0; i < 5; ++i) {
      bytes += emulator.call("DescribeInstances", Json::object()).dump();
      emulator.advance(std::chrono::seconds{13});
    }
    return bytes + ids.dump();
  };
  EXPECT_EQ(life(1), life(1));
  EXPECT_NE(life(1), life(2));
}

TEST(Contract, OneAccountsCallsDoNotChangeAnothersBytes) {
  const Json params = {{"ImageId", "img-487zeit5"}, {"Placement", {{"Zone", "ap-guangzhou-3"}}}};
  const From a{.secret_id = "AKIDEXAMPLE-a"}, b{.secret_id = "AKIDEXAMPLE-b"};
  Emulator alone, together;
  const std::string expected = alone.call("RunInstances", params, a).dump();
  for (int i = 0; i < 7; ++i) together.call("RunInstances", params, b);
  EXPECT_EQ(together.call("RunInstances", params, a).dump(), expected);
}

TEST(Contract, ErrorsOfTheWayIn) {
  Emulator emulator({.gateway = {.auth = {.mode = Auth::lenient}, .rate_limits = false}});
  EXPECT_EQ(emulator.code("DescribeInstance", Json::object()), "InvalidAction");
  EXPECT_EQ(emulator.code("DescribeInstances", Json::object(), {.region = "ap-nowhere"}),
            "UnsupportedRegion");
  EXPECT_EQ(emulator.code("DescribeInstances", Json::object(), {.region = ""}), "MissingParameter");
  EXPECT_EQ(emulator.code("DescribeInstances", Json::object(), {.region = "null"}),
            "MissingParameter");
  EXPECT_EQ(emulator.code("DescribeRegions", Json::object(), {.region = "null"}), "");
  for (const char* method : {"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"}) {
    HttpRequest request;
    request.method = method;
    request.target = "/";
    EXPECT_NE(emulator.send(request).body.find("UnsupportedProtocol"), std::string::npos) << method;
  }
  HttpRequest get;
  get.method = "GET";
  const std::string target = "/?Action=DescribeInstances&x=" + std::string(33000, 'x');
  get.target = target;
  EXPECT_NE(emulator.send(get).body.find("RequestSizeLimitExceeded"), std::string::npos);
  HttpRequest form;
  form.method = "POST";
  form.target = "/";
  form.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const std::string body = "Action=DescribeInstances&x=" + std::string(1 << 20, 'x');
  form.body = body;
  EXPECT_NE(emulator.send(form).body.find("RequestSizeLimitExceeded"), std::string::npos);
}

}  // namespace cvm::test
