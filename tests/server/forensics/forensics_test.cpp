// Requests signed in the wrong way, one for each cause, and what is said about them.
#include <gtest/gtest.h>

#include <functional>

#include "state/base/crypto.h"
#include "state/catalog/fixtures.h"
#include "tests/support/refused.h"

namespace cvm::test {

namespace {

constexpr std::string_view spaced_body = R"({"Limit": 1, "Filters": [{"Name": "zone"}]})";

// What one TC3 client puts into its texts; what it sends is another one of these.
struct Tc3 {
  std::string method = "POST", path = "/", query;
  std::string headers = "content-type:application/json\nhost:127.0.0.1:8080\n";
  std::string signed_headers = "content-type;host";
  std::string payload;  // Text to be hashed.
  std::string hash;     // If not the payload's.
  std::string timestamp = std::to_string(now_s), date = "2026-11-24", service = "cvm";
  std::string key = "TC3secret", key_service = "cvm", key_date = "2026-11-24";
  std::string empty_line = "\n", line_end = "\n";

  std::string canonical() const {
    std::string text = method + "\n" + path + "\n" + query + "\n" + headers + empty_line +
                       signed_headers + "\n" + (hash.empty() ? sha256_hex(payload) : hash);
    if (line_end == "\n") return text;
    std::string other;
    for (const char c : text) other += c == '\n' ? line_end : std::string(1, c);
    return other;
  }
  std::string signature() const {
    const std::string text = "TC3-HMAC-SHA256" + line_end + timestamp + line_end + date + "/" +
                             service + "/tc3_request" + line_end + sha256_hex(canonical());
    std::string raw = hmac(Digest::sha256, key, key_date);
    raw = hmac(Digest::sha256, hmac(Digest::sha256, raw, key_service), "tc3_request");
    return hex(hmac(Digest::sha256, raw, text));
  }
};

struct Wire {
  std::string method = "POST", target = "/", host = "127.0.0.1:8080";
  std::string content_type = "application/json", body{spaced_body}, more;
  std::string timestamp = std::to_string(now_s), id = "AKIDEXAMPLE";
  std::string scope = "/2026-11-24/cvm/tc3_request", signed_headers = "content-type;host";

  std::string bytes(const std::string& signature) const {
    return method + " " + target + " HTTP/1.1\r\nHost: " + host +
           "\r\nContent-Type: " + content_type +
           "\r\nX-TC-Action: DescribeInstances\r\nX-TC-Version: 2017-03-12\r\n" +
           "X-TC-Region: ap-guangzhou\r\nX-TC-Timestamp: " + timestamp + "\r\n" + more +
           "Authorization: TC3-HMAC-SHA256 Credential=" + id + scope +
           ", SignedHeaders=" + signed_headers + ", Signature=" + signature + "\r\n\r\n" + body;
  }
};

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
}

struct Mistake {
  std::string name;
  std::vector<std::string> parts;
  std::function<void(Tc3&, Wire&)> make;
};

void expect_all(const std::vector<Mistake>& mistakes) {
  for (const Mistake& mistake : mistakes) {
    Tc3 tc3;
    Wire wire;
    tc3.payload = wire.body;
    mistake.make(tc3, wire);
    expect_cause(cause(wire.bytes(tc3.signature())), mistake.name, mistake.parts);
  }
}

std::string quoted(const std::string& text) { return text.empty() ? "(empty)" : "`" + text + "`"; }

Mistake host(const std::string& text) {
  return {"host", {"`" + text + "`", "`127.0.0.1:8080`"}, [=](Tc3& tc3, Wire&) {
            replace(tc3.headers, "127.0.0.1:8080", text);
          }};
}

Mistake content_type(const std::string& text) {
  return {"content-type", {quoted(text), "`application/json`"}, [=](Tc3& tc3, Wire&) {
            replace(tc3.headers, "application/json", text);
          }};
}

Mistake payload(const std::string& text, const std::string& sent = std::string(spaced_body)) {
  return {"payload", {sha256_hex(text), sha256_hex(sent)}, [=](Tc3& tc3, Wire& wire) {
            tc3.payload = text;
            wire.body = sent;
          }};
}

Mistake query(const std::string& text, const std::string& sent) {
  return {"query", {quoted(text), quoted(sent)}, [=](Tc3& tc3, Wire& wire) {
            wire.method = tc3.method = "GET";
            wire.target = "/?" + sent;
            wire.body = tc3.payload = "";
            tc3.query = text;
          }};
}

}  // namespace

