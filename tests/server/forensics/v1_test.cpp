// Parameters signed in the wrong way with HmacSHA1 or HmacSHA256, and what is said about it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "state/base/crypto.h"
#include "tests/support/refused.h"

namespace cvm::test {

namespace {

// A v1 client: the parameters as it signs them, and how they are sent.
struct V1 {
  std::string method = "POST", host = "127.0.0.1:8080", path = "/";
  std::vector<std::pair<std::string, std::string>> pairs = {{"Action", "DescribeInstances"},
                                                            {"Filters.0.Name", "zone"},
                                                            {"Filters.0.Values.10", "a b"},
                                                            {"Filters.0.Values.2", "c+d"},
                                                            {"Nonce", "11886"},
                                                            {"Region", "ap-guangzhou"},
                                                            {"SecretId", "AKIDEXAMPLE"},
                                                            {"SignatureMethod", "HmacSHA256"},
                                                            {"Timestamp", std::to_string(now_s)},
                                                            {"Version", "2017-03-12"}};
  std::string key = "secret";
  Digest digest = Digest::sha256;

  std::string source() const {
    std::string text;
    for (const auto& [name, value] : pairs) text += (text.empty() ? "" : "&") + name + "=" + value;
    return method + host + path + "?" + text;
  }
  std::string mac() const { return hmac(digest, key, source()); }
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~", c);
    out += plain ? std::string(1, c) : "%" + hex({&c, 1});
  }
  return out;
}

std::string v1_bytes(const V1& sent, const std::string& signature) {
  std::string body;
  for (const auto& [name, value] : sent.pairs) body += escaped(name) + "=" + escaped(value) + "&";
  return sent.method + " " + sent.path + " HTTP/1.1\r\nHost: " + sent.host +
         "\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n" + body +
         "Signature=" + signature;
}

std::string* find(V1& v1, const std::string& name) {
  for (auto& pair : v1.pairs)
    if (pair.first == name) return &pair.second;
  return nullptr;
}

struct V1Mistake {
  std::string name;
  std::vector<std::string> parts;
  std::function<void(V1& made, V1& sent)> make;
};

}  // namespace

TEST(ForensicsV1, TextsAreOurs) {
  const V1 v1;
  const RawRequest raw(v1_bytes(v1, escaped(base64(std::string(32, 'x')))));
  const Json told = explain(raw.request(), SomeCredentials());
  EXPECT_EQ(told["method"], "HmacSHA256");
  EXPECT_EQ(told["canonical_request"], v1.source());
  EXPECT_EQ(told["string_to_sign"], v1.source());
  EXPECT_EQ(told["expected_signature"], base64(v1.mac()));
  EXPECT_EQ(told["given_signature"], base64(std::string(32, 'x')));
  expect_cause(told["likely_cause"], "unknown", {"AKIDEXAMPLE"});
}

