// What both signature families try: hosts, keys; and how values are told.
#include "server/forensics/search.h"

#include <algorithm>
#include <boost/url/encode.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <charconv>

namespace cvm::forensics {

namespace {

constexpr std::size_t quote_max = 160;
constexpr std::size_t host_max = 255;  // Names in DNS are not longer.

std::string_view cut_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

std::string quote(std::string_view text) {
  if (text.empty()) return "(empty)";
  std::string out = "`";
  for (const char c : text.substr(0, quote_max)) {
    if (c == '\n' || c == '\r') {
      out.append(c == '\n' ? "\\n" : "\\r");
    } else {
      out += c;
    }
  }
  if (text.size() > quote_max) out += "…";
  return out + "`";
}

std::string count_of(std::size_t number, std::string_view what) {
  std::string text = std::to_string(number) + " ";
  return text.append(what).append(number == 1 ? "" : "s");
}

std::string difference(std::string_view signed_text, std::string_view expected_text) {
  while (!signed_text.empty() || !expected_text.empty()) {
    const std::string_view one = cut_line(signed_text), other = cut_line(expected_text);
    if (one != other) return ": " + quote(one) + " where " + quote(other) + " was expected";
  }
  return "";
}

std::int64_t timestamp_of(std::string_view text) {
  std::int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp<std::int64_t>(seconds, 0, 253402300799);
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

std::vector<std::string> host_candidates(const Case& about) {
  const std::vector<Tc3Spelling> spellings = accepted_spellings(about.request);
  const std::string host(spellings.front().host), bare(spellings.back().host);
  const std::string port = host.substr(bare.size());
  std::vector<std::string> all = {"cvm.tencentcloudapi.com", "cvm.intl.tencentcloudapi.com",
                                  "cvm.internal.tencentcloudapi.com",
                                  "cvm.ap-guangzhou.tencentcloudapi.com"};
  if (const std::string& region = about.common.region; !region.empty()) {
    all.push_back("cvm." + region + ".tencentcloudapi.com");
    all.push_back("cvm." + region + ".intl.tencentcloudapi.com");
  }
  // A proxy rewrites Host and says in these what it was.
  for (const char* name : {"X-Forwarded-Host", "X-Original-Host"}) {
    const std::string_view forwarded = about.request.header(name);
    if (forwarded.empty()) continue;
    all.emplace_back(forwarded.substr(0, std::min(forwarded.find(','), host_max)));
  }
  if (const std::size_t scheme = about.request.target.find("://");
      scheme != std::string_view::npos && !about.request.target.starts_with('/')) {
    const std::string_view rest = about.request.target.substr(scheme + 3);
    all.emplace_back(rest.substr(0, std::min(rest.find_first_of("/?"), host_max)));
  }
  for (const char* other : {":80", ":443", ":8080", ":8443"}) all.push_back(bare + other);
  for (const char* scheme : {"http://", "https://"}) {
    all.push_back(scheme + host);
    all.push_back(scheme + bare);
  }
  for (const char* local : {"localhost", "127.0.0.1", "0.0.0.0", "[::1]", "host.docker.internal"}) {
    all.push_back(local + port);
    if (!port.empty()) all.emplace_back(local);
  }
  all.push_back(lower_case(host));
  all.push_back(host + "/");
  all.emplace_back();
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

std::vector<KeyCandidate> key_candidates(const Case& about) {
  const Credential& own = *about.credential;
  const std::string& key = own.secret_key;
  const std::string whose = "the SecretKey of " + quote(own.secret_id);
  std::vector<KeyCandidate> all;
  const auto misspelt = [&](std::string other, const std::string& how) {
    if (other == key) return;
    all.push_back({std::move(other), "the client seems to have signed with " + how, true});
  };
  misspelt("", "an empty SecretKey instead of " + whose);
  misspelt(key + "\n", whose + " and a line feed behind it");
  misspelt(key + "\r\n", whose + " and a carriage return and line feed behind it");
  misspelt(key + "\r", whose + " and a carriage return behind it");
  misspelt(key + " ", whose + " and a blank behind it");
  misspelt(" " + key, whose + " and a blank before it");
  misspelt("\"" + key + "\"", whose + " in double quotes");
  misspelt("'" + key + "'", whose + " in single quotes");
  misspelt(key + "&", whose + " and an ampersand behind it");
  misspelt(own.secret_id, "the SecretId " + quote(own.secret_id) + " in place of its SecretKey");
  for (Credential& other : known_credentials(about.credentials)) {
    if (other.secret_key == key || other.secret_key.empty()) continue;
    all.push_back({std::move(other.secret_key),
                   "the client seems to have signed with the SecretKey of " +
                       quote(other.secret_id) + ", but sent the SecretId " + quote(own.secret_id),
                   false});
  }
  return all;
}

}  // namespace cvm::forensics