TEST(ForensicsTc3, TextsAreOurs) {
  Tc3 tc3;
  Wire wire;
  tc3.payload = wire.body;
  const RawRequest raw(wire.bytes(std::string(64, '0')));
  const Json told = explain(raw.request(), SomeCredentials());
  EXPECT_EQ(told["method"], "TC3-HMAC-SHA256");
  EXPECT_EQ(told["canonical_request"], tc3.canonical());
  EXPECT_EQ(told["string_to_sign"], "TC3-HMAC-SHA256\n" + tc3.timestamp +
                                        "\n2026-11-24/cvm/tc3_request\n" +
                                        sha256_hex(tc3.canonical()));
  EXPECT_EQ(told["expected_signature"], tc3.signature());
  EXPECT_EQ(told["given_signature"], std::string(64, '0'));
  expect_cause(told["likely_cause"], "unknown", {"AKIDEXAMPLE", tc3.signature()});
}

TEST(ForensicsTc3, HostsAndContentTypes) {
  expect_all({host("cvm.tencentcloudapi.com"), host("cvm.intl.tencentcloudapi.com"),
              host("cvm.ap-guangzhou.tencentcloudapi.com"), host("http://127.0.0.1:8080"),
              host("127.0.0.1:443"), host("localhost:8080"),
              content_type("application/json; charset=utf-8"),
              content_type("application/x-www-form-urlencoded"), content_type("text/plain"),
              content_type(""), content_type("APPLICATION/JSON")});
  expect_all({{"host",
               {"api.example.com"},
               [](Tc3& tc3, Wire& wire) {
                 wire.more = "X-Forwarded-Host: api.example.com, proxy\r\n";
                 replace(tc3.headers, "127.0.0.1:8080", "api.example.com");
               }},
              // Node's clients sign the host without its port: the other mistake is still found.
              {"content-type", {"charset=utf-8"}, [](Tc3& tc3, Wire&) {
                 replace(tc3.headers, ":8080", "");
                 replace(tc3.headers, "json", "json; charset=utf-8");
               }}});
}

TEST(ForensicsTc3, Payloads) {
  expect_all({payload(""), payload("{}"), payload(R"({"Limit":1,"Filters":[{"Name":"zone"}]})"),
              payload(R"({"Filters": [{"Name": "zone"}], "Limit": 1})"),
              payload(std::string(spaced_body), R"({"Limit":1,"Filters":[{"Name":"zone"}]})"),
              payload("{\"Name\":\"\\u672a\\u547d\"}", "{\"Name\":\"未命\"}"),
              payload("{\"Name\":\"未命\"}", "{\"Name\": \"\\u672a\\u547d\"}"),
              payload("{}", "{}\n"), payload("{\n}\n", "{\r\n}\r\n"), payload("UNSIGNED-PAYLOAD")});
  expect_all(
      {{"payload",
        {"upper-case"},
        [](Tc3& tc3, Wire&) {
          for (const char c : sha256_hex(tc3.payload))
            tc3.hash += static_cast<char>(std::toupper(c));
        }},
       {"payload", {"itself"}, [](Tc3& tc3, Wire&) { tc3.hash = tc3.payload; }},
       {"payload", {"UNSIGNED-PAYLOAD"}, [](Tc3& tc3, Wire&) { tc3.hash = "UNSIGNED-PAYLOAD"; }}});
}

