// Sends requests to the gateway as an SDK would, less the signature.
#include "tests/support/emulator.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "handlers/api/conform.h"
#include "handlers/api/formats.h"

namespace cvm::test {

const Model& model() {
  static const Model loaded{Fixtures{}};
  return loaded;
}

const Registry& registry() {
  static const Registry all;
  return all;
}

Emulator::Emulator(EmulatorOptions options) : options_(std::move(options)) {
  registry_.add(options_.actions);
  restart();
}

void Emulator::restart(const std::string& fixtures) {
  options_.state.fixtures = fixtures;
  restart();
}

void Emulator::restart() {
  app_.reset();
  state_.reset();
  state_ = std::make_unique<State>(options_.state, wall_);
  if (!options_.state.fixtures.empty()) model_.emplace(state_->fixtures());
  app_ = std::make_unique<App>(
      *state_, model_ ? *model_ : model(), registry_,
      AppOptions{.gateway = options_.gateway, .browser = {}, .lifecycle = options_.state.lifecycle},
      [this] { return wall_; });
  app_->start_with(options_.scenarios);
}

namespace {

// Owns what the views of a request point to.
struct Sent {
  std::string body, authorization, action, region, language;
  HttpRequest request;

  Sent(const std::string& name, const Json& params, const From& from)
      : body(params.dump()),
        authorization("TC3-HMAC-SHA256 Credential=" + from.secret_id +
                      "/2026-11-24/cvm/tc3_request, SignedHeaders=content-type;host, Signature=0"),
        action(name),
        region(from.region),
        language(from.language) {
    request.method = "POST";
    request.target = "/";
    request.body = body;
    request.headers = {{"Host", "127.0.0.1"},       {"Content-Type", "application/json"},
                       {"X-TC-Action", action},     {"X-TC-Version", "2017-03-12"},
                       {"X-TC-Region", region},     {"X-TC-Timestamp", "1795478400"},
                       {"X-TC-Language", language}, {"Authorization", authorization}};
  }
  Sent(const Sent&) = delete;
  Sent& operator=(const Sent&) = delete;
};

}  // namespace

Json Emulator::call(const std::string& action, const Json& params, const From& from) {
  const Sent sent(action, params, from);
  const HttpResponse answer = send(sent.request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  Json response = Json::parse(answer.body).at("Response");
  if (const Action* known = model().find(action)) {
    EXPECT_EQ(conformance(*known, response), "") << action << " " << sent.body;
  }
  return response;
}

Json Emulator::raw(const std::string& action, const Json& params, const From& from) {
  static constexpr const char* deliveries[] = {"send", "drop", "reset", "half"};
  const Sent sent(action, params, from);
  Exchange exchange(sent.request);
  app_->begin(exchange);
  const Milliseconds delay = exchange.delay;
  pass(delay);
  if (delay.count() > 0) app_->finish(exchange);
  const HttpResponse& answer = exchange.response;
  return {{"status", answer.status},
          {"content_type", answer.content_type},
          {"body", answer.body},
          {"delivery", deliveries[static_cast<int>(answer.delivery)]},
          {"delay_ms", delay.count()}};
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
  Json json = Json::parse(answer.body, nullptr, false);
  return json.is_discarded() ? Json(answer.body) : json;
}

std::vector<StateChange> Emulator::advance(Milliseconds time) {
  const std::lock_guard lock(state_->mutex);
  const State::ClockMove move = [&](const std::string&, Clock& clock) {
    clock.set(clock.now(wall_) + time, wall_);
  };
  return state_->move_clock("", move, wall_).changes;
}

bool Emulator::at_rest(const From& from) const {
  const std::lock_guard lock(state_->mutex);
  return state_->pending(state_->credentials().account(from.secret_id).uin).operations == 0;
}

namespace {

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
  return mismatch(members, action.out, "");
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
