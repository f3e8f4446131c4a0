// The model's inner consistency, and the validator's rules as a table.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "handlers/api/formats.h"
#include "handlers/api/validate.h"
#include "state/base/error.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

std::string refusal(const std::string& action, const std::string& params,
                    ValidateOptions options = {}) {
  Json tree = Json::parse(params);
  const auto refused = validate(*model().find(action), tree, options);
  return refused ? refused->code + " " + refused->parameter : "";
}

void each_member(const std::string& where, const Shape& shape, const auto& use) {
  for (const Member& member : shape.members) use(where + "." + member.name, shape, member);
}

// Calls `use(where, shape, member)` for every member of the model.
void each_member(const auto& use) {
  for (const auto& [name, action] : model().actions()) {
    each_member(name + ".in", action.in, use);
    each_member(name + ".out", action.out, use);
    each_member(name + ".filters", action.filters, use);
    for (const Shape* shape : {&action.in, &action.out}) {
      for (const Member& member : shape->members) {
        if (member.shape != nullptr) each_member(member.shape->name, *member.shape, use);
      }
    }
  }
}

}  // namespace

TEST(Model, IsComplete) {
  EXPECT_EQ(model().actions().size(), 87U);
  EXPECT_GE(model().errors().size(), 398U);
  std::set<std::string> categories;
  for (const auto& [name, action] : model().actions()) {
    categories.insert(action.category);
    EXPECT_GT(action.rate, 0) << name;
    EXPECT_EQ(action.in.find("RequestId"), nullptr) << name;
  }
  EXPECT_EQ(categories.size(), 12U);
  EXPECT_EQ(Json::parse(*Fixtures::builtin("api/shapes.json")).size(), 63U);
}

TEST(Model, NamesOnlyListedErrors) {
  for (const auto& [name, action] : model().actions()) {
    for (const std::string& code : action.errors)
      EXPECT_TRUE(model().errors().contains(code)) << name << " " << code;
  }
  each_member([](const std::string& where, const Shape&, const Member& member) {
    for (const std::string& code :
         {member.in_code, member.size_code, member.length_code, member.bytes_code, member.id_code,
          member.format_code, member.pattern_code}) {
      EXPECT_TRUE(code.empty() || model().errors().contains(code)) << where << " " << code;
    }
  });
}

TEST(Model, RefersOnlyToMembersThatExist) {
  each_member([](const std::string& where, const Shape& shape, const Member& member) {
    for (const std::string& other : member.conflicts)
      EXPECT_NE(shape.find(other), nullptr) << where << " " << other;
    for (const std::string& other : member.required_unless)
      EXPECT_NE(shape.find(other), nullptr) << where;
    EXPECT_TRUE(!member.required_if || shape.find(member.required_if->first) != nullptr) << where;
  });
}

TEST(Model, DefaultsKeepTheirOwnRules) {
  each_member([](const std::string& where, const Shape&, const Member& member) {
    if (!member.fallback) return;
    EXPECT_FALSE(member.list) << where;
    const bool right = member.type == Type::integer   ? member.fallback->is_number_integer()
                       : member.type == Type::boolean ? member.fallback->is_boolean()
                                                      : member.fallback->is_string();
    EXPECT_TRUE(right) << where;
    EXPECT_TRUE(!member.range || member.range->holds(member.fallback->get<std::int64_t>()))
        << where;
    const std::string text =
        member.fallback->is_string() ? member.fallback->get<std::string>() : "";
    if (!member.values.empty() && !text.empty()) {
      EXPECT_NE(std::find(member.values.begin(), member.values.end(), text), member.values.end())
          << where;
    }
  });
}

TEST(Model, ShapesOfKindsHaveTheirAttributes) {
  const Kinds kinds{Fixtures{}};
  for (const auto& kind : kinds.all()) {
    const Shape* shape = model().shape(kind->shape);
    ASSERT_NE(shape, nullptr) << kind->name;
    if (kind->id_member.empty()) continue;
    EXPECT_NE(shape->find(kind->id_member), nullptr);
    EXPECT_EQ(shape->find(kind->state) == nullptr, kind->state.empty());
    EXPECT_TRUE(model().errors().contains(kind->missing)) << kind->missing;
    std::vector<std::string> codes = kind->refused;
    codes.insert(codes.end(), kind->busy.begin(), kind->busy.end());
    for (const std::string& code : codes) EXPECT_TRUE(model().errors().contains(code)) << code;
    for (const Attribute& attribute : kind->attributes) {
      const Shape* at = shape;
      std::string_view rest = attribute.path;
      while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        rest = name.size() == rest.size() ? "" : rest.substr(name.size() + 1);
        if (name == "*") continue;
        const Member* member = at->find(name.substr(0, name.find('|')));
        ASSERT_NE(member, nullptr) << kind->name << " " << attribute.path;
        if (member->shape != nullptr) at = member->shape;
      }
    }
  }
}

