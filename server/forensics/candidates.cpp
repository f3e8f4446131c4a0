// Values that clients are known to sign by mistake: of the endpoint they think they talk to, of the
// way another library would spell what was sent.
#include "server/forensics/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <charconv>

#include "state/base/json.h"

namespace cvm::forensics {

namespace {

constexpr std::size_t quote_max = 160;
constexpr std::size_t host_max = 255;  // Names in DNS are not longer.
constexpr std::size_t rewritten_max = 64 << 10;
constexpr std::size_t unhashed_max = 4 << 10;
constexpr int depth_max = 32;  // Writing JSON recurses, and an indented one grows with its depth.
constexpr std::size_t parameters_max = 64;

// Names and values encoded afresh, whatever their encoding was.
std::string encoded_again(const std::vector<std::string>& pairs) {
  std::vector<std::string> encoded;
  for (const std::string& pair : pairs) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = std::string_view(pair).substr(std::min(equals + 1, pair.size()));
    encoded.push_back(url_encode(url_decode(pair.substr(0, equals))) + "=" +
                      url_encode(url_decode(value)));
  }
  return boost::join(encoded, "&");
}

std::string_view cut_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return line;
}

struct Writing {
  std::string how, text;
};

template <class Tree>
void write(std::vector<Writing>& all, const Tree& tree, const std::string& keys) {
  const auto replace = Tree::error_handler_t::replace;
  const auto with = [](std::string text, const char* from, const char* to) {
    boost::replace_all(text, from, to);
    return text;
  };
  for (const bool ascii : {false, true}) {
    const std::string compact = tree.dump(-1, ' ', ascii, replace);
    // A member a line, with a blank after its `:`; no text of JSON holds a line feed.
    const std::string lines = tree.dump(0, ' ', ascii, replace);
    const std::string how = keys + (ascii ? ", with everything but ASCII as \\u escapes" : "");
    all.push_back({"written without blanks" + how, compact});
    all.push_back({"written with a blank after each `:` and `,`" + how,
                   with(with(lines, ",\n", ", "), "\n", "")});
    all.push_back({"written with a blank after each `:`" + how, with(lines, "\n", "")});
    all.push_back({"written without blanks, with `/` as `\\/`" + how, with(compact, "/", "\\/")});
  }
  const std::string compact = tree.dump(-1, ' ', false, replace);
  all.push_back({"written without blanks, with `<`, `>` and `&` as \\u escapes" + keys,
                 with(with(with(compact, "&", "\\u0026"), "<", "\\u003c"), ">", "\\u003e")});
  for (const int indent : {2, 4}) {
    all.push_back({"indented by " + std::to_string(indent) + " blanks" + keys,
                   tree.dump(indent, ' ', false, replace)});
  }
}

std::vector<Writing> writings(const std::string& body) {
  std::vector<Writing> all;
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= depth_max; };
  const Json tree = Json::parse(body, shallow, false);
  if (!tree.is_discarded()) {
    write(all, tree, "");
    write(all, nlohmann::json(tree), ", with sorted keys");
  }
  const std::string unix_lines = boost::replace_all_copy(body, "\r\n", "\n");
  all.push_back({"with line feeds in place of CR LF", unix_lines});
  all.push_back(
      {"with CR LF in place of line feeds", boost::replace_all_copy(unix_lines, "\n", "\r\n")});
  all.push_back({"with a line feed behind it", body + "\n"});
  all.push_back({"with its URL encoding undone", url_decode(body)});
  all.push_back({"URL-encoded", url_encode(body)});
  if (body.starts_with("\xef\xbb\xbf")) {
    all.push_back({"without its byte order mark", body.substr(3)});
  }
  return all;
}

}  // namespace

Candidates algorithms(const Case& about) {
  const std::string& sent = about.common.signature_method;
  const bool sha256 = v1_digest(sent) == Digest::sha256;
  const std::string other = sha256 ? "HmacSHA1" : "HmacSHA256";
  return {{other, fmt::format("{}, but SignatureMethod is {}, which means {}", other,
                              sent.empty() ? "missing" : quote(sent),
                              sha256 ? "HmacSHA256" : "HmacSHA1")}};
}

