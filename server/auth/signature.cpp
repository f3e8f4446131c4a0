// Builds the canonical texts from what was really sent, and compares.
#include "server/auth/signature.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <unordered_map>

#include "state/base/crypto.h"
#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::size_t derived_keys_max = 1024;
constexpr std::size_t signed_headers_max = 100;
constexpr std::size_t told_max = 256;

[[noreturn]] void refuse(const char* code, std::string_view parameter = {},
                         std::string_view value = {}, std::string detail = {}) {
  throw Error{code, std::string(parameter), std::string(value), std::move(detail)};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before the next separator off a list.
std::string_view cut(std::string_view& list, char separator) {
  const std::size_t end = list.find(separator);
  const std::string_view first = list.substr(0, end);
  list = end == list.npos ? std::string_view() : list.substr(end + 1);
  return first;
}

std::string_view without_port(std::string_view host) {
  // `http://127.0.0.1:8080` keeps its scheme: only what follows the last colon is a port.
  const std::size_t colon = host.rfind(':');
  if (colon == host.npos || host.find(']', colon) != host.npos) return host;
  const std::string_view port = host.substr(colon + 1);
  const bool digits = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
  return digits ? host.substr(0, colon) : host;
}

std::int64_t parse_timestamp(std::string_view name, std::string_view text) {
  if (text.empty()) refuse("MissingParameter", name);
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failure != std::errc{} || end != text.data() + text.size() || seconds < 0 ||
      seconds > 253402300799) {
    refuse("InvalidParameter", name, text, "It must be a UNIX timestamp in seconds.");
  }
  return seconds;
}

void check_time(std::int64_t seconds, std::string_view name, const AuthOptions& options,
                Time wall) {
  if (options.skew_s == 0) return;
  const auto now = std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  if (std::llabs(now - seconds) > options.skew_s) {
    refuse("AuthFailure.SignatureExpire", name, std::to_string(seconds),
           "The server's time is " + std::to_string(now) + ", the allowed difference " +
               std::to_string(options.skew_s) + " seconds.");
  }
}

// The date key is the same for a day: kept for each thread, by everything it depends on.
const KeyedMac& signing_key(std::string_view secret_key, std::string_view date,
                            std::string_view service) {
  thread_local std::unordered_map<std::string, KeyedMac> kept;
  thread_local std::string name;
  name.assign(secret_key).append("\n").append(date).append("\n").append(service);
  if (const auto found = kept.find(name); found != kept.end()) return found->second;
  if (kept.size() >= derived_keys_max) kept.clear();
  const std::string by_date = hmac(Digest::sha256, "TC3" + std::string(secret_key), date);
  const std::string by_service = hmac(Digest::sha256, by_date, service);
  return kept.emplace(name, hmac(Digest::sha256, by_service, "tc3_request")).first->second;
}

// Whether `matches(host, path)` holds for one of the ways that clients spell them: Node signs the
// host without its port, Go signs `/` whatever the path.
template <class Matches>
bool any_spelling(const HttpRequest& request, Matches matches) {
  const std::string_view host = request.header("Host");
  const std::array<std::string_view, 2> hosts = {host, without_port(host)};
  const std::array<std::string_view, 2> paths = {"/", request.path()};
  for (std::size_t h = 0; h < (hosts[0] == hosts[1] ? 1 : 2); ++h) {
    for (std::size_t p = 0; p < (paths[0] == paths[1] ? 1 : 2); ++p) {
      if (matches(hosts[h], paths[p])) return true;
    }
  }
  return false;
}

bool tc3_matches(const HttpRequest& request, const Authorization& authorization,
                 std::string_view timestamp, std::string_view secret_key) {
  const std::string payload = tc3_payload_hash(request);
  return any_spelling(request, [&](std::string_view host, std::string_view path) {
    const std::string canonical =
        tc3_canonical_request(request, authorization, payload, {host, path});
    return equal_constant_time(tc3_signature(canonical, timestamp, authorization, secret_key),
                               authorization.signature);
  });
}

bool v1_matches(const HttpRequest& request, const CommonParams& common,
                std::string_view secret_key) {
  const Digest digest = v1_digest(common.signature_method);
  const Pairs sorted = v1_sorted(common.signed_pairs);
  return any_spelling(request, [&](std::string_view host, std::string_view path) {
    const std::string source = v1_source(request.method, host, path, sorted);
    return equal_constant_time(base64(hmac(digest, secret_key, source)), common.signature);
  });
}

