// 300 KB in every place of every action where a text, a list or a number may stand: each is taken
// or refused in a documented way, and costs no more than its length.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "handlers/api/formats.h"
#include "handlers/api/validate.h"
#include "state/base/error.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

using Use = std::function<void(const std::string& path, const Json& params)>;

// Calls `use` with parameters that hold `value` at one member and nothing else, for each member of
// the shape and of those in it.
void each_place(const Shape& shape, const Json& value, const std::string& path,
                const std::function<Json(Json)>& inside, const Use& use) {
  for (const Member& member : shape.members) {
    const auto around = [&](Json inner) {
      if (member.list) inner = Json::array({std::move(inner)});
      return inside(Json{{member.name, std::move(inner)}});
    };
    const std::string at = path + member.name;
    if (member.shape != nullptr) {
      each_place(*member.shape, value, at + ".", around, use);
    } else {
      use(at, around(value));
    }
  }
}

void each_place(const Action& action, const Json& value, const Use& use) {
  each_place(
      action.in, value, action.name + ".", [](Json whole) { return whole; }, use);
  for (const Member& filter : action.filters.members) {
    use(action.name + " filter " + filter.name,
        {{"Filters", {{{"Name", filter.name}, {"Values", {value}}}}}});
  }
}

}  // namespace

TEST(LongTexts, AreValidatedInAllPlacesOfAllActions) {
  const Json longs = std::string(300'000, 'a');
  std::size_t places = 0;
  for (const auto& [name, action] : model().actions()) {
    each_place(action, longs, [&](const std::string& path, Json params) {
      ++places;
      try {
        validate(action, params);
      } catch (const Error& error) {
        EXPECT_TRUE(model().errors().contains(error.code)) << path << " " << error.code;
        EXPECT_NE(error.code, "InternalError") << path;
      }
    });
  }
  EXPECT_GT(places, 700U);
}

// Through the whole gateway, handlers included where the text alone is enough to get there; call()
// checks that what is answered is documented.
TEST(LongTexts, AreAnsweredByAllActions) {
  Emulator emulator;
  const Json longs = std::string(300'000, '0');
  for (const auto& [name, action] : model().actions()) {
    const Action& called = action;
    for (const Member& member : called.in.members) {
      if (member.shape != nullptr || member.type == Type::integer || member.type == Type::boolean)
        continue;
      const Json params = {{member.name, member.list ? Json::array({longs}) : longs}};
      EXPECT_NE(emulator.code(called.name, params), "InternalError") << name << member.name;
    }
  }
}

// A text that is too long is refused for that, and its pattern is not tried any more.
TEST(LongTexts, AreRefusedForTheirLengthFirst) {
  Emulator emulator;
  const Json longs = std::string(300'000, '-');
  const auto refusal = [&](const std::string& action, const Json& params) {
    return emulator.call(action, params)["Error"]["Message"].get<std::string>();
  };
  EXPECT_NE(refusal("CreateKeyPair", {{"KeyName", longs}, {"ProjectId", 0}})
                .find("Characters allowed: 0..25."),
            std::string::npos);
  Json run = {{"ImageId", "img-487zeit5"}, {"Placement", {{"Zone", "ap-guangzhou-3"}}}};
  run["Metadata"]["Items"] = Json::array({{{"Key", longs}, {"Value", "v"}}});
  EXPECT_NE(refusal("RunInstances", run).find("Bytes allowed: 0..128."), std::string::npos);
}

// Where the API tells no limit there is still one.
TEST(LongTexts, AreRefusedWithoutADocumentedLimit) {
  Emulator emulator;
  const auto refusal = [&](const std::string& action, const Json& params) {
    return emulator.call(action, params)["Error"]["Message"].get<std::string>();
  };
  const auto run = [&](const char* name, const Json& value) {
    return refusal(
        "RunInstances",
        {{"ImageId", "img-487zeit5"}, {"Placement", {{"Zone", "ap-guangzhou-3"}}}, {name, value}});
  };
  const auto holds = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  holds(run("CamRoleName", std::string(65'537, 'r')), "Bytes allowed: 0..65536.");
  // One that can only be an id is refused as such.
  EXPECT_EQ(emulator.code("StopInstances", {{"InstanceIds", {std::string(300'000, 'i')}}}),
            "InvalidInstanceId.Malformed");
  holds(run("SecurityGroupIds", std::vector<Json>(1001, "sg-12345678")),
        "Number of values allowed: 0..1000.");
  holds(
      refusal("DescribeInstancesAttributes", {{"InstanceIds", {"ins-12345678"}},
                                              {"Attributes", std::vector<Json>(1001, "UserData")}}),
      "Number of values allowed: 0..1000.");
  const Json item = {{"Key", "k"}, {"Value", std::string(200'000, 'v')}};
  holds(run("Metadata", {{"Items", {item, item, item}}}), "524288");
  // Each of these opens a place in the name that does not end.
  std::string name;
  for (int i = 0; i < 20'000; ++i) name += "{R:";
  holds(run("HostName", name), "HostName");
  EXPECT_EQ(emulator.state().count("resource"), 0);
}

TEST(CharacterClasses, AreReadAsInRegularExpressions) {
  const auto letters = CharacterClass::read("^[A-Za-z0-9_-]+$");
  ASSERT_TRUE(letters);
  for (const char* right : {"a", "Z", "-", "_", "a-b_9"}) EXPECT_TRUE(letters->holds(right));
  for (const char* wrong : {"", " ", "a b", "é", "a\n", "+"}) EXPECT_FALSE(letters->holds(wrong));
  const auto few = CharacterClass::read("^[-a.]+$");
  ASSERT_TRUE(few);
  EXPECT_TRUE(few->holds("a-."));
  EXPECT_FALSE(few->holds("b"));
  for (const char* other : {"", "[", "^[]+$", "^[a]$", "[a]+", "^[^a]+$", "^[\\w]+$", "^[z-a]+$",
                            "^[a][b]+$", "^(a)+$"})
    EXPECT_FALSE(CharacterClass::read(other)) << other;
}

}  // namespace cvm::test