TEST(ForensicsTc3, QueriesPathsAndMethods) {
  expect_all({query("a=1&b=2", "b=2&a=1"), query("a=b c", "a=b+c"), query("a=b%20c", "a=b+c"),
              query("", "Limit=1"), query("?Limit=1", "Limit=1")});
  expect_all({{"path",
               {"`/cvm/`", "`/`"},
               [](Tc3& tc3, Wire& wire) {
                 wire.target = "/cvm";
                 tc3.path = "/cvm/";
               }},
              {"path", {"(empty)"}, [](Tc3& tc3, Wire&) { tc3.path = ""; }},
              {"method",
               {"GET", "POST"},
               [](Tc3& tc3, Wire&) {
                 tc3.method = "GET";
                 tc3.payload = "";
               }},
              {"method", {"GET", "POST"}, [](Tc3& tc3, Wire&) { tc3.method = "GET"; }},
              {"method", {"`post`", "`POST`"}, [](Tc3& tc3, Wire&) { tc3.method = "post"; }}});
}

TEST(ForensicsTc3, Headers) {
  const auto other = [](const std::string& headers, const std::string& list,
                        const std::string& sent, const std::string& part) {
    return Mistake{"header", {part}, [=](Tc3& tc3, Wire& wire) {
                     tc3.headers = headers;
                     tc3.signed_headers = list;
                     wire.signed_headers = sent;
                   }};
  };
  const std::string type = "content-type:application/json\n", at = "host:127.0.0.1:8080\n";
  expect_all({other(type + at, "content-type;host", "host;content-type", "sorted"),
              other(at + type, "content-type;host", "content-type;host", "order"),
              other("Content-Type:application/json\nHost:127.0.0.1:8080\n", "content-type;host",
                    "content-type;host", "`Content-Type:application/json`"),
              other(type + at + "x-tc-action:DescribeInstances\n", "content-type;host;x-tc-action",
                    "content-type;host;x-tc-action", "`x-tc-action:DescribeInstances`"),
              other(type + at + "x-tc-action:describeinstances\n", "content-type;host;x-tc-action",
                    "content-type;host", "x-tc-action"),
              other("content-type: application/json\nhost: 127.0.0.1:8080\n", "content-type;host",
                    "content-type;host", "blank"),
              {"header", {"empty line"}, [](Tc3& tc3, Wire&) { tc3.empty_line = ""; }},
              {"unknown", {"`x-gone` did not arrive"}, [](Tc3& tc3, Wire& wire) {
                 wire.signed_headers = tc3.signed_headers = "content-type;host;x-gone";
                 tc3.headers += "x-gone:1\n";
               }}});
}

TEST(ForensicsTc3, KeysAndScopes) {
  const auto key = [](const std::string& text, const std::string& part) {
    return Mistake{"key", {part}, [=](Tc3& tc3, Wire&) { tc3.key = text; }};
  };
  expect_all(
      {key("TC3", "empty"),
       key("TC3secret\n", "line feed"),
       key("TC3secret ", "blank"),
       key("secret", "without `TC3`"),
       key("TC3" + other_key, "`AKIDOTHER`"),
       key("TC3AKIDEXAMPLE", "SecretId"),
       {"key", {"`AKIDEXAMPLE`", "`AKIDOTHER`"}, [](Tc3&, Wire& wire) { wire.id = "AKIDOTHER"; }},
       {"unknown", {"AKIDEXAMPLE"}, [](Tc3& tc3, Wire&) { tc3.key = "TC3wrong"; }}});
  expect_all(
      {{"service",
        {"`cvm`", "`127`"},
        [](Tc3&, Wire& wire) { wire.scope = "/2026-11-24/127/tc3_request"; }},
       {"service",
        {"derived", "`cvm`", "`127`"},
        [](Tc3& tc3, Wire& wire) {
          wire.scope = "/2026-11-24/127/tc3_request";
          tc3.service = "127";
        }},
       {"date",
        {"`2026-11-25`", "`2026-11-24`"},
        [](Tc3& tc3, Wire&) { tc3.date = tc3.key_date = "2026-11-25"; }},
       {"date", {"derived", "`20261124`"}, [](Tc3& tc3, Wire&) { tc3.key_date = "20261124"; }},
       {"date",
        {"`2026-11-23`", "`2026-11-24` in UTC", "UTC-6"},
        [](Tc3& tc3, Wire& wire) {
          tc3.date = tc3.key_date = "2026-11-23";
          wire.scope = "/2026-11-23/cvm/tc3_request";
        }},
       {"clock",
        {"`1795497312345`", "`1795497312`"},
        [](Tc3& tc3, Wire&) { tc3.timestamp += "345"; }},
       {"clock", {"`1795497313`", "`1795497312`"}, [](Tc3& tc3, Wire&) {
          tc3.timestamp = std::to_string(now_s + 1);
        }}});
}