TEST(Model, MessagesNameTheCulprit) {
  for (const auto& [code, text] : model().errors()) {
    const std::string message = model().message(code, "Some.Parameter", "some-value", "", "en-US");
    EXPECT_EQ(message.find('{'), std::string::npos) << code;
    const bool named = message.find("Some.Parameter") != std::string::npos ||
                       message.find("some-value") != std::string::npos;
    EXPECT_TRUE(named) << code << ": " << message;
  }
  EXPECT_NE(model().message("MissingParameter", "X", "", "", "zh-CN"),
            model().message("MissingParameter", "X", "", "", "en-US"));
  EXPECT_THROW(model().message("NoSuchCode", "", "", "", ""), std::logic_error);
  const std::string huge =
      model().message("InvalidParameterValue", "X", std::string(100000, 'x'), "", "");
  EXPECT_LT(huge.size(), 1000U);
}

TEST(Model, RefusesLinesItCannotRead) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.file("api"));
  for (const char* line :
       {"", "strong", "int in", "int size x..y", "string else X", "string in A else",
        "int default x", "string pattern [", "string sometimes"}) {
    std::FILE* file = std::fopen(directory.file("api/shapes.json").c_str(), "w");
    std::fputs(Json{{"Tag", {{"Key", line}}}}.dump().c_str(), file);
    std::fclose(file);
    EXPECT_THROW(Model{Fixtures(directory.path())}, ConfigError) << line;
  }
}