Candidates hosts(const Case& about) {
  const std::vector<Tc3Spelling> spellings = accepted_spellings(about.request);
  const std::string host(spellings.front().host), bare(spellings.back().host);
  const std::string port = host.substr(bare.size());
  Candidates all = {"cvm.tencentcloudapi.com", "cvm.intl.tencentcloudapi.com",
                    "cvm.internal.tencentcloudapi.com", "cvm.ap-guangzhou.tencentcloudapi.com"};
  if (const std::string& region = about.common.region; !region.empty()) {
    all.emplace_back("cvm." + region + ".tencentcloudapi.com");
    all.emplace_back("cvm." + region + ".intl.tencentcloudapi.com");
  }
  // A proxy rewrites Host and says in these what it was.
  for (const char* name : {"X-Forwarded-Host", "X-Original-Host"}) {
    const std::string_view forwarded = about.request.header(name);
    if (forwarded.empty()) continue;
    all.emplace_back(std::string(forwarded.substr(0, std::min(forwarded.find(','), host_max))));
  }
  const std::string_view target = about.request.target;
  if (const std::size_t scheme = target.find("://");
      scheme != target.npos && !target.starts_with('/')) {
    const std::string_view rest = target.substr(scheme + 3);
    all.emplace_back(std::string(rest.substr(0, std::min(rest.find_first_of("/?"), host_max))));
  }
  for (const char* other : {":80", ":443", ":8080", ":8443"}) all.emplace_back(bare + other);
  for (const char* scheme : {"http://", "https://"}) {
    all.emplace_back(scheme + host);
    all.emplace_back(scheme + bare);
  }
  for (const char* local : {"localhost", "127.0.0.1", "0.0.0.0", "[::1]", "host.docker.internal"}) {
    all.emplace_back(local + port);
    if (!port.empty()) all.emplace_back(local);
  }
  for (const std::string& other : {lower_case(host), host + "/", std::string()}) {
    all.emplace_back(other);
  }
  return all;
}

Candidates methods(const Case& about) {
  return {"GET", "POST", lower_case(about.request.method), ""};
}