TEST(ForensicsTc3, EncodingsAndPairs) {
  expect_all(
      {{"encoding",
        {"CR LF", "`POST\\r` where `POST`"},
        [](Tc3& tc3, Wire&) { tc3.line_end = "\r\n"; }},
       {"host",
        {"`localhost:8080`", "; and content-type: ", "`text/plain`"},
        [](Tc3& tc3, Wire&) { tc3.headers = "content-type:text/plain\nhost:localhost:8080\n"; }},
       {"content-type", {"; and payload: "}, [](Tc3& tc3, Wire&) {
          replace(tc3.headers, "json", "json; charset=utf-8");
          tc3.payload = R"({"Limit":1,"Filters":[{"Name":"zone"}]})";
        }}});
  Tc3 tc3;
  Wire wire;
  tc3.payload = wire.body;
  std::string upper, raw;
  for (const char c : tc3.signature()) upper += static_cast<char>(std::toupper(c));
  for (std::size_t i = 0; i < upper.size(); i += 2)
    raw += static_cast<char>(std::stoi(upper.substr(i, 2), nullptr, 16));
  expect_cause(cause(wire.bytes(upper)), "encoding",
               {"upper-case", "`" + upper + "` where `" + tc3.signature() + "`"});
  expect_cause(cause(wire.bytes(base64(raw))), "encoding", {"base64"});
  expect_cause(cause(wire.bytes(upper.substr(1))), "encoding", {"63 characters"});
  expect_cause(cause(wire.bytes(upper.substr(24))), "algorithm", {"SHA1"});
}

TEST(ForensicsTc3, RefusalsWithoutASearch) {
  Tc3 tc3;
  Wire wire;
  tc3.payload = wire.body;
  const std::string right = wire.bytes(tc3.signature());
  expect_cause(cause(right, now + std::chrono::seconds{900}), "clock",
               {"900 seconds behind", "`1795497312`", "`1795498212`", "300"});
  expect_cause(cause(right, now - std::chrono::hours{8}), "clock",
               {"28800 seconds ahead", "time zone"});
  const auto id = [&](const std::string& text) {
    wire.id = text;
    const RawRequest raw(wire.bytes(std::string(64, '0')));
    SomeCredentials credentials;
    Credential disabled = credential("AKIDDISABLED", "k3yOfTheDisabled");
    disabled.enabled = false;
    credentials.add(std::move(disabled));
    Json told = explain(raw.request(), credentials);
    EXPECT_EQ(told["canonical_request"], tc3.canonical());
    EXPECT_EQ(told["expected_signature"].is_null(), text != "AKIDDISABLED");
    return told["likely_cause"].get<std::string>();
  };
  expect_cause(id("AKIDNOBODY"), "key", {"`AKIDNOBODY`", "`AKIDEXAMPLE`", "`AKIDOTHER`"});
  expect_cause(id("AKIDEXAMPEL"), "key", {"but `AKIDEXAMPLE` is"});
  expect_cause(id("akidother"), "key", {"but `AKIDOTHER` is"});
  expect_cause(id(" AKIDEXAMPLE "), "key", {"blanks"});
  expect_cause(id("AKIDEXAMPLE-a.b"), "key", {"label"});
  expect_cause(id("AKIDDISABLED"), "key", {"disabled"});
  expect_cause(id("secret"), "key", {"`AKIDEXAMPLE`", "exchanged"});
  expect_cause(id(other_key), "key", {"`AKIDOTHER`", "exchanged"});
}

