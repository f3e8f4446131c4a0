// That it reads what nlohmann's own reader reads, and stops at its limits.
#include <gtest/gtest.h>

#include "state/base/parse_json.h"

namespace cvm::test {

namespace {

// `{"m0":0,"m1":0,…}`
std::string object_of(std::size_t members) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i)
    text.append(i > 0 ? "," : "").append("\"m").append(std::to_string(i)).append("\":0");
  return text + "}";
}

std::string problem(const std::string& text, const JsonLimits& limits = {}) {
  const ParsedJson parsed = parse_json(text, limits);
  EXPECT_TRUE(parsed.problem.empty() || parsed.value.is_null());
  return parsed.problem;
}

}  // namespace

TEST(ParseJson, ReadsWhatTheLibraryReads) {
  for (const std::string& text :
       {std::string("null"), std::string("[]"), std::string("{}"), std::string(" [1, -2, 3.5e2] "),
        std::string(R"({"a":{"b":[{"c":null},true,"x\u00e9"]},"d":18446744073709551615})"),
        std::string(R"([[],[[]],{"a":[{}]},{}])"), std::string(R"({"a":1,"b":2,"a":3})"),
        object_of(100), object_of(40) + " ", std::string("123456789012345678901234567890")}) {
    const ParsedJson parsed = parse_json(text);
    EXPECT_EQ(parsed.problem, "") << text;
    EXPECT_EQ(parsed.value.dump(), Json::parse(text).dump());
  }
  std::string twice = object_of(100);
  twice.back() = ',';
  EXPECT_EQ(parse_json(twice + "\"m0\":1,\"m99\":2}").value.dump(),
            Json::parse(twice + "\"m0\":1,\"m99\":2}").dump());
  for (const char* wrong : {"", "{", "[1,]", "{\"a\"}", "{}x", "nul", "\"\xff\"", "1e999", "[\"a",
                            "'a'", "NaN", "\x01"})
    EXPECT_TRUE(problem(wrong).starts_with("is not valid JSON")) << wrong;
  EXPECT_EQ(problem("{\n  \"a\": 1,\n  x}"), "is not valid JSON in UTF-8 (line 3, column 3)");
}

TEST(ParseJson, StopsAtItsLimits) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(problem(nested(32)), "");
  EXPECT_EQ(problem(nested(33)), "is nested more than 32 deep");
  EXPECT_EQ(problem(std::string(10'000'000, '[')), "is nested more than 32 deep");
  EXPECT_EQ(problem(object_of(1000)), "");
  EXPECT_EQ(problem(object_of(1001)), "has an object of more than 1000 members");
  EXPECT_EQ(problem("[1,2,{\"a\":3}]", {.values = 5}), "");
  EXPECT_EQ(problem("[1,2,{\"a\":3}]", {.values = 4}), "has more than 4 values");
  EXPECT_EQ(parse_json("[1,2,{\"a\":3}]").values, 5U);
  std::string empties = "[";
  for (int i = 0; i < 1'000'000; ++i) empties += "{},";
  EXPECT_EQ(problem(empties), "has more than 200000 values");
}

// Looking for each among those before it would be 20,000,000,000 comparisons.
TEST(ParseJson, ManyMembersCostNoMoreThanTheirLength) {
  const ParsedJson parsed = parse_json(object_of(200'000), {.members = 200'000, .values = 300'000});
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.value.size(), 200'000U);
}

}  // namespace cvm::test
