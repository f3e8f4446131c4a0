// Reads and runs the steps of a script.
#include "tests/support/script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/emulator.h"
#include "tests/support/given.h"

namespace cvm::test {

namespace {

using Captures = std::map<std::string, Json>;

bool is_capture(const Json& value) {
  return value.is_string() && value.get<std::string>().starts_with("$");
}

// What differs, or nothing.
std::string difference(const Json& expected, const Json& actual, Captures& captures,
                       const std::string& path) {
  if (is_capture(expected)) {
    const std::string name = expected;
    if (name == "$_") return {};
    const auto known = captures.find(name);
    if (known == captures.end()) {
      captures[name] = actual;
      return {};
    }
    return known->second == actual ? ""
                                   : path + ": expected " + known->second.dump() + " (" + name +
                                         "), got " + actual.dump();
  }
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [name, value] : expected.items()) {
      const bool present = actual.contains(name);
      if (value == "$absent") {
        if (present) return path + "." + name + ": should be absent, is " + actual[name].dump();
        continue;
      }
      if (!present) return path + "." + name + ": missing";
      std::string fault = difference(value, actual[name], captures, path + "." + name);
      if (!fault.empty()) return fault;
    }
    return {};
  }
  if (expected.is_array() && actual.is_array()) {
    if (expected.size() != actual.size()) {
      return path + ": expected " + std::to_string(expected.size()) + " elements, got " +
             actual.dump();
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      std::string fault =
          difference(expected[i], actual[i], captures, path + "[" + std::to_string(i) + "]");
      if (!fault.empty()) return fault;
    }
    return {};
  }
  return expected == actual ? ""
                            : path + ": expected " + expected.dump() + ", got " + actual.dump();
}

std::string repeated(const std::string& what) {
  std::istringstream words(what);
  std::string word, piece, text;
  std::size_t times = 0;
  words >> word >> times >> piece;
  while (times-- > 0) text += piece;
  return text;
}

Json filled(const Json& value, const Captures& captures) {
  if (is_capture(value)) {
    const std::string name = value;
    if (name.starts_with("$repeat ")) return repeated(name);
    const auto known = captures.find(name);
    return known == captures.end() ? value : known->second;
  }
  if (!value.is_structured()) return value;
  Json copy = value;
  for (auto& [name, member] : copy.items()) member = filled(member, captures);
  return copy;
}

Milliseconds duration(const std::string& text) {
  std::size_t digits = 0;
  const std::int64_t number = std::stoll(text, &digits);
  const std::string unit = text.substr(digits);
  if (unit == "ms") return Milliseconds{number};
  if (unit == "s") return std::chrono::seconds{number};
  if (unit == "m") return std::chrono::minutes{number};
  if (unit == "h") return std::chrono::hours{number};
  if (unit == "d") return std::chrono::hours{24 * number};
  throw std::runtime_error("no unit: " + text);
}

}  // namespace