TEST(Validate, ReportsTheFirstViolationInTheOrderOfTheContract) {
  struct Case {
    const char *action, *params, *refusal;
  };
  const Case cases[] = {
      {"StopInstances", R"({"InstanceIds":["ins-12345678"]})", ""},
      {"StopInstances", R"({"InstanceIds":["ins-12345678"],"ForceStop":"TRUE"})", ""},
      {"StopInstances", R"({"InstanceIds":"ins-12345678","X":1})", "UnknownParameter X"},
      {"StopInstances", R"({"InstanceIds":"ins-12345678"})", "InvalidParameter InstanceIds"},
      {"StopInstances", R"({"InstanceIds":[1]})", "InvalidParameter InstanceIds.0"},
      {"StopInstances", R"({"InstanceIds":[null]})", "InvalidParameter InstanceIds.0"},
      {"StopInstances", R"({"InstanceIds":[]})", "MissingParameter InstanceIds"},
      {"StopInstances", R"({"InstanceIds":null})", "MissingParameter InstanceIds"},
      {"StopInstances", R"({"StopType":"EASY"})", "MissingParameter InstanceIds"},
      {"StopInstances", R"({"InstanceIds":["ins-12345678"],"StopType":"EASY"})",
       "InvalidParameterValue StopType"},
      {"StopInstances", R"({"InstanceIds":["ins-12345678"],"StopType":""})", ""},
      {"StopInstances", R"({"InstanceIds":["i-1"]})", "InvalidInstanceId.Malformed InstanceIds.0"},
      {"StopInstances", R"({"InstanceIds":["ins-12345678"],"ForceStop":"yes"})",
       "InvalidParameter ForceStop"},
      {"DescribeInstances", R"({"Limit":"50"})", ""},
      {"DescribeInstances", R"({"Limit":"5x"})", "InvalidParameter Limit"},
      {"DescribeInstances", R"({"Limit":2.0})", "InvalidParameter Limit"},
      {"DescribeInstances", R"({"Limit":101})", "InvalidParameterValue Limit"},
      {"DescribeInstances", R"({"Offset":-1})", "InvalidParameterValue Offset"},
      {"DescribeInstances", R"({"Limit":99999999999999999999})", "InvalidParameter Limit"},
      {"DescribeInstances", R"({"Limit":0,"Filters":5})", "InvalidParameter Filters"},
      {"DescribeInstances", R"({"Filters":[{"Name":"zone"}]})",
       "MissingParameter Filters.0.Values"},
      {"DescribeInstances", R"({"Filters":[{"Name":"colour","Values":["x"]}]})",
       "InvalidFilter Filters.0.Name"},
      {"DescribeInstances", R"({"Filters":[{"Name":"tag:","Values":["x"]}]})",
       "InvalidFilter Filters.0.Name"},
      {"DescribeInstances", R"({"Filters":[{"Name":"tag:a","Values":["x"]}]})", ""},
      {"DescribeInstances", R"({"Filters":[{"Name":"project-id","Values":["x"]}]})",
       "InvalidParameterValue Filters.0.Values.0"},
      {"DescribeInstances", R"({"Filters":[{"Name":"zone","Values":["1","2","3","4","5","6"]}]})",
       "InvalidFilterValue.LimitExceeded Filters.0.Values"},
      {"DescribeInstances", R"({"Filters":[{"Name":"vpc-id","Values":["vpc"]}]})",
       "InvalidParameterValue.VpcIdMalformed Filters.0.Values.0"},
      {"DescribeImages",
       R"({"ImageIds":["img-12345678"],"Filters":[{"Name":"platform","Values":["x"]}]})",
       "InvalidParameter.InvalidParameterCoexistImageIdsFilters ImageIds"},
      {"DescribeZones", R"({"Limit":1})", "UnknownParameter Limit"},
      {"RunInstances", R"({})", "MissingParameter Placement"},
      {"RunInstances", R"({"LaunchTemplate":{"LaunchTemplateId":"lt-12345678"}})", ""},
      {"RunInstances", R"({"ImageId":"img-12345678","Placement":{}})",
       "MissingParameter Placement.Zone"},
      {"RunInstances", R"({"ImageId":"img-12345678","Placement":{"Zone":"z","Zonee":"z"}})",
       "UnknownParameter Placement.Zonee"},
      {"RunInstances",
       R"({"ImageId":"img-12345678","Placement":{"Zone":"z"},"InstanceChargeType":"PREPAID"})",
       "MissingParameter InstanceChargePrepaid"},
      {"RunInstances",
       R"({"ImageId":"img-12345678","Placement":{"Zone":"z"},"InstanceChargePrepaid":{"Period":13}})",
       "InvalidPeriod InstanceChargePrepaid.Period"},
      {"RunInstances", R"({"ImageId":"img-12345678","Placement":{"Zone":"z"},"ClientToken":"é"})",
       "InvalidParameterValue.IncorrectFormat ClientToken"},
      {"CreateKeyPair", R"({"KeyName":"a-b","ProjectId":0})",
       "InvalidKeyPairNameIncludeIllegalChar KeyName"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(refusal(one.action, one.params), one.refusal) << one.params;
  EXPECT_EQ(refusal("DescribeZones", R"({"Limit":1})", {.ignore_unknown = true}), "");
  EXPECT_EQ(refusal("DescribeZones", "{}", {.body_missing = true}),
            "InvalidParameter request body");
  EXPECT_EQ(refusal("StopInstances", "{}", {.body_missing = true}), "MissingParameter InstanceIds");
}

TEST(Formats, AreExact) {
  EXPECT_TRUE(has_format("IyEvYmluL3NoCg==", "base64"));
  for (const char* wrong : {"IyEvYmluL3NoCg=", "a b=", "====", "YQ=a"})
    EXPECT_FALSE(has_format(wrong, "base64")) << wrong;
  EXPECT_TRUE(has_format("2001:db8::1", "ipv6"));
  EXPECT_FALSE(has_format("256.1.1.1", "ipv4"));
  EXPECT_EQ(ipv4_text(*parse_ipv4("198.18.0.1")), "198.18.0.1");
  EXPECT_TRUE(is_private_ipv4(*parse_ipv4("172.31.0.1")));
  EXPECT_FALSE(is_private_ipv4(*parse_ipv4("172.32.0.1")));
  EXPECT_EQ(utf8_length("aé测"), 3);
  for (const char* wrong :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\xe6\xb5", "\xf0\x80\x80\x80"})
    EXPECT_FALSE(is_utf8(wrong));
}

TEST(Args, KnowTheirNames) {
  const Json params = {{"InstanceIds", {"a"}}};
  const Args args(params, model().find("StopInstances")->in);
  EXPECT_EQ(args.text("StopType"), "SOFT");
  EXPECT_FALSE(args.given("StopType"));
  EXPECT_THROW(args.text("StopTipe"), std::logic_error);
}

}  // namespace cvm::test