// The credential, if it can be used now. A permanent key's token is ignored: SDKs may send one.
Credential known(const Credentials& credentials, std::string_view secret_id, std::string_view token,
                 Time wall) {
  auto credential = credentials.find(secret_id);
  if (!credential) refuse("AuthFailure.SecretIdNotFound", "SecretId", secret_id);
  if (!credential->enabled) {
    refuse("AuthFailure.SecretIdNotFound", "SecretId", secret_id, "It is disabled.");
  }
  if (credential->expires_at && *credential->expires_at <= wall) {
    refuse("AuthFailure.TokenFailure", "Token", "",
           "It expired at " + iso8601(*credential->expires_at) + ".");
  }
  if (!credential->token.empty() && !equal_constant_time(credential->token, token)) {
    refuse(
        "AuthFailure.TokenFailure", "Token", "",
        token.empty() ? "Temporary credentials need it." : "It does not belong to this SecretId.");
  }
  return std::move(*credential);
}

Caller authenticate_tc3(const HttpRequest& request, const CommonParams& common,
                        const Credentials& credentials, const AuthOptions& options, Time wall) {
  const Authorization authorization = parse_authorization(request.header("Authorization"));
  const std::int64_t seconds = parse_timestamp("X-TC-Timestamp", common.timestamp);
  const std::string id(authorization.secret_id);
  if (options.mode != Auth::strict) return {id, credentials.account(id)};
  check_signed_headers(authorization.signed_headers);
  const Credential credential = known(credentials, id, common.token, wall);
  if (!tc3_matches(request, authorization, common.timestamp, credential.secret_key)) {
    refuse("AuthFailure.SignatureFailure", "Authorization");
  }
  const std::string date = iso8601(Time{std::chrono::seconds{seconds}}).substr(0, 10);
  if (authorization.date != date) {
    refuse(
        "AuthFailure.SignatureFailure", "Credential", authorization.date,
        "The date in the credential scope must be the UTC date of X-TC-Timestamp, " + date + ".");
  }
  check_time(seconds, "X-TC-Timestamp", options, wall);
  return {id, credential.account, credential.read_only};
}

Caller authenticate_v1(const HttpRequest& request, const CommonParams& common,
                       const Credentials& credentials, const AuthOptions& options, Time wall) {
  if (common.secret_id.empty()) refuse("MissingParameter", "SecretId");
  if (options.mode != Auth::strict)
    return {common.secret_id, credentials.account(common.secret_id)};
  if (common.signature.empty()) refuse("MissingParameter", "Signature");
  const std::int64_t seconds = parse_timestamp("Timestamp", common.timestamp);
  if (common.nonce.empty()) refuse("MissingParameter", "Nonce");
  const Credential credential = known(credentials, common.secret_id, common.token, wall);
  if (!v1_matches(request, common, credential.secret_key)) {
    refuse("AuthFailure.SignatureFailure", "Signature");
  }
  check_time(seconds, "Timestamp", options, wall);
  return {common.secret_id, credential.account, credential.read_only};
}

}  // namespace

Authorization parse_authorization(std::string_view header) {
  static constexpr std::string_view algorithm = "TC3-HMAC-SHA256";
  const char* code = "AuthFailure.InvalidAuthorization";
  if (header.empty()) refuse(code, "Authorization", "", "The header is missing.");
  if (!header.starts_with(algorithm)) {
    refuse(code, "Authorization", header.substr(0, header.find(' ')),
           "The algorithm must be TC3-HMAC-SHA256.");
  }
  header.remove_prefix(algorithm.size());
  Authorization authorization;
  std::string_view credential;
  while (!header.empty()) {
    std::string_view value = trim(cut(header, ','));
    const std::string_view name = cut(value, '=');
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") authorization.signed_headers = value;
    if (name == "Signature") authorization.signature = value;
  }
  // From the right: the service is whatever the client took from its endpoint.
  const std::size_t end = credential.rfind('/');
  if (end == credential.npos || credential.substr(end + 1) != "tc3_request") {
    refuse(code, "Credential", credential, "It must be <SecretId>/<date>/<service>/tc3_request.");
  }
  const std::size_t first = credential.find('/');
  const std::size_t second = credential.find('/', first + 1);
  if (first == 0 || second >= end) {
    refuse(code, "Credential", credential, "It must be <SecretId>/<date>/<service>/tc3_request.");
  }
  authorization.secret_id = credential.substr(0, first);
  authorization.date = credential.substr(first + 1, second - first - 1);
  authorization.service = credential.substr(second + 1, end - second - 1);
  if (authorization.signed_headers.empty()) refuse(code, "SignedHeaders", "", "It is missing.");
  if (authorization.signature.empty()) refuse(code, "Signature", "", "It is missing.");
  return authorization;
}

