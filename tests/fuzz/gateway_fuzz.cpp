// libFuzzer on everything that a request's bytes can reach: wire, signatures, validation, handlers,
// admin API. The first two bytes choose the way in and the action.
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "server/gateway/gateway.h"

namespace {

using cvm::HttpRequest;

struct Fuzzed {
  cvm::State state{{.seed = 1, .clock = "frozen"}, cvm::Time{}};
  cvm::Model model{state.fixtures()};
  cvm::Gateway gateway{
      state, model, {.auth = {.mode = cvm::Auth::lenient}, .rate_limits = false}, [] {
        return cvm::Time{};
      }};
  std::vector<std::string> actions;

  Fuzzed() {
    spdlog::set_level(spdlog::level::off);
    for (const auto& [name, action] : model.actions()) actions.push_back(name);
  }
};

HttpRequest tc3(const std::string& action, std::string_view content_type) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.headers = {{"Host", "h"},
                     {"Content-Type", content_type},
                     {"X-TC-Action", action},
                     {"X-TC-Version", "2017-03-12"},
                     {"X-TC-Region", "ap-guangzhou"},
                     {"X-TC-Timestamp", "1"},
                     {"Authorization",
                      "TC3-HMAC-SHA256 Credential=a/1970-01-01/cvm/tc3_request, "
                      "SignedHeaders=host, Signature=0"}};
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fuzzed fuzzed;
  if (size < 2) return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string& action = fuzzed.actions[data[1] % fuzzed.actions.size()];
  const std::string query = "/?" + rest;
  const std::string v1 =
      "Action=" + action + "&Version=2017-03-12&Region=ap-guangzhou&SecretId=a&" + rest;
  const std::string v1_query = "/?" + v1, admin = "/_cvmsim/" + rest;
  HttpRequest request = tc3(action, "application/json");
  request.body = rest;
  switch (data[0] % 8) {
    case 0:
      break;
    case 1:
      request.method = "GET";
      request.target = query;
      break;
    case 2:
      request = {.method = "GET", .target = v1_query};
      break;
    case 3:
      request = {.method = "POST",
                 .target = "/",
                 .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                 .body = v1};
      break;
    case 4:
      request = tc3(action, "multipart/form-data; boundary=X");
      request.body = rest;
      break;
    case 5:
      request.headers.back().second = rest;
      break;
    case 6:
      request = {.method = "GET", .target = admin};
      break;
    default: {
      static constexpr std::string_view calls[] = {"/_cvmsim/clock", "/_cvmsim/clock/advance",
                                                   "/_cvmsim/lifecycle", "/_cvmsim/reset"};
      request = {.method = data[1] % 2 == 0 ? "PUT" : "POST",
                 .target = calls[data[1] / 2 % 4],
                 .body = rest};
    }
  }
  const cvm::HttpResponse response = fuzzed.gateway.handle(request);
  const bool bug = response.body.find("\"InternalError\"") != std::string::npos;
  if (bug || !cvm::Json::accept(response.body)) std::abort();
  return 0;
}
