// Walks the API model: every action has a scenario, every documented example is taken as written,
// every row of the tables is an action, and refusals have no effect.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

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

bool implemented(std::string_view action) { return find_handler(action) != nullptr; }

}  // namespace

TEST(Contract, EveryRowIsAnActionOfTheModel) {
  for (const std::string_view name : implemented_actions())
    EXPECT_NE(model().find(name), nullptr) << name;
}

TEST(Contract, EveryImplementedActionHasAScenario) {
  const std::string scenarios = all_scripts();
  for (const std::string_view name : implemented_actions()) {
    EXPECT_NE(scenarios.find("call " + std::string(name)), std::string::npos) << name;
  }
}

TEST(Contract, EveryErrorThrownByHandlersHasAScenario) {
  // What no request can provoke with the built-in fixtures.
  const std::set<std::string> unreachable = {
      "FailedOperation.NoAvailableIpAddressCountInSubnet", "ResourcesSoldOut.EipInsufficient",
      "UnsupportedOperation.InvalidImageLicenseTypeForReset", "LimitExceeded.InstanceQuota"};
  const std::string scenarios = all_scripts();
  const std::regex thrown(R"(throw Error\{"([A-Za-z.]+)\")");
  for (const auto& entry : fs::directory_iterator(CVMSIM_SOURCE_DIR "/handlers")) {
    const std::string source = entry.is_regular_file() ? content(entry.path()) : "";
    for (std::sregex_iterator match(source.begin(), source.end(), thrown), end; match != end;
         ++match) {
      const std::string code = (*match)[1];
      const std::regex reached("=> error " + code + R"(\s)");
      EXPECT_TRUE(unreachable.contains(code) || std::regex_search(scenarios, reached))
          << code << " in " << entry.path().filename() << " is reached by no scenario";
    }
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
    try {
      validate(*action, params);
    } catch (const Error& error) {
      ADD_FAILURE() << example << "\n"
                    << error.code << " " << error.parameter << " " << error.value;
    }
  }
}

// Those that name an instance: tests/examples_test.cpp.
TEST(Contract, EveryDocumentedExampleOfDescribeIsAnswered) {
  Emulator emulator;
  const Json examples = Json::parse(content(CVMSIM_SOURCE_DIR "/tests/data/examples.json"));
  for (const Json& example : examples) {
    const std::string action = example["action"];
    const Member* ids = model().find(action)->in.find("InstanceIds");
    const bool named = example.dump().find("\"ins-") != std::string::npos;
    const bool must_exist = named && (ids == nullptr || ids->required);
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