// Joins lines until the JSON in them is whole.
std::vector<ScriptStep> read_steps(const std::string& path) {
  std::ifstream file(path);
  std::vector<ScriptStep> steps;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    std::istringstream words(line);
    ScriptStep step;
    step.line = number;
    words >> step.verb;
    std::getline(words >> std::ws, step.rest);
    const std::size_t json = step.rest.find('{');
    if (json != std::string::npos && step.rest.rfind("error", 0) != 0) {
      while (!Json::accept(step.rest.substr(json)) && std::getline(file, line)) {
        ++number;
        step.rest += " " + line;
      }
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

namespace {

class Runner {
 public:
  explicit Runner(const std::string& path) : path_(path), options_{} {
    options_.state.path = directory_.file("state.db");
  }

  void run(const ScriptStep& step) {
    const testing::ScopedTrace trace(path_.c_str(), step.line, step.verb + " " + step.rest);
    if (step.verb == "options") return read_options(Json::parse(step.rest));
    if (!emulator_) emulator_ = std::make_unique<Emulator>(options_);
    std::istringstream words(step.rest);
    std::string word, rest;
    words >> word;
    std::getline(words >> std::ws, rest);
    if (step.verb != "=>" && refused()) FAIL() << "the call before was refused: " << answer_.dump();
    if (step.verb != "given") come_to_rest();
    if (testing::Test::HasFatalFailure()) return;
    if (step.verb == "given") {
      give(read_given(step.rest));
    } else if (step.verb == "call") {
      expected_ = false;
      answer_ = emulator_->call(
          word, rest.empty() ? Json::object() : filled(Json::parse(rest), captures_), from_);
    } else if (step.verb == "raw") {
      expected_ = false;
      answer_ = emulator_->raw(
          word, rest.empty() ? Json::object() : filled(Json::parse(rest), captures_), from_);
    } else if (step.verb == "=>") {
      expect(step.rest, word, rest);
    } else if (step.verb == "as") {
      from_.secret_id = word == "main" ? "AKIDEXAMPLE" : "AKIDEXAMPLE-" + word;
    } else if (step.verb == "region") {
      from_.region = word;
    } else if (step.verb == "language") {
      from_.language = word;
    } else if (step.verb == "advance") {
      emulator_->advance(duration(word));
    } else if (step.verb == "pass") {
      emulator_->pass(duration(word));
    } else if (step.verb == "restart") {
      step.rest.empty() ? emulator_->restart()
                        : emulator_->restart(written(Json::parse(step.rest)));
    } else if (step.verb == "admin") {
      admin(word, rest);
    } else {
      FAIL() << "unknown step";
    }
  }

 private:
  bool refused() const { return !expected_ && answer_.is_object() && answer_.contains("Error"); }

  void read_options(const Json& given) {
    options_.gateway.rate_limits = given.value("rate_limits", false);
    options_.gateway.ignore_unknown_parameters = given.value("validation", "strict") == "lenient";
    options_.state.lifecycle = given.value("lifecycle", "fast");
    options_.state.clock = given.value("clock", "frozen");
    options_.state.seed = given.value("seed", 1U);
    options_.state.fixtures = written(given);
    for (const Json& scenario : given.value("scenarios", Json::array()))
      options_.scenarios.push_back({"scenario", scenario});
  }

  // The directory with the fixtures that a step names; empty if it names none.
  std::string written(const Json& given) {
    if (given.value("fixtures", Json::object()).empty()) return {};
    const std::string directory = directory_.file("fixtures" + std::to_string(++fixtures_));
    std::filesystem::create_directory(directory);
    for (const auto& [name, content] : given["fixtures"].items())
      std::ofstream(directory + "/" + name) << content;
    return directory;
  }

  void give(GivenLine line) {
    const Json params = filled(line.params, captures_);
    if (params != line.params) come_to_rest();
    Json asked = Json::parse(line.kind->params);
    asked.merge_patch(params);
    for (std::size_t named = 0; named < line.names.size();) {
      const Json made = emulator_->call(std::string(line.kind->action), asked, from_);
      ASSERT_FALSE(made.contains("Error")) << made.dump();
      Json ids = made.at(Json::json_pointer(std::string(line.kind->id)));
      if (!ids.is_array()) ids = Json::array({ids});
      ASSERT_TRUE(!ids.empty() && named + ids.size() <= line.names.size()) << made.dump();
      for (const Json& id : ids) {
        std::string& name = line.names[named++];
        if (name != "$_") ASSERT_TRUE(captures_.emplace(name, id).second) << name << " is taken";
        name = id;
      }
    }
    given_.push_back(std::move(line));
    answer_ = nullptr;
  }

  // Lets what was given get into its states.
  void come_to_rest() {
    const std::vector<GivenLine> given = std::exchange(given_, {});
    const auto waits = [](const GivenLine& line) { return line.waits(); };
    if (std::none_of(given.begin(), given.end(), waits)) return;
    pass_time();
    std::map<std::string, Json> asked;  // By action, the ids.
    for (const GivenLine& line : given) {
      ASSERT_TRUE(line.waits() || line.state.empty())
          << "others wait: it cannot stay " << line.state;
      const std::string action(line.action());
      if (action.empty()) continue;
      for (const std::string& id : line.names)
        asked[action][std::string(line.kind->ids)].push_back(id);
    }
    for (const auto& [action, params] : asked) {
      const Json answer = emulator_->call(action, params, from_);
      ASSERT_FALSE(answer.contains("Error")) << answer.dump();
    }
    pass_time();
  }

  void pass_time() {
    constexpr int day = 24 * 60 * 60;
    for (int waited = 0; !emulator_->at_rest(from_); ++waited) {
      ASSERT_LT(waited, day) << "it does not come to rest";
      emulator_->advance(std::chrono::seconds{1});
    }
  }

  void admin(const std::string& method, const std::string& rest) {
    const std::size_t space = rest.find(' ');
    std::string target = "/_cvmsim/" + rest.substr(0, space);
    for (const auto& [name, value] : captures_) {
      const std::size_t found = target.find(name);
      if (found != target.npos && value.is_string())
        target.replace(found, name.size(), value.get<std::string>());
    }
    const std::string body =
        space == std::string::npos ? "" : filled(Json::parse(rest.substr(space)), captures_).dump();
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    const HttpResponse response = emulator_->send(request);
    status_ = response.status;
    answer_ = Json::parse(response.body, nullptr, false);
    if (answer_.is_discarded()) answer_ = response.body;
  }

  void expect(const std::string& whole, const std::string& word, const std::string& rest) {
    expected_ = true;
    if (word == "error") {
      std::istringstream words(rest);
      std::string code, part;
      words >> code;
      std::getline(words >> std::ws, part);
      ASSERT_TRUE(answer_.contains("Error")) << answer_.dump();
      EXPECT_EQ(answer_["Error"]["Code"], code) << answer_.dump();
      EXPECT_NE(answer_["Error"]["Message"].get<std::string>().find(part), std::string::npos)
          << answer_.dump();
    } else if (word == "status") {
      std::istringstream words(rest);
      int status = 0;
      std::string part;
      words >> status;
      std::getline(words >> std::ws, part);
      EXPECT_EQ(status_, status) << answer_.dump();
      const std::string text = answer_.is_string() ? answer_.get<std::string>() : answer_.dump();
      EXPECT_NE(text.find(part), std::string::npos) << text;
    } else {
      ASSERT_FALSE(answer_.is_object() && answer_.contains("Error")) << answer_.dump();
      EXPECT_EQ(difference(Json::parse(whole), answer_, captures_, ""), "");
    }
  }

  std::string path_;
  TemporaryDirectory directory_;
  EmulatorOptions options_;
  std::unique_ptr<Emulator> emulator_;
  From from_;
  Captures captures_;
  std::vector<GivenLine> given_;  // Have not come to rest yet.
  int fixtures_ = 0;              // Directories written.
  Json answer_;
  int status_ = 0;
  bool expected_ = false;  // The last answer has been looked at.
};

}  // namespace

void run_script(const std::string& path) {
  const std::vector<ScriptStep> steps = read_steps(path);
  ASSERT_FALSE(steps.empty()) << path;
  Runner runner(path);
  for (const ScriptStep& step : steps) {
    runner.run(step);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace cvm::test
