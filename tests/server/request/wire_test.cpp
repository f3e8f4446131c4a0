// From bytes to parameters, and who sent them.
#include <gtest/gtest.h>

#include "handlers/api/validate.h"
#include "server/auth/signature.h"
#include "server/net/gzip.h"
#include "server/request/multipart.h"
#include "server/request/wire.h"
#include "state/base/crypto.h"
#include "state/base/error.h"
#include "tests/support/emulator.h"
#include "tests/support/raw_request.h"

namespace cvm::test {

namespace {

std::string refusal(const auto& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code;
  }
  return "";
}

Json tree(const std::string& query, const char* action = "RunInstances") {
  return tree_of(parse_query(query), model().find(action)->in);
}

// The key pair and the two requests that the documentation's signature pages publish.
constexpr std::string_view doc_id = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
constexpr std::string_view doc_key = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";

}  // namespace

TEST(Query, BecomesATree) {
  EXPECT_EQ(
      tree("Filters.0.Name=zone&Filters.0.Values.1=b&Filters.0.Values.0=a", "DescribeInstances")
          .dump(),
      R"({"Filters":[{"Name":"zone","Values":["a","b"]}]})");
  EXPECT_EQ(tree("InstanceIds.10=c&InstanceIds.9=b&InstanceIds.2=a", "StopInstances").dump(),
            R"({"InstanceIds":["a","b","c"]})");
  EXPECT_EQ(tree("Placement.Zone=z&InstanceName=a%20b%2Bc+d%E6%B5%8B").dump(),
            R"({"InstanceName":"a b+c d测","Placement":{"Zone":"z"}})");
  EXPECT_EQ(tree("InstanceIds=a", "StopInstances").dump(), R"({"InstanceIds":"a"})");
  EXPECT_EQ(tree("InstanceIds.x=a", "StopInstances").dump(), R"({"InstanceIds":{}})");
  EXPECT_EQ(tree("Nothing.0.Known=1").dump(), R"({"Nothing":{"0":{"Known":"1"}}})");
  EXPECT_EQ(tree("").dump(), "{}");
  EXPECT_EQ(refusal([] { tree("Placement=a&Placement.Zone=b"); }), "InvalidParameter");
  EXPECT_EQ(refusal([] { tree("Placement.Zone=b&Placement=a"); }), "InvalidParameter");
  EXPECT_EQ(refusal([] { tree("a.b.c.d.e.f.g.h.i.j.k.l.m=1"); }), "UnknownParameter");
  EXPECT_EQ(refusal([] { parse_query("a=%4"); }), "InvalidParameter");
  EXPECT_EQ(refusal([] { parse_query("a=%zz"); }), "InvalidParameter");
  EXPECT_EQ(refusal([] { parse_query("a=%ff"); }), "InvalidParameter");
}

