// One kind of request again and again, in this process and without sockets: for `valgrind
// --tool=callgrind --toggle-collect=measured`, which counts instructions, and for `perf`.
//
//   request_costs KIND TIMES       prints nanoseconds a request; without arguments, all kinds
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include "server/app.h"
#include "state/base/crypto.h"

namespace cvm {

namespace {

constexpr int stored = 1000, warm = 20;
const Time wall{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};

// A signed request, and what its views point to.
struct Signed {
  std::string body, action, timestamp, authorization;
  HttpRequest request;

  Signed(const std::string& name, std::string sent, const std::string& key)
      : body(std::move(sent)), action(name), timestamp("1795478400") {
    request.method = "POST";
    request.target = "/";
    request.source = "127.0.0.1";
    request.body = body;
    request.headers = {{"Host", "cvm.tencentcloudapi.com"},  {"User-Agent", "bench"},
                       {"Content-Type", "application/json"}, {"X-TC-Action", action},
                       {"X-TC-Version", "2017-03-12"},       {"X-TC-Region", "ap-guangzhou"},
                       {"X-TC-Timestamp", timestamp},        {"Authorization", ""}};
    const Authorization as{"AKIDEXAMPLE", "2026-11-24", "cvm", "content-type;host", ""};
    const std::string canonical = tc3_canonical_request(request, as, tc3_payload_hash(request),
                                                        {"cvm.tencentcloudapi.com", "/"});
    authorization =
        "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-24/cvm/tc3_request, "
        "SignedHeaders=content-type;host, Signature=" +
        tc3_signature(canonical, timestamp, as, key);
    request.headers.back().second = authorization;
  }
  Signed(const Signed&) = delete;
  Signed& operator=(const Signed&) = delete;
};

class Bench {
 public:
  Bench()
      : state_({.seed = 1, .lifecycle = "instant", .clock = "frozen"}, wall),
        model_(state_.fixtures()),
        app_(state_, model_, registry_,
             {.gateway = {.auth = {.mode = Auth::strict, .skew_s = 300}, .rate_limits = false},
              .browser = {},
              .lifecycle = "instant"},
             [] { return wall; }) {
    app_.start_with({});
    admin("PUT", "/_cvmsim/quotas", R"({"instances":100000000})");
    for (int i = 0; i < stored / 100; ++i) {
      const Json answer = Json::parse(send("RunInstances", run(100)));
      for (const Json& id : answer.at("Response").at("InstanceIdSet")) ids_.push_back(id);
    }
  }

  std::string run(int count) {
    return R"({"ImageId":"img-487zeit5","Placement":{"Zone":"ap-guangzhou-3"},"InstanceType":"S5.MEDIUM2",)"
           R"("InstanceName":"bench","VirtualPrivateCloud":{"VpcId":"vpc-00000000","SubnetId":"subnet-)" +
           std::to_string(10000000 + subnet_++ / 2) + R"("},"InstanceCount":)" +
           std::to_string(count) + "}";
  }

  std::string send(const std::string& action, const std::string& body,
                   const std::string& key = "secret") {
    const Signed request(action, body, key);
    return app_.handle(request.request).body;
  }

  void admin(std::string_view method, std::string_view target, std::string_view body) {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    app_.handle(request);
  }

  // Prepares so many requests of a kind. Throws std::out_of_range if there is no such kind.
  std::vector<std::unique_ptr<Signed>> prepare(const std::string& kind, int times) {
    const std::string id = "\"" + ids_[stored / 2] + "\"";
    const std::string filter = R"({"Name":"zone","Values":["ap-guangzhou-3"]})";
    const std::string second = R"(,{"Name":"instance-state","Values":["RUNNING"]})";
    const std::map<std::string, std::function<std::unique_ptr<Signed>()>> kinds = {
        {"by_id", [&] { return make("DescribeInstances", "{\"InstanceIds\":[" + id + "]}"); }},
        {"page", [&] { return make("DescribeInstances", "{}"); }},
        {"filter", [&] { return make("DescribeInstances", "{\"Filters\":[" + filter + "]}"); }},
        {"two_filters",
         [&] {
           return make("DescribeInstances", "{\"Limit\":1,\"Filters\":[" + filter + second + "]}");
         }},
        {"status",
         [&] { return make("DescribeInstancesStatus", "{\"InstanceIds\":[" + id + "]}"); }},
        {"refused_signature",
         [&] { return make("DescribeInstances", "{\"InstanceIds\":[" + id + "]}", "another"); }},
        {"price", [&] { return make("InquiryPriceRunInstances", run(1)); }},
        {"rename",
         [&] {
           return make("ModifyInstancesAttribute", "{\"InstanceIds\":[" + id +
                                                       "],\"InstanceName\":\"n" +
                                                       std::to_string(subnet_++) + "\"}");
         }},
        {"run", [&] { return make("RunInstances", run(1)); }},
        {"run_100", [&] { return make("RunInstances", run(100)); }}};
    std::vector<std::unique_ptr<Signed>> requests;
    for (int i = 0; i < times; ++i) requests.push_back(kinds.at(kind)());
    return requests;
  }

  void answer(const Signed& request) { bytes_ += app_.handle(request.request).body.size(); }

 private:
  std::unique_ptr<Signed> make(const std::string& action, const std::string& body,
                               const std::string& key = "secret") {
    return std::make_unique<Signed>(action, body, key);
  }

  State state_;
  Model model_;
  Registry registry_;
  App app_;
  std::vector<std::string> ids_;
  int subnet_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

}  // namespace cvm

extern "C" [[gnu::noinline]] void measured(
    cvm::Bench& bench, const std::vector<std::unique_ptr<cvm::Signed>>& requests) {
  for (const auto& request : requests) bench.answer(*request);
}

int main(int argc, char** argv) {
  std::vector<std::string> kinds = {
      "by_id", "page",   "filter", "two_filters", "status", "refused_signature",
      "price", "rename", "run",    "run_100"};
  if (argc > 1) kinds = {argv[1]};
  const int times = argc > 2 ? std::atoi(argv[2]) : 2000;
  for (const std::string& kind : kinds) {
    cvm::Bench bench;
    const int here = kind == "run_100" ? (times + 99) / 100 : times;
    for (const auto& request : bench.prepare(kind, std::min(here, cvm::warm)))
      bench.answer(*request);
    const auto requests = bench.prepare(kind, here);
    const auto start = std::chrono::steady_clock::now();
    measured(bench, requests);
    const auto passed = std::chrono::steady_clock::now() - start;
    std::cout << kind << " "
              << std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count() / here
              << std::endl;
  }
}