TEST(ForensicsTc3, TokensAreExplainedAndHidden) {
  SomeCredentials credentials;
  Credential old = credential("AKIDOLD", "k3yOfTheOld", "T0kenOfTheOld");
  old.expires_at = now - std::chrono::seconds{60};
  credentials.add(std::move(old));
  const auto told = [&](const std::string& id, const std::string& token) {
    Wire wire;
    wire.id = id;
    wire.signed_headers = "content-type;host;x-tc-token";
    if (!token.empty()) wire.more = "X-TC-Token: " + token + "\r\n";
    const RawRequest raw(wire.bytes("0"));
    const Json all = explain(raw.request(), credentials);
    EXPECT_EQ(all["canonical_request"].get<std::string>().find("x-tc-token:(hidden)\n"), 58U);
    return all["likely_cause"].get<std::string>();
  };
  expect_cause(told("AKIDOLD", "T0kenOfTheOld"), "token", {"`AKIDOLD` expired", "60 seconds"});
  expect_cause(told("AKIDTEMPORARY", ""), "token", {"no X-TC-Token arrived"});
  expect_cause(told("AKIDTEMPORARY", "T0kenOfTheOld"), "token", {"`AKIDOLD`", "`AKIDTEMPORARY`"});
  expect_cause(told("AKIDTEMPORARY", "T0ken of/the=temporary"), "token", {"`+`"});
  expect_cause(told("AKIDTEMPORARY", "T0ken+of"), "token", {"cut off", "8 characters"});
  expect_cause(told("AKIDTEMPORARY", "other"), "token", {"5 characters"});
  // Even where it is longer than what is told of a value, or stands in the name of something.
  const std::string token = std::string(300, 'T') + "+";
  credentials.add(credential("AKIDLONG", std::string(300, 'k'), token));
  for (const auto& id : {std::string("AKIDLONG"), token, std::string(300, 'k')}) {
    const RawRequest raw(Wire{.more = "X-TC-Token: " + token + "\r\n", .id = id}.bytes("0"));
    const std::string text = explain(raw.request(), credentials).dump();
    EXPECT_EQ(text.find("TTTTTTTT"), text.npos) << text;
    EXPECT_EQ(text.find("kkkkkkkk"), text.npos) << text;
  }
}

TEST(ForensicsTc3, MalformedHeaders) {
  const auto told = [](const std::string& header) {
    const std::string text =
        "POST / HTTP/1.1\r\nHost: h\r\nX-TC-Action: DescribeZones\r\nX-TC-Timestamp: 1\r\n" +
        (header.empty() ? "" : "Authorization: " + header + "\r\n") + "\r\n{}";
    const RawRequest raw(text);
    const Json all = explain(raw.request(), SomeCredentials());
    for (const char* name : {"canonical_request", "string_to_sign", "expected_signature"})
      EXPECT_TRUE(all[name].is_null()) << all;
    return all["likely_cause"].get<std::string>();
  };
  expect_cause(told(""), "header", {"missing"});
  expect_cause(told("SKIP"), "header", {"`SKIP`", "skip signing"});
  expect_cause(told("AWS4-HMAC-SHA256 Credential=a"), "header", {"Amazon"});
  expect_cause(told("TC3-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"), "header",
               {"`a/b`", "tc3_request"});
  expect_cause(told("TC3-HMAC-SHA256 Credential=a/d/s/tc3_request SignedHeaders=host Signature=0"),
               "header", {"commas"});
  expect_cause(told("TC3-HMAC-SHA256 credential=a/d/s/tc3_request, Signature=0"), "header",
               {"capitals"});
  expect_cause(told("TC3-HMAC-SHA256 Credential=a/d/s/tc3_request, Signature=0"), "header",
               {"`SignedHeaders`", "missing"});
}

