// libFuzzer on everything that a request's bytes can reach: wire, signatures, validation, handlers,
// admin API. The first two bytes choose the way in, how often a part is repeated, and the action.
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "server/admin/admin_call.h"
#include "server/app.h"

namespace {

using cvm::HttpRequest;

struct Fuzzed {
  cvm::State state{{.seed = 1, .clock = "frozen"}, cvm::Time{}};
  cvm::Model model{state.fixtures()};
  cvm::Registry registry;
  cvm::App app{state,
               model,
               registry,
               {.gateway = {.auth = {.mode = cvm::Auth::lenient}, .rate_limits = false}},
               [] { return cvm::Time{}; }};
  std::vector<std::string> actions;
  std::vector<const cvm::Route*> changes;  // Of the admin API: all that take a body.

  Fuzzed() {
    spdlog::set_level(spdlog::level::off);
    for (const auto& [name, action] : model.actions()) actions.push_back(name);
    for (const cvm::Route& route : cvm::all_routes()) {
      if (route.method != "GET") changes.push_back(&route);
    }
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

// With what stands between its first two bytes of 1 so many times: a few bytes make a text that is
// long, deep, or of many members.
std::string repeated(std::string_view text, std::size_t times) {
  constexpr std::size_t bytes_max = 130'000;
  const std::size_t start = text.find('\1');
  const std::size_t end = start == text.npos ? text.npos : text.find('\1', start + 1);
  if (end == text.npos) return std::string(text);
  std::string all(text.substr(0, start));
  const std::string_view chunk = text.substr(start + 1, end - start - 1);
  for (std::size_t i = 0; i < times && all.size() + chunk.size() < bytes_max; ++i) all += chunk;
  return all.append(text.substr(end + 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fuzzed fuzzed;
  if (size < 2) return 0;
  const std::string rest =
      repeated({reinterpret_cast<const char*>(data) + 2, size - 2}, 1U << (data[0] / 8 % 20));
  const std::string& action = fuzzed.actions[data[1] % fuzzed.actions.size()];
  const std::string query = "/?" + rest;
  const std::string v1 =
      "Action=" + action + "&Version=2017-03-12&Region=ap-guangzhou&SecretId=a&" + rest;
  const std::string v1_query = "/?" + v1;
  std::string admin = "/_cvmsim/" + rest;
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
      const cvm::Route& route = *fuzzed.changes[data[1] % fuzzed.changes.size()];
      admin = "/_cvmsim/" + std::string(route.path);
      request = {.method = route.method, .target = admin, .body = rest};
    }
  }
  cvm::Exchange exchange(request);
  fuzzed.app.begin(exchange);
  if (exchange.delay.count() > 0) fuzzed.app.finish(exchange);
  // What a rule makes of an answer is the tester's own wish.
  if (!exchange.decision.rules.empty()) return 0;
  const cvm::HttpResponse& response = exchange.response;
  const auto holds = [&](const char* text) {
    return response.body.find(text) != response.body.npos;
  };
  const bool bug = holds("\"Code\":\"InternalError\"") || holds("\"code\":\"InternalError\"");
  // The whole state or journal is looked through only now and then: it would take all of the time.
  const bool skipped = response.body.size() > 20'000 && size % 64 != 0;
  const bool json =
      skipped || response.content_type != "application/json" || cvm::Json::accept(response.body);
  if (bug || !json) std::abort();
  return 0;
}