// Looking for each name among those before it would be 20,000,000,000 comparisons.
TEST(Query, ManyNamesCostNoMoreThanTheirLength) {
  Pairs pairs;
  for (int i = 0; i < 200'000; ++i) pairs.emplace_back("n" + std::to_string(i), "");
  Json params = tree_of(pairs, model().find("DescribeZones")->in);
  EXPECT_EQ(params.size(), 200'000U);
  validate(*model().find("DescribeZones"), params, {.ignore_unknown = true});
  EXPECT_EQ(params.size(), 0U);
}

TEST(Multipart, IsReadStrictly) {
  const std::string type = "multipart/form-data; boundary=XX";
  const auto parts = parse_multipart(
      "--XX\r\nContent-Disposition: form-data; name=\"Limit\"\r\n\r\n1\r\n--XX\r\n"
      "content-disposition: form-data; filename=\"f\"; name=\"B\"\r\nContent-Type: "
      "application/json\r\n\r\n[1]\r\n--XX--\r\n",
      type);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name + "=" + parts[0].content, "Limit=1");
  EXPECT_EQ(parts[1].name + "=" + parts[1].content + " " + parts[1].content_type,
            "B=[1] application/json");
  for (const char* wrong :
       {"", "--XX", "--XX\r\n", "--YY\r\n\r\n", "--XX\r\nA: b\r\n\r\nx", "--XX\r\n\r\nx\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX", "--XXjunk"}) {
    EXPECT_EQ(refusal([&] { parse_multipart(wrong, type); }), "InvalidRequest") << wrong;
  }
  EXPECT_EQ(refusal([] { parse_multipart("--X\r\n", "multipart/form-data"); }), "InvalidRequest");
}

TEST(Json, BodiesAreBounded) {
  Emulator emulator;
  const From from;
  const auto answer = [&](const std::string& body) {
    RawRequest raw(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-TC-Action: "
        "DescribeZones\r\n"
        "X-TC-Version: 2017-03-12\r\nX-TC-Region: ap-guangzhou\r\nX-TC-Timestamp: 1\r\n"
        "Authorization: TC3-HMAC-SHA256 Credential=a/2026-11-24/cvm/tc3_request, "
        "SignedHeaders=host, Signature=0\r\n\r\n" +
        body);
    const Json response = Json::parse(emulator.send(raw.request()).body)["Response"];
    return response.contains("Error") ? response["Error"]["Code"].get<std::string>() : "";
  };
  EXPECT_EQ(answer("{}"), "");
  EXPECT_EQ(answer(" {} "), "");
  for (const char* wrong :
       {"", "null", "[]", "5", "{", "{}x", "{\"a\":}", "\xff", "{\"a\":\"\xff\"}"})
    EXPECT_EQ(answer(wrong), "InvalidParameter") << wrong;
  EXPECT_EQ(answer(std::string(1 << 20, '[')), "InvalidParameter");
  EXPECT_EQ(answer("{\"x\":" + std::string(40, '[') + std::string(40, ']') + "}"),
            "InvalidParameter");
  EXPECT_EQ(answer("{\"x\":1}"), "UnknownParameter");
  std::string members, values;
  for (int i = 0; i < 1001; ++i) members.append("\"m").append(std::to_string(i)).append("\":0,");
  EXPECT_EQ(answer("{" + members + "\"x\":0}"), "InvalidParameter");
  for (int i = 0; i < 50'000; ++i) values += "0,";
  EXPECT_EQ(answer("{\"x\":[" + values + "0]}"), "InvalidParameter");
}

TEST(Signature, MatchesThePublishedVectors) {
  const std::string body =
      "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d\"], \"Name\": "
      "\"instance-name\"}]}";
  RawRequest raw(
      "POST / HTTP/1.1\r\nHost: cvm.tencentcloudapi.com\r\nContent-Type: application/json; "
      "charset=utf-8\r\n\r\n" +
      body);
  const std::string header =
      "TC3-HMAC-SHA256 Credential=" + std::string(doc_id) +
      "/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, Signature=0";
  const Authorization authorization = parse_authorization(header);
  const std::string canonical =
      tc3_canonical_request(raw.request(), authorization, tc3_payload_hash(raw.request()),
                            {raw.request().header("Host"), "/"});
  EXPECT_EQ(tc3_signature(canonical, "1551113065", authorization, doc_key),
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");

  const Pairs pairs = v1_sorted(parse_query(
      "Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Limit=20&Nonce=11886&Offset=0&Region=ap-"
      "guangzhou&SecretId=" +
      std::string(doc_id) + "&Timestamp=1465185768&Version=2017-03-12"));
  EXPECT_EQ(
      base64(hmac(Digest::sha1, doc_key, v1_source("GET", "cvm.tencentcloudapi.com", "/", pairs))),
      "EliP9YW3pW28FpsEdkXt/+WcGeI=");
}

TEST(Signature, ReadsOnlyWellFormedHeaders) {
  const auto code = [](const std::string& header) {
    return refusal([&] { parse_authorization(header); });
  };
  EXPECT_EQ(code("TC3-HMAC-SHA256 Credential=a/2026-11-24/localhost:8080/tc3_request, "
                 "SignedHeaders=host, Signature=0"),
            "");
  EXPECT_EQ(
      code(
          "TC3-HMAC-SHA256 Credential=a/2026-11-24/cvm/tc3_request,SignedHeaders=host,Signature=0"),
      "");
  for (const char* wrong :
       {"", "SKIP", "Basic abc", "TC3-HMAC-SHA256", "TC3-HMAC-SHA256 Credential=a",
        "TC3-HMAC-SHA256 Credential=a/b/tc3_request, SignedHeaders=host, Signature=0",
        "TC3-HMAC-SHA256 Credential=/d/s/tc3_request, SignedHeaders=host, Signature=0",
        "TC3-HMAC-SHA256 Credential=a/d/s/aws4_request, SignedHeaders=host, Signature=0",
        "TC3-HMAC-SHA256 Credential=a/d/s/tc3_request, Signature=0",
        "TC3-HMAC-SHA256 Credential=a/d/s/tc3_request, SignedHeaders=host"}) {
    EXPECT_EQ(code(wrong), "AuthFailure.InvalidAuthorization") << wrong;
  }
}

TEST(Signature, OfRealClientsVerifies) {
  const std::string directory = CVMSIM_SOURCE_DIR "/tests/server/captures/";
  const Json captures = Json::parse(read_file(directory + "index.json").value());
  ASSERT_GE(captures.size(), 15U);
  for (const Json& capture : captures) {
    const std::string bytes = read_file(directory + capture["file"].get<std::string>()).value();
    Emulator emulator({.gateway = {.auth = {.mode = Auth::strict, .skew_s = 300}}});
    const Time signed_at{std::chrono::seconds{capture["timestamp"].get<std::int64_t>()}};
    emulator.set_wall(signed_at + std::chrono::seconds{300});
    const auto code = [&](const std::string& text) {
      const RawRequest raw(text);
      const Json response = Json::parse(emulator.send(raw.request()).body)["Response"];
      return response.contains("Error") ? response["Error"]["Code"].get<std::string>() : "";
    };
    EXPECT_FALSE(code(bytes).starts_with("AuthFailure")) << capture << code(bytes);

    // The same a moment too late, and with one byte of the secret's work changed.
    emulator.set_wall(signed_at + std::chrono::seconds{301});
    EXPECT_EQ(code(bytes), "AuthFailure.SignatureExpire") << capture;
    emulator.set_wall(signed_at);
    std::string forged = bytes;
    const std::size_t place =
        forged.find("Signature=",
                    forged.find("Signature=") == forged.find("SignatureMethod=") ? 1 : 0) +
        10;
    forged[place] = forged[place] == 'a' ? 'b' : 'a';
    EXPECT_EQ(code(forged), "AuthFailure.SignatureFailure") << capture;
  }
}

TEST(Gzip, IsDeterministicAndOnlyForWhoAsks) {
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_TRUE(accepts_gzip("deflate, GZIP;q=0.5"));
  for (const char* none : {"", "deflate", "gzip;q=0", "gzip; q=0.0", "gzipped", "identity"})
    EXPECT_FALSE(accepts_gzip(none)) << none;
  EXPECT_EQ(gzip("some text"), gzip("some text"));
}

TEST(Targets, AreReadInBothForms) {
  HttpRequest request;
  for (const auto& [target, path, query] : {std::tuple("/?a=b", "/", "a=b"),
                                            {"/cvm", "/cvm", ""},
                                            {"http://h:1/x?y=http://z", "/x", "y=http://z"},
                                            {"http://h", "/", ""},
                                            {"http://h?a=1", "/", "a=1"},
                                            {"/?u=http://h/p", "/", "u=http://h/p"},
                                            {"*", "*", ""}}) {
    request.target = target;
    EXPECT_EQ(request.path(), path) << target;
    EXPECT_EQ(request.query(), query) << target;
  }
}

}  // namespace cvm::test
