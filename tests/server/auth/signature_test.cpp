// What a signature must cover, which methods there are, and that nothing hostile is expensive.
#include <gtest/gtest.h>

#include "server/auth/signature.h"
#include "tests/support/refused.h"

namespace cvm::test {

namespace {

constexpr std::string_view key = "secret";

// A TC3 request whose signature is right for whatever list it names.
std::string tc3_bytes(const std::string& signed_headers, const std::string& more = "",
                      const std::string& method = "POST") {
  const std::string text =
      method + " / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: " +
      (method == "GET" ? "application/x-www-form-urlencoded" : "application/json") +
      "\r\nX-TC-Action: DescribeInstances\r\nX-TC-Timestamp: " + std::to_string(now_s) + "\r\n" +
      more;
  const RawRequest raw(text + "\r\n{}");
  const Authorization by{"AKIDEXAMPLE", "2026-11-24", "cvm", signed_headers, {}};
  const std::string canonical =
      signed_headers.size() > 4096
          ? ""
          : tc3_canonical_request(raw.request(), by, tc3_payload_hash(raw.request()),
                                  {"127.0.0.1:8080", "/"});
  return text +
         "Authorization: TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-24/cvm/tc3_request, "
         "SignedHeaders=" +
         signed_headers +
         ", Signature=" + tc3_signature(canonical, std::to_string(now_s), by, key) + "\r\n\r\n{}";
}

// The refusal's code and what it says of SignedHeaders; empty if there is none.
std::string refused(const std::string& bytes, Auth mode = Auth::strict) {
  const RawRequest raw(bytes);
  try {
    authenticate(raw.request(), read_common(raw.request()), SomeCredentials(), {mode, 300}, now);
  } catch (const Error& refusal) {
    return refusal.code + " " + refusal.detail;
  }
  return "";
}

std::string named(int count) {
  std::string list = "content-type;host";
  for (int i = 2; i < count; ++i) list += ";x-" + std::to_string(100000 + i);
  return list;
}

}  // namespace

TEST(SignedHeaders, AreAsDocumented) {
  for (const char* list :
       {"content-type;host", "content-type;host;x-tc-action", "accept;content-type;host;x-gone"}) {
    EXPECT_EQ(refused(tc3_bytes(list)), "") << list;
    EXPECT_EQ(refused(tc3_bytes(list, "", "GET")), "") << list;
  }
  struct Wrong {
    const char *list, *says;
  };
  const Wrong wrong[] = {
      {"host", "`content-type` and `host`"},      {"content-type", "`content-type` and `host`"},
      {"x-nothing", "`content-type` and `host`"}, {"host;content-type", "sorted"},
      {"Content-Type;Host", "lower case"},        {"content-type;host;host", "once"},
      {"content-type;;host", "sorted"},           {";content-type;host", "sorted"}};
  for (const auto& [list, says] : wrong) {
    const std::string told = refused(tc3_bytes(list));
    EXPECT_TRUE(told.starts_with("AuthFailure.InvalidAuthorization ")) << list << ": " << told;
    EXPECT_NE(told.find(says), told.npos) << list << ": " << told;
    EXPECT_EQ(refused(tc3_bytes(list), Auth::lenient), "") << list;
    const RawRequest raw(tc3_bytes(list));
    const Json all = explain(raw.request(), SomeCredentials());
    expect_cause(all["likely_cause"], "header", {says, std::string("`") + list + "`"});
    EXPECT_TRUE(all["canonical_request"].is_null());
  }
  EXPECT_EQ(refused(tc3_bytes(named(100))), "");
  EXPECT_NE(refused(tc3_bytes(named(101))).find("at most 100"), std::string::npos);
}

// 900 MB if each name were written out.
TEST(SignedHeaders, DoNotMultiplyAHeader) {
  const std::string big(60 << 10, 'a');
  std::string list = "a";
  for (int i = 1; i < 15000; ++i) list += ";a";
  for (const std::string& start : {std::string(), std::string("content-type;host;")}) {
    const std::string bytes = tc3_bytes(start + list, "a: " + big + "\r\n");
    EXPECT_TRUE(refused(bytes).starts_with("AuthFailure.InvalidAuthorization"));
    const RawRequest raw(bytes);
    const Json told = explain(raw.request(), SomeCredentials());
    EXPECT_TRUE(told["canonical_request"].is_null());
    EXPECT_LT(told.dump().size(), 2000U);
  }
}

// The documentation: HmacSHA256 "only when this parameter is specified" so, HmacSHA1 otherwise.
TEST(SignatureMethod, IsSha1UnlessSha256IsNamed) {
  const auto refused_as = [](Digest digest, const std::string& method) {
    std::string query = "Action=DescribeInstances&Nonce=1&Region=ap-guangzhou&SecretId=AKIDEXAMPLE";
    if (!method.empty()) query += "&SignatureMethod=" + method;
    query += "&Timestamp=" + std::to_string(now_s) + "&Version=2017-03-12";
    std::string signature;
    for (const char c : base64(hmac(digest, key, "GET127.0.0.1:8080/?" + query))) {
      signature +=
          std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c) : "%" + hex({&c, 1});
    }
    return refused("GET /?" + query + "&Signature=" + signature +
                   " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
  };
  for (const char* method : {"", "HmacSHA1", "x", "hmacsha256"}) {
    EXPECT_EQ(refused_as(Digest::sha1, method), "") << method;
    EXPECT_EQ(refused_as(Digest::sha256, method), "AuthFailure.SignatureFailure ") << method;
  }
  EXPECT_EQ(refused_as(Digest::sha256, "HmacSHA256"), "");
  EXPECT_EQ(refused_as(Digest::sha1, "HmacSHA256"), "AuthFailure.SignatureFailure ");
}

}  // namespace cvm::test