void check_signed_headers(std::string_view list) {
  const auto malformed = [&](std::string detail) {
    refuse("AuthFailure.InvalidAuthorization", "SignedHeaders", list.substr(0, told_max),
           std::move(detail));
  };
  std::size_t count = 0;
  bool content_type = false, host = false;
  std::string_view before;
  for (std::string_view rest = list; !rest.empty(); ++count) {
    const std::string_view name = cut(rest, ';');
    if (count == signed_headers_max) {
      malformed("`SignedHeaders` must name at most " + std::to_string(signed_headers_max) +
                " headers.");
    }
    if (name <= before || lower_case(name) != name) {
      malformed(
          "The names in `SignedHeaders` must be in lower case and sorted, each of them once.");
    }
    content_type = content_type || name == "content-type";
    host = host || name == "host";
    before = name;
  }
  if (!content_type || !host) malformed("`SignedHeaders` must name `content-type` and `host`.");
}

std::vector<Tc3Spelling> accepted_spellings(const HttpRequest& request) {
  std::vector<Tc3Spelling> all;
  any_spelling(request, [&](std::string_view host, std::string_view path) {
    all.push_back({host, path});
    return false;
  });
  return all;
}

std::string tc3_payload_hash(const HttpRequest& request) {
  static constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
  if (request.header("X-TC-Content-SHA256") == unsigned_payload)
    return sha256_hex(unsigned_payload);
  return sha256_hex(request.method == "GET" ? std::string_view() : request.body);
}

Pairs tc3_headers(const HttpRequest& request, std::string_view signed_headers,
                  std::string_view host) {
  Pairs headers;
  while (!signed_headers.empty()) {
    const std::string_view name = cut(signed_headers, ';');
    const std::string_view value = trim(name == "host" ? host : request.header(name));
    const bool as_sent = name == "host" || name == "content-type";
    headers.emplace_back(name, as_sent ? std::string(value) : lower_case(value));
  }
  return headers;
}

std::string tc3_canonical_request(const HttpRequest& request, const Authorization& authorization,
                                  std::string_view payload_hash, const Tc3Spelling& spelling) {
  std::string canonical;
  canonical.reserve(512);
  canonical.append(request.method).append("\n").append(spelling.path).append("\n");
  if (request.method == "GET") canonical.append(request.query());
  canonical += '\n';
  for (const auto& [name, value] :
       tc3_headers(request, authorization.signed_headers, spelling.host)) {
    canonical.append(name).append(":").append(value).append("\n");
  }
  return canonical.append("\n")
      .append(authorization.signed_headers)
      .append("\n")
      .append(payload_hash);
}

std::string tc3_string_to_sign(std::string_view canonical_request, std::string_view timestamp,
                               const Authorization& authorization) {
  std::string text = "TC3-HMAC-SHA256\n";
  text.append(timestamp).append("\n").append(authorization.date).append("/");
  text.append(authorization.service).append("/tc3_request\n");
  return text.append(sha256_hex(canonical_request));
}

std::string tc3_signature(std::string_view canonical_request, std::string_view timestamp,
                          const Authorization& authorization, std::string_view secret_key) {
  const KeyedMac& mac = signing_key(secret_key, authorization.date, authorization.service);
  return hex(mac(tc3_string_to_sign(canonical_request, timestamp, authorization)));
}

Digest v1_digest(std::string_view signature_method) {
  return signature_method == "HmacSHA256" ? Digest::sha256 : Digest::sha1;
}

Pairs v1_sorted(Pairs pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return pairs;
}

std::string v1_source(std::string_view method, std::string_view host, std::string_view path,
                      const Pairs& pairs) {
  std::string source;
  source.append(method).append(host).append(path).append("?");
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) source += '&';
    source.append(pairs[i].first).append("=").append(pairs[i].second);
  }
  return source;
}

Caller authenticate(const HttpRequest& request, const CommonParams& common,
                    const Credentials& credentials, const AuthOptions& options, Time wall) {
  const bool is_signed = common.signing == Signing::tc3
                             ? request.header("Authorization").starts_with("TC3-")
                             : !common.secret_id.empty();
  if (options.mode == Auth::off && !is_signed) return {"AKIDEXAMPLE", account_of("AKIDEXAMPLE")};
  return common.signing == Signing::tc3
             ? authenticate_tc3(request, common, credentials, options, wall)
             : authenticate_v1(request, common, credentials, options, wall);
}

}  // namespace cvm
