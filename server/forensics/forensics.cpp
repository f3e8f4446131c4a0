// Puts an explanation together, without what must not be shown.
#include "server/forensics/forensics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "server/forensics/candidates.h"
#include "server/forensics/hypotheses.h"
#include "state/base/edit_distance.h"

namespace cvm {

namespace {

using namespace forensics;

constexpr std::size_t text_max = 16 << 10;
constexpr std::size_t told_ids_max = 5;
constexpr std::size_t hidden_min = 6;  // Shorter ones are found in any text.

// What must not be shown, in the spellings that a request may hold it.
std::vector<std::string> secrets(const Credentials& credentials) {
  std::vector<std::string> texts;
  for (const Credential& one : known_credentials(credentials)) {
    for (const std::string& text : {one.secret_key, one.token}) {
      if (text.size() < hidden_min) continue;
      texts.insert(texts.end(), {text, lower_case(text), url_encode(text)});
    }
  }
  // The longest first: another one may be a part of it.
  std::sort(texts.begin(), texts.end(), [](const std::string& a, const std::string& b) {
    return a.size() == b.size() ? a < b : a.size() > b.size();
  });
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

// Also replaces a secret that was cut at its end, with an ellipsis or the text's end behind it.
void hide(std::string& text, const std::string& secret) {
  static constexpr std::string_view replacement = "(hidden)";
  const std::string_view head = std::string_view(secret).substr(0, 2 * hidden_min);
  for (std::size_t at = 0; (at = text.find(head, at)) != text.npos;) {
    const auto differ = std::mismatch(secret.begin(), secret.end(),
                                      text.begin() + static_cast<std::ptrdiff_t>(at), text.end());
    const auto length = static_cast<std::size_t>(differ.first - secret.begin());
    const std::string_view behind = std::string_view(text).substr(at + length);
    if (length < secret.size() && !behind.empty() && !behind.starts_with("…")) {
      ++at;
      continue;
    }
    text.replace(at, length, replacement);
    at += replacement.size();
  }
}

Json shown(std::string text, const std::vector<std::string>& hidden) {
  if (text.empty()) return nullptr;
  if (text.size() > text_max) {
    text.resize(text_max);
    text += "…";
  }
  for (const std::string& secret : hidden) hide(text, secret);
  return text;
}

std::string_view stripped(std::string_view text) {
  static constexpr std::string_view around = " \t\r\n\"'";
  const std::size_t first = text.find_first_not_of(around);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

std::string unknown_id(const Credentials& credentials, std::string_view id) {
  static constexpr std::string_view main_id = "AKIDEXAMPLE";
  if (const auto known = credentials.find(id)) {
    return fmt::format(
        "key: the SecretId {} is known {}.", quote(id),
        known->enabled ? "by now, it was not when the request came" : "but disabled");
  }
  const std::string_view plain = stripped(id);
  if (plain != id && credentials.find(plain)) {
    return fmt::format("key: the SecretId {} has blanks or quotes around it, known is {}.",
                       quote(id), quote(plain));
  }
  std::string accepted = "`AKIDEXAMPLE`, `AKIDEXAMPLE-<label>`", near;
  std::size_t told = 0;
  for (const Credential& one : known_credentials(credentials)) {
    if (one.secret_key == plain) {
      return fmt::format(
          "key: what was sent as SecretId is the SecretKey of {}: the two seem to be exchanged.",
          quote(one.secret_id));
    }
    const bool similar = id.size() <= 128 && one.secret_id.size() <= id.size() + 2 &&
                         edit_distance(id, one.secret_id) <= 2;
    if (near.empty() && (similar || equal_ignoring_case(id, one.secret_id))) near = one.secret_id;
    if (one.secret_id.starts_with(main_id)) continue;
    if (++told <= told_ids_max) accepted += ", " + quote(one.secret_id);
  }
  if (told > told_ids_max) accepted += ", and " + count_of(told - told_ids_max, "other");
  std::string cause = fmt::format("key: the SecretId {} is not known", quote(id));
  if (!near.empty()) cause += fmt::format(", but {} is", quote(near));
  if (id.starts_with(main_id)) {
    cause += "; a label follows `AKIDEXAMPLE-`, 1 to 64 letters, digits, `_` and `-`";
  }
  return fmt::format("{}. Accepted are {}; the usual one is `AKIDEXAMPLE`.", cause, accepted);
}

std::string wrong_token(const Case& about, Time wall) {
  const char* parameter = about.tc3() ? "X-TC-Token" : "Token";
  const std::string& given = about.common.token;
  const std::string whose =
      "the temporary credentials " +
      quote(about.tc3() ? about.authorization.secret_id : about.common.secret_id);
  if (!about.credential) return fmt::format("token: {} are gone by now.", whose);
  const Credential& own = *about.credential;
  if (own.expires_at && *own.expires_at <= wall) {
    const auto late = std::chrono::floor<std::chrono::seconds>(wall - *own.expires_at).count();
    return fmt::format("token: {} expired at {}, {} before the server's time, {}.", whose,
                       iso8601(*own.expires_at), count_of(static_cast<std::size_t>(late), "second"),
                       iso8601(wall));
  }
  if (given.empty()) {
    return fmt::format("token: {} are used with their token alone, and no {} arrived.", whose,
                       parameter);
  }
  for (const Credential& other : about.credentials.added()) {
    if (other.token == given && other.secret_id != own.secret_id) {
      return fmt::format("token: {} is the token of {}, not of {}.", parameter,
                         quote(other.secret_id), quote(own.secret_id));
    }
  }
  std::string plus = given, how;
  std::replace(plus.begin(), plus.end(), ' ', '+');
  if (stripped(given) == own.token) how += ": it has blanks or quotes around it";
  if (plus == own.token) how += ": each `+` arrived as a blank, it was not URL-encoded when sent";
  if (url_decode(given) == own.token) how += ": it was URL-encoded once more than expected";
  if (given.size() < own.token.size() && own.token.starts_with(given)) how += ": it is cut off";
  return fmt::format("token: {}, of {}, is not the one of {}{}, which has {}.", parameter,
                     count_of(given.size(), "character"), whose, how, own.token.size());
}

std::string wrong_time(const Case& about, const AuthOptions& options, Time wall) {
  const std::int64_t sent = timestamp_of(about.common.timestamp);
  const std::int64_t now =
      std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  const std::int64_t apart = std::llabs(now - sent), half_hours = (apart + 900) / 1800;
  const bool zone =
      half_hours >= 2 && half_hours <= 28 && std::llabs(apart - half_hours * 1800) <= 60;
  return fmt::format(
      "clock: the client's time is {} {}: it sent the timestamp {}, the server's time is `{}`, and "
      "{} are allowed.{}",
      count_of(static_cast<std::size_t>(apart), "second"), sent < now ? "behind" : "ahead",
      quote(about.common.timestamp), now,
      count_of(static_cast<std::size_t>(options.skew_s), "second"),
      zone ? " That looks like a time zone: timestamps are in UTC." : "");
}

std::string wrong_date(const Case& about, const std::string& scope) {
  const std::string& sent = about.common.timestamp;
  const auto date = [&](int hours) { return date_of(timestamp_of(sent) + 3600LL * hours); };
  const std::string cause = fmt::format(
      "date: the client signed the date {} in the credential scope, but X-TC-Timestamp {} is of {} "
      "in UTC",
      quote(scope), quote(sent), quote(date(0)));
  for (int hours = 1; hours <= 14; ++hours) {
    for (const int zone : {hours, -hours}) {
      if (date(zone) != scope) continue;
      return fmt::format("{}; it seems to be the date of the client's time zone, such as UTC{:+}.",
                         cause, zone);
    }
  }
  return cause + ".";
}

std::string meaning_of(const Case& about, const AuthOptions& options, Time wall,
                       const Error& refusal) {
  if (refusal.code == "AuthFailure.SecretIdNotFound") {
    return unknown_id(about.credentials, refusal.value);
  }
  if (refusal.code == "AuthFailure.TokenFailure") return wrong_token(about, wall);
  if (refusal.code == "AuthFailure.SignatureExpire") return wrong_time(about, options, wall);
  if (refusal.code == "AuthFailure.SignatureFailure") return wrong_date(about, refusal.value);
  return fmt::format(
      "unknown: the request was refused with `{}`, which is not about its signature.",
      refusal.code);
}

std::string wrong_header(std::string_view header, const Error& refusal) {
  if (refusal.parameter == "SignedHeaders" && !refusal.value.empty()) {
    return fmt::format("header: {} It is {}.", refusal.detail, quote(refusal.value));
  }
  const std::string cause = fmt::format(
      "header: {} {}, expected is `TC3-HMAC-SHA256 "
      "Credential=<SecretId>/<date>/<service>/tc3_request, SignedHeaders=<names>, "
      "Signature=<hex>`",
      refusal.parameter == "Authorization" ? "the header Authorization"
                                           : quote(refusal.parameter) + " of Authorization",
      refusal.value.empty() ? "is missing or empty" : "is " + quote(refusal.value));
  struct Hint {
    std::string_view in_header, says;
  };
  static constexpr Hint hints[] = {
      {"SKIP", "; the client was told to skip signing."},
      {"AWS4-", "; this is a signature for Amazon."},
      {"aws4_request", "; the scope ends as for Amazon."},
      {"Basic ", "; this is HTTP basic authentication."},
      {"Bearer ", "; this is a bearer token."},
      {"tc3-hmac-sha256", "; the algorithm is spelled in capitals."},
      {"credential=", "; the names have capitals."},
      {"signedheaders=", "; the names have capitals."},
      {" signature=", "; the names have capitals."},
  };
  const std::string_view start = header.substr(0, text_max);
  for (const Hint& hint : hints) {
    if (start.find(hint.in_header) != start.npos) return fmt::format("{}{}", cause, hint.says);
  }
  const bool no_comma = !header.empty() && start.find(',') == start.npos;
  return cause + (no_comma ? "; the parts are separated by commas." : ".");
}

std::string_view signature_in(std::string_view header) {
  static constexpr std::string_view name = "Signature=";
  const std::size_t at = header.find(name);
  if (at == header.npos) return {};
  header.remove_prefix(at + name.size());
  return stripped(header.substr(0, header.find(',')));
}

std::string unexplained(const Case& about, std::string_view given, std::string_view expected) {
  const std::string compared =
      fmt::format(" The signature {} arrived, expected is {}.", quote(given), quote(expected));
  if (about.tc3() && given.size() == 40 &&
      given.find_first_not_of("0123456789abcdefABCDEF") == given.npos) {
    return "algorithm: the signature has 40 hexadecimal digits, like one made with SHA1; "
           "TC3-HMAC-SHA256 takes SHA256." +
           compared;
  }
  if (!about.tc3() && given.size() != expected.size() &&
      (given.size() == 28 || given.size() == 44)) {
    return fmt::format(
        "algorithm: the signature is as long as one of {}, but SignatureMethod is {} (without it, "
        "HmacSHA1 is meant).{}",
        given.size() == 28 ? "HmacSHA1" : "HmacSHA256", quote(about.common.signature_method),
        compared);
  }
  if (given.size() != expected.size()) {
    return fmt::format("encoding: the signature has {}, expected are {}.{}",
                       count_of(given.size(), "character"), expected.size(), compared);
  }
  static constexpr std::string_view cause = "unknown: none of the usual mistakes explains it.";
  for (const auto& [name, value] : tc3_headers(about.request, about.authorization.signed_headers,
                                               about.request.header("Host"))) {
    if (!value.empty()) continue;
    return fmt::format("{} The signed header {} did not arrive.{}", cause, quote(name), compared);
  }
  return fmt::format(
      "{} Most often it is a SecretKey that does not belong to {}, or something on the way that "
      "changed the request.{}",
      cause, quote(about.credential->secret_id), compared);
}

struct Explanation {
  std::string canonical_request, string_to_sign, expected_signature, given_signature, likely_cause;
};

Explanation explain(const Case& about, const AuthOptions& options, Time wall,
                    const Error& refusal) {
  Explanation told;
  told.given_signature = about.tc3() ? about.authorization.signature : about.common.signature;
  const std::vector<ClientSignature> accepted = expected_signatures(about);
  const bool search =
      refusal.code == "AuthFailure.SignatureFailure" && refusal.parameter != "Credential";
  ClientSignature expected = accepted.front();
  if (about.credential) {
    const auto mistake = find_mistake(about, accepted, told.given_signature, search);
    if (mistake) expected = *mistake->instead_of;
    told.expected_signature = expected.signature();
    if (search) {
      told.likely_cause = mistake
                              ? mistake->cause
                              : unexplained(about, told.given_signature, told.expected_signature);
    }
  }
  told.string_to_sign = expected.string_to_sign();
  for (const char* token : {"x-tc-token", "Token"}) {
    for (std::string* value : expected.named(token)) *value = "(hidden)";
  }
  told.canonical_request = expected.canonical_request();
  if (!about.tc3()) told.string_to_sign = told.canonical_request;
  if (!search) told.likely_cause = meaning_of(about, options, wall, refusal);
  if (told.likely_cause.empty()) {
    told.likely_cause = "unknown: the credentials have been changed since the request was refused.";
  }
  return told;
}

}  // namespace

Json explain_signature(const HttpRequest& request, const CommonParams& common,
                       const Credentials& credentials, const AuthOptions& options, Time wall,
                       const Error& refusal) {
  const bool tc3 = common.signing == Signing::tc3;
  const std::string_view header = request.header("Authorization");
  Explanation told;
  try {
    Authorization authorization;
    if (tc3) {
      authorization = parse_authorization(header);
      check_signed_headers(authorization.signed_headers);
    }
    const std::string id(tc3 ? authorization.secret_id : common.secret_id);
    told = explain({request, common, credentials, authorization, credentials.find(id)}, options,
                   wall, refusal);
  } catch (const Error& malformed) {
    told.given_signature = signature_in(header);
    told.likely_cause = wrong_header(header, malformed);
  }
  const char* v1_method =
      v1_digest(common.signature_method) == Digest::sha256 ? "HmacSHA256" : "HmacSHA1";
  const std::vector<std::string> hidden = secrets(credentials);
  const Json explanation = {{"method", tc3 ? "TC3-HMAC-SHA256" : v1_method},
                            {"canonical_request", shown(told.canonical_request, hidden)},
                            {"string_to_sign", shown(told.string_to_sign, hidden)},
                            {"expected_signature", shown(told.expected_signature, hidden)},
                            {"given_signature", shown(told.given_signature, hidden)},
                            {"likely_cause", shown(told.likely_cause, hidden)}};
  // Whatever bytes the client has sent, this can be written.
  return Json::parse(explanation.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace cvm