TEST(Forensics, GarbageIsToldToo) {
  const Error refusals[] = {{"AuthFailure.SignatureFailure", "Authorization", "", {}},
                            {"AuthFailure.SignatureFailure", "Credential", "\xff", {}},
                            {"AuthFailure.SignatureExpire", "", "", {}},
                            {"AuthFailure.SecretIdNotFound", "SecretId", "\xff\xfe", {}},
                            {"AuthFailure.SecretIdNotFound", "", std::string(1 << 20, 'A'), {}},
                            {"AuthFailure.TokenFailure", "", "", {}},
                            {"AuthFailure.InvalidAuthorization", "", "", {}},
                            {"InternalError", "", "", {}}};
  const std::string scope = "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-24/cvm/tc3_request, ";
  const std::string long_text(1 << 20, 'a');
  const std::string headers[] = {"",
                                 "TC3-",
                                 "\xff\xfe",
                                 long_text,
                                 scope + "SignedHeaders=" + long_text + ", Signature=0",
                                 scope + "SignedHeaders=host, Signature=" + long_text,
                                 scope + "SignedHeaders=;;:;\n;host;host, Signature=\xff",
                                 scope + "SignedHeaders=content-type;host;x-a, Signature=0"};
  const std::string bodies[] = {"",
                                "\xff\xfe{}",
                                "{",
                                std::string(60000, '['),
                                std::string(60000, '/'),
                                std::string(3 << 20, 'x')};
  const auto check = [&](const HttpRequest& request, const CommonParams& common) {
    for (const Error& refusal : refusals) {
      std::string text;
      ASSERT_NO_THROW(
          text = explain_signature(request, common, SomeCredentials(), {}, Time{}, refusal).dump());
      EXPECT_LT(text.size(), 200000U);
    }
  };
  const auto check_both = [&](const std::string& header, const std::string& body) {
    HttpRequest request{"POST", "http://h?%zz", {}, body};
    request.headers = {{"Host", "\xff:8080"},
                       {"Authorization", header},
                       {"X-A", "\xff\n"},
                       {"X-Forwarded-Host", long_text},
                       {"Content-Type", "\xff"}};
    CommonParams common;
    common.timestamp = body.starts_with('\xff') ? "\xff" : std::to_string(now_s);
    check(request, common);
    request.method = "GET";
    request.target = "";
    check(request, common);
  };
  for (const std::string& header : headers) check_both(header, bodies[1]);
  for (const std::string& body : bodies) check_both(headers[7], body);
  HttpRequest request{"POST", "*", {}, ""};
  CommonParams common;
  common.signing = Signing::v1;
  check(request, common);
  common.secret_id = "AKIDEXAMPLE";
  common.timestamp = std::string(1000, '9');
  common.signed_pairs = {{"\xff", "\xfe%"}, {"", ""}, {"Token", long_text}};
  check(request, common);
  common.signed_pairs.resize(20000, {"Name.0.Value", "text"});
  check(request, common);
}

TEST(Forensics, RealRequestsGiveTheRightTexts) {
  const std::string directory = CVMSIM_SOURCE_DIR "/tests/server/captures/";
  const Json captures = Json::parse(read_file(directory + "index.json").value());
  for (const Json& capture : captures) {
    std::string bytes = read_file(directory + capture["file"].get<std::string>()).value();
    const RawRequest right(bytes);
    const CommonParams common = read_common(right.request());
    const Time signed_at{std::chrono::seconds{capture["timestamp"].get<std::int64_t>()}};
    const Json late =
        explain(right.request(), Credentials(), signed_at + std::chrono::seconds{301});
    expect_cause(late["likely_cause"], "clock", {"301 seconds behind"});
    EXPECT_EQ(late["expected_signature"], late["given_signature"]) << capture;
    EXPECT_EQ(late["method"], capture["sign"]);
  }
}

}  // namespace cvm::test
