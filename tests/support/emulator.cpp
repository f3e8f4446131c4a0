// Sends requests to the gateway as an SDK would, less the signature.
#include "tests/support/emulator.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "handlers/api/formats.h"

namespace cvm::test {

const Model& model() {
  static const Model loaded{Fixtures{}};
  return loaded;
}

Emulator::Emulator(EmulatorOptions options) : options_(std::move(options)) { restart(); }

void Emulator::restart() {
  gateway_.reset();
  state_.reset();
  state_ = std::make_unique<State>(options_.state, machine_);
  gateway_ =
      std::make_unique<Gateway>(*state_, model(), options_.gateway, [this] { return machine_; });
  gateway_->ready = true;
}

Json Emulator::call(const std::string& action, const Json& params, const From& from) {
  const std::string body = params.dump();
  const std::string authorization =
      "TC3-HMAC-SHA256 Credential=" + from.secret_id +
      "/2026-11-24/cvm/tc3_request, SignedHeaders=content-type;host, Signature=0";
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.body = body;
  request.headers = {{"Host", "127.0.0.1"},
                     {"Content-Type", "application/json"},
                     {"X-TC-Action", action},
                     {"X-TC-Version", "2017-03-12"},
                     {"X-TC-Region", from.region},
                     {"X-TC-Timestamp", "1795478400"},
                     {"X-TC-Language", from.language},
                     {"Authorization", authorization}};
  const HttpResponse answer = send(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  Json response = Json::parse(answer.body).at("Response");
  if (const Action* known = model().find(action)) {
    EXPECT_EQ(conformance(*known, response), "") << action << " " << body;
  }
  return response;
}

std::string Emulator::code(const std::string& action, const Json& params, const From& from) {
  const Json response = call(action, params, from);
  return response.contains("Error") ? response["Error"]["Code"].get<std::string>() : "";
}

Json Emulator::admin(const std::string& method, const std::string& path, const Json& body,
                     int status) {
  const std::string text = body.is_null() ? "" : body.dump();
  const std::string target = "/_cvmsim/" + path;
  HttpRequest request;
  request.method = method;
  request.target = target;
  request.body = text;
  const HttpResponse answer = send(request);
  EXPECT_EQ(answer.status, status) << method << " " << path << ": " << answer.body;
  return Json::parse(answer.body);
}

std::vector<Change> Emulator::advance(Milliseconds time) {
  const std::lock_guard lock(state_->mutex);
  return state_->move_clock(
      "",
      [&](const std::string&, Clock& clock) { clock.set(clock.now(machine_) + time, machine_); },
      machine_);
}

namespace {

bool has_type(const Json& value, const Member& member) {
  switch (member.type) {
    case Type::integer:
      return value.is_number_integer();
    case Type::number:
      return value.is_number();
    case Type::boolean:
      return value.is_boolean();
    case Type::object:
      return value.is_object();
    case Type::time:
      return value.is_string() && parse_iso8601(value.get<std::string>()).has_value();
    default:
      return value.is_string();
  }
}

std::string check_object(const Json& object, const Shape& shape, const std::string& path);

std::string check_value(const Json& value, const Member& member, const std::string& path) {
  if (!has_type(value, member)) return path + " has the wrong type: " + value.dump();
  if (member.type == Type::object) return check_object(value, *member.shape, path + ".");
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const bool listed = member.values.empty() || std::find(member.values.begin(), member.values.end(),
                                                         text) != member.values.end();
  return listed ? "" : path + " is not one of its values: " + text;
}

std::string check_object(const Json& object, const Shape& shape, const std::string& path) {
  for (const auto& [name, value] : object.items()) {
    const Member* member = shape.find(name);
    if (member == nullptr) return path + name + " is not in the model";
    if (value.is_null()) {
      if (!member->nullable) return path + name + " is null";
      continue;
    }
    std::string fault;
    if (!member->list) {
      fault = check_value(value, *member, path + name);
    } else if (!value.is_array()) {
      fault = path + name + " is not a list";
    } else {
      for (const Json& element : value) {
        if (fault.empty()) fault = check_value(element, *member, path + name + "[]");
      }
    }
    if (!fault.empty()) return fault;
  }
  return {};
}

// Codes that the way to an action may answer, whatever the action.
bool is_general(const std::string& code) {
  static const std::vector<std::string> codes = {"InvalidAction",        "NoSuchVersion",
                                                 "UnsupportedRegion",    "UnsupportedProtocol",
                                                 "RequestLimitExceeded", "RequestSizeLimitExceeded",
                                                 "InvalidRequest"};
  return code.starts_with("AuthFailure.") ||
         std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

std::string conformance(const Action& action, const Json& response) {
  const auto id = response.find("RequestId");
  if (id == response.end() || !id->is_string() || !has_format(id->get<std::string>(), "uuid"))
    return "no RequestId";
  if (const auto error = response.find("Error"); error != response.end()) {
    const std::string code = error->at("Code");
    if (!model().errors().contains(code)) return "unlisted code " + code;
    if (!action.documents(code) && !is_general(code))
      return action.name + " does not document " + code;
    return error->at("Message").get<std::string>().empty() ? "empty message" : "";
  }
  Json members = response;
  members.erase("RequestId");
  for (const Member& member : action.out.members) {
    if (!members.contains(member.name)) return "missing " + member.name;
  }
  return check_object(members, action.out, "");
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/cvmsim-test-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace cvm::test