TEST(ForensicsV1, Mistakes) {
  const V1Mistake mistakes[] = {
      {"method", {"`GET`", "`POST`"}, [](V1& made, V1&) { made.method = "GET"; }},
      {"host",
       {"`cvm.tencentcloudapi.com`", "`127.0.0.1:8080`"},
       [](V1& made, V1&) { made.host = "cvm.tencentcloudapi.com"; }},
      {"path", {"(empty)", "`/`"}, [](V1& made, V1&) { made.path = ""; }},
      {"path", {"`/v2/index.php`"}, [](V1& made, V1&) { made.path = "/v2/index.php"; }},
      {"query",
       {"sorted", "`Version=2017-03-12`"},
       [](V1& made, V1& sent) {
         std::swap(made.pairs.front(), made.pairs.back());
         sent.pairs = made.pairs;
       }},
      {"query", {"numbers"}, [](V1& made, V1&) { std::swap(made.pairs[2], made.pairs[3]); }},
      {"query",
       {"regard to case"},
       [](V1& made, V1& sent) {
         made.pairs.insert(made.pairs.begin() + 1, {"a", "1"});
         made.pairs.erase(made.pairs.begin());
         made.pairs.insert(made.pairs.begin() + 1, {"Action", "DescribeInstances"});
         sent.pairs = made.pairs;
         std::swap(sent.pairs[0], sent.pairs[5]);
       }},
      {"query", {"`Region`"}, [](V1& made, V1&) { made.pairs.erase(made.pairs.begin() + 5); }},
      {"encoding",
       {"URL-encoded", "`Filters.0.Values.10=a%20b`"},
       [](V1& made, V1&) {
         made.pairs[2].second = "a%20b";
         made.pairs[3].second = "c%2Bd";
       }},
      {"encoding",
       {"twice"},
       [](V1&, V1& sent) {
         sent.pairs[2].second = "a%20b";
         sent.pairs[3].second = "c%2Bd";
       }},
      {"algorithm",
       {"HmacSHA1", "`HmacSHA256`"},
       [](V1& made, V1&) { made.digest = Digest::sha1; }},
      {"algorithm",
       {"HmacSHA256", "missing"},
       [](V1& made, V1& sent) {
         made.pairs.erase(made.pairs.begin() + 7);
         sent.pairs = made.pairs;
       }},
      {"algorithm",
       {"`sha256`", "HmacSHA256"},
       [](V1& made, V1& sent) {
         *find(made, "SignatureMethod") = "sha256";
         sent.pairs = made.pairs;
       }},
      {"key", {"line feed"}, [](V1& made, V1&) { made.key = "secret\n"; }},
      {"key", {"`AKIDOTHER`"}, [](V1& made, V1&) { made.key = other_key; }},
      {"key", {"`TC3`"}, [](V1& made, V1&) { made.key = "TC3secret"; }},
      {"clock",
       {"`1795497310`", "`1795497312`"},
       [](V1& made, V1&) { *find(made, "Timestamp") = std::to_string(now_s - 2); }},
      {"method",
       {"; and query: "},
       [](V1& made, V1&) {
         made.method = "GET";
         std::swap(made.pairs[2], made.pairs[3]);
       }},
  };
  for (const V1Mistake& mistake : mistakes) {
    V1 made, sent;
    mistake.make(made, sent);
    expect_cause(cause(v1_bytes(sent, escaped(base64(made.mac())))), mistake.name, mistake.parts);
  }
}

TEST(ForensicsV1, TextsOfMoreThanAMegabyteAreNotVaried) {
  for (const std::size_t bytes : {std::size_t{200} << 10, std::size_t{1} << 20}) {
    V1 sent;
    sent.pairs[2].second = std::string(bytes, 'x');
    V1 made = sent;
    made.host = "cvm.tencentcloudapi.com";
    expect_cause(cause(v1_bytes(sent, escaped(base64(made.mac())))),
                 bytes < std::size_t{1} << 20 ? "host" : "unknown");
  }
}

TEST(ForensicsV1, SpellingsOfTheSignature) {
  V1 v1;
  for (int nonce = 0; base64(v1.mac()).find('+') == std::string::npos; ++nonce)
    *find(v1, "Nonce") = std::to_string(nonce);
  const std::string right = base64(v1.mac());
  expect_cause(cause(v1_bytes(v1, right)), "encoding", {"blank", "`" + right + "`"});
  expect_cause(cause(v1_bytes(v1, escaped(escaped(right)))), "encoding", {"twice"});
  expect_cause(cause(v1_bytes(v1, hex(v1.mac()))), "encoding", {"hexadecimal"});
  expect_cause(cause(v1_bytes(v1, escaped(base64(hex(v1.mac()))))), "encoding", {"hexadecimal"});
  expect_cause(cause(v1_bytes(v1, "abc")), "encoding", {"3 characters"});
  expect_cause(cause(v1_bytes(v1, escaped(base64(std::string(20, 'x'))))), "algorithm",
               {"HmacSHA1"});
  expect_cause(cause(v1_bytes(v1, escaped(right)), now + std::chrono::seconds{301}), "clock",
               {"301 seconds behind"});
  *find(v1, "SecretId") = "AKIDNOBODY";
  expect_cause(cause(v1_bytes(v1, escaped(right))), "key", {"`AKIDNOBODY`"});
  *find(v1, "SecretId") = "AKIDTEMPORARY";
  v1.pairs.emplace_back("Token", other_token + "x");
  expect_cause(cause(v1_bytes(v1, escaped(right))), "token", {"`AKIDTEMPORARY`"});
  // The token in the text, its values encoded as the client has signed them.
  v1.pairs.back().second = other_token;
  V1 made = v1;
  made.key = "k3yOfTheTemporary";
  std::stable_sort(made.pairs.begin(), made.pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& pair : made.pairs) pair.second = escaped(pair.second);
  const RawRequest raw(v1_bytes(v1, escaped(base64(made.mac()))));
  const Json told = explain(raw.request(), SomeCredentials());
  EXPECT_NE(told["canonical_request"].get<std::string>().find("Token=(hidden)"), std::string::npos);
}

}  // namespace cvm::test