Candidates content_types(const Case& about) {
  const std::string sent(about.request.header("Content-Type"));
  Candidates all = {lower_case(sent), boost::to_upper_copy(sent), sent.substr(0, sent.find(';')),
                    ""};
  for (const char* media : {"application/json", "application/x-www-form-urlencoded", "text/plain",
                            "multipart/form-data", "application/octet-stream"}) {
    for (const char* charset :
         {"", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8", ";charset=UTF-8"}) {
      all.emplace_back(std::string(media) + charset);
    }
  }
  return all;
}

Candidates payloads(const Case& about) {
  const std::string_view body = about.request.body;
  Candidates all;
  const auto hashed = [&](std::string_view text, const std::string& what) {
    all.emplace_back(sha256_hex(text), "the hash of " + what);
  };
  hashed("", "an empty body");
  hashed("{}", "the body `{}`");
  hashed("null", "the body `null`");
  hashed("UNSIGNED-PAYLOAD",
         "`UNSIGNED-PAYLOAD`, without a header X-TC-Content-SHA256 that says so");
  all.emplace_back("UNSIGNED-PAYLOAD", "`UNSIGNED-PAYLOAD` itself");
  all.emplace_back("", "no payload hash at all");
  hashed(about.request.query(), "the query");
  hashed(body, "the body");
  const std::string counted = about.request.method == "GET" ? sha256_hex("") : all.back().text;
  all.emplace_back(boost::to_upper_copy(counted), "the payload hash in upper-case digits");
  hashed(counted, "the payload's hash");
  const std::string_view stripped = body.substr(0, body.find_last_not_of("\r\n ") + 1);
  if (stripped.size() < body.size()) {
    hashed(stripped, "the body without the line end or blanks behind it");
  }
  if (body.size() > rewritten_max) return all;
  for (const Writing& one : writings(std::string(body))) {
    if (one.text != body) hashed(one.text, "the body " + one.how + ", " + quote(one.text));
  }
  if (body.size() <= unhashed_max) {
    all.emplace_back(std::string(body), "the body itself instead of its hash");
  }
  return all;
}

// An order, an encoding, or nothing at all where we take the query as it was sent.
Candidates queries(const Case& about) {
  const std::string sent(about.request.query());
  std::vector<std::string> parts, sorted;
  boost::split(parts, sent, [](char c) { return c == '&'; });
  sorted = parts;
  std::sort(sorted.begin(), sorted.end());
  const std::string ordered = boost::join(sorted, "&"), encoded = encoded_again(parts);
  return {"",
          sent,
          ordered,
          url_decode(sent),
          url_decode(ordered),
          encoded,
          boost::replace_all_copy(encoded, "%20", "+"),
          encoded_again(sorted),
          "?" + sent};
}

Candidates paths(const Case& about) {
  const std::string path(about.request.path());
  return {"",
          path + "/",
          url_decode(path),
          url_encode(path),
          path.substr(1),
          std::string(about.request.target),
          "/v2/index.php"};
}

Candidates dates(const Case& about) {
  Candidates all;
  for (const int day : {0, -1, 1}) {
    const std::string date =
        date_of(timestamp_of(about.common.timestamp) + std::int64_t{86400} * day);
    all.emplace_back(date);
    all.emplace_back(boost::erase_all_copy(date, "-"));
  }
  return all;
}

Candidates services(const Case& about) {
  const std::string host(about.request.header("Host"));
  return {"cvm", host.substr(0, host.find('.')), host.substr(0, host.find(':')), host, ""};
}

// Of clients that ask their clock twice, and of those that sign milliseconds.
Candidates timestamps(const Case& about) {
  const std::int64_t seconds = timestamp_of(about.common.timestamp);
  Candidates all = {""};
  for (int drift = -5; drift <= 5; ++drift) all.emplace_back(std::to_string(seconds + drift));
  for (int part = 0; part < (about.tc3() ? 1000 : 1); ++part) {
    all.emplace_back(std::to_string(seconds * 1000 + part));
  }
  return all;
}

Candidates parameters(const Case& about) {
  Candidates all;
  for (const auto& [name, value] : about.common.signed_pairs) {
    if (all.size() < parameters_max && name != "SignatureMethod") all.emplace_back(name);
  }
  return all;
}

Candidates signature_method(const Case& about) {
  return about.common.signature_method.empty() ? Candidates() : Candidates{"SignatureMethod"};
}

Candidates misspelt_keys(const Case& about) {
  const Credential& own = *about.credential;
  const std::string& key = own.secret_key;
  const std::string whose = "the SecretKey of " + quote(own.secret_id);
  return {{"", "an empty SecretKey instead of " + whose},
          {key + "\n", whose + " and a line feed behind it"},
          {key + "\r\n", whose + " and a carriage return and line feed behind it"},
          {key + "\r", whose + " and a carriage return behind it"},
          {key + " ", whose + " and a blank behind it"},
          {" " + key, whose + " and a blank before it"},
          {"\"" + key + "\"", whose + " in double quotes"},
          {"'" + key + "'", whose + " in single quotes"},
          {key + "&", whose + " and an ampersand behind it"},
          {own.secret_id, "the SecretId " + quote(own.secret_id) + " in place of its SecretKey"}};
}

Candidates prefixed_key(const Case& about) {
  return {{"TC3" + about.credential->secret_key, "`TC3`"}};
}

Candidates other_keys(const Case& about) {
  Candidates all;
  for (const Credential& other : known_credentials(about.credentials)) {
    if (other.secret_key.empty()) continue;
    all.emplace_back(other.secret_key,
                     fmt::format("the SecretKey of {}, but sent the SecretId {}",
                                 quote(other.secret_id), quote(about.credential->secret_id)));
  }
  return all;
}

std::vector<Credential> known_credentials(const Credentials& credentials) {
  std::vector<Credential> all = credentials.added();
  // Whatever was added, the built-in key is that of the labels nobody has added.
  for (const char* id : {"AKIDEXAMPLE", "AKIDEXAMPLE-label"}) {
    if (auto built_in = credentials.find(id)) all.push_back(std::move(*built_in));
  }
  return all;
}

std::int64_t timestamp_of(std::string_view text) {
  std::int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp<std::int64_t>(seconds, 0, 253402300799);
}

std::string date_of(std::int64_t seconds) {
  return iso8601(Time{std::chrono::seconds{seconds}}).substr(0, 10);
}

std::string quote(std::string_view text) {
  if (text.empty()) return "(empty)";
  std::string shown(text.substr(0, quote_max));
  boost::replace_all(shown, "\n", "\\n");
  boost::replace_all(shown, "\r", "\\r");
  return fmt::format("`{}{}`", shown, text.size() > quote_max ? "…" : "");
}

std::string count_of(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string difference(std::string_view signed_text, std::string_view expected_text) {
  while (!signed_text.empty() || !expected_text.empty()) {
    const std::string_view one = cut_line(signed_text), other = cut_line(expected_text);
    if (one != other) return fmt::format(": {} where {} was expected", quote(one), quote(other));
  }
  return "";
}

std::string url_encode(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

std::string url_decode(std::string_view text) {
  const auto encoded = boost::urls::make_pct_string_view(text);
  if (!encoded) return std::string(text);
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  return encoded->decode(options);
}

}  // namespace cvm::forensics
