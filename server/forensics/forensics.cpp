// Puts an explanation together. What each refusal but that of a signature means is told from the
// refusal itself; a signature's cause is searched.
#include "server/forensics/forensics.h"

#include <algorithm>
#include <cstdlib>

#include "server/forensics/search.h"
#include "state/base/edit_distance.h"

namespace cvm {

namespace {

using namespace forensics;

constexpr std::size_t text_max = 16 << 10;
constexpr std::size_t hidden_min = 6;  // Shorter ones are found in any text.
constexpr std::size_t told_ids_max = 5;

std::string_view stripped(std::string_view text) {
  static constexpr std::string_view around = " \t\r\n\"'";
  const std::size_t first = text.find_first_not_of(around);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

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
    const bool cut = behind.empty() || behind.starts_with("…");
    if (length < secret.size() && !cut) {
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

bool digits_of(std::string_view text, std::string_view digits) {
  return text.find_first_not_of(digits) == text.npos;
}

std::string unknown_id(const Credentials& credentials, std::string_view id) {
  static constexpr std::string_view main_id = "AKIDEXAMPLE";
  if (const auto known = credentials.find(id)) {
    return "key: the SecretId " + quote(id) +
           (known->enabled ? " is known by now, it was not when the request came."
                           : " is known but disabled.");
  }
  const std::string_view plain = stripped(id);
  if (plain != id && credentials.find(plain)) {
    return "key: the SecretId " + quote(id) + " has blanks or quotes around it, known is " +
           quote(plain) + ".";
  }
  std::string accepted = "`AKIDEXAMPLE`, `AKIDEXAMPLE-<label>`", near;
  std::size_t told = 0;
  for (const Credential& one : known_credentials(credentials)) {
    if (one.secret_key == plain) {
      return "key: what was sent as SecretId is the SecretKey of " + quote(one.secret_id) +
             ": the two seem to be exchanged.";
    }
    const bool similar = id.size() <= 128 && one.secret_id.size() <= id.size() + 2 &&
                         edit_distance(id, one.secret_id) <= 2;
    if (near.empty() && (similar || equal_ignoring_case(id, one.secret_id))) near = one.secret_id;
    if (one.secret_id.starts_with(main_id)) continue;
    if (++told <= told_ids_max) accepted += ", " + quote(one.secret_id);
  }
  if (told > told_ids_max) accepted += ", and " + count_of(told - told_ids_max, "other");
  std::string cause = "key: the SecretId " + quote(id) + " is not known";
  if (!near.empty()) cause += ", but " + quote(near) + " is";
  if (id.starts_with(main_id)) {
    cause += "; a label follows `AKIDEXAMPLE-`, 1 to 64 letters, digits, `_` and `-`";
  }
  return cause + ". Accepted are " + accepted + "; the usual one is `AKIDEXAMPLE`.";
}

std::string wrong_token(const Case& about, Time wall, std::string_view id) {
  const std::string parameter = about.common.signing == Signing::tc3 ? "X-TC-Token" : "Token";
  const std::string& given = about.common.token;
  const std::string whose = "the temporary credentials " + quote(id);
  if (!about.credential) return "token: " + whose + " are gone by now.";
  const Credential& own = *about.credential;
  if (own.expires_at && *own.expires_at <= wall) {
    const auto late = std::chrono::floor<std::chrono::seconds>(wall - *own.expires_at).count();
    return "token: " + whose + " expired at " + iso8601(*own.expires_at) + ", " +
           count_of(static_cast<std::size_t>(late), "second") + " before the server's time, " +
           iso8601(wall) + ".";
  }
  if (given.empty()) {
    return "token: " + whose + " are used with their token alone, and no " + parameter +
           " arrived.";
  }
  for (const Credential& other : about.credentials.added()) {
    if (other.token == given && other.secret_id != own.secret_id) {
      return "token: " + parameter + " is the token of " + quote(other.secret_id) + ", not of " +
             quote(own.secret_id) + ".";
    }
  }
  std::string plus = given;
  std::replace(plus.begin(), plus.end(), ' ', '+');
  std::string how = "is not the one of " + whose;
  if (stripped(given) == own.token) how += ": it has blanks or quotes around it";
  if (plus == own.token) how += ": each `+` arrived as a blank, it was not URL-encoded when sent";
  if (url_decode(given) == own.token) how += ": it was URL-encoded once more than expected";
  if (given.size() < own.token.size() && own.token.starts_with(given)) how += ": it is cut off";
  return "token: " + parameter + ", of " + count_of(given.size(), "character") + ", " + how +
         ", which has " + std::to_string(own.token.size()) + ".";
}

std::string wrong_time(const Case& about, const AuthOptions& options, Time wall) {
  const std::string& text = about.common.timestamp;
  const std::int64_t sent = timestamp_of(text);
  const std::int64_t now =
      std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  const auto apart = static_cast<std::size_t>(std::llabs(now - sent));
  std::string cause = "clock: the client's time is " + count_of(apart, "second") +
                      (sent < now ? " behind" : " ahead") + ": it sent the timestamp " +
                      quote(text) + ", the server's time is `" + std::to_string(now) + "`, and " +
                      count_of(static_cast<std::size_t>(options.skew_s), "second") +
                      " are allowed.";
  const std::size_t half_hours = (apart + 900) / 1800;
  const auto rest =
      std::llabs(static_cast<std::int64_t>(apart) - static_cast<std::int64_t>(half_hours) * 1800);
  if (half_hours >= 2 && half_hours <= 28 && rest <= 60) {
    cause += " That looks like a time zone: timestamps are in UTC.";
  }
  return cause;
}

std::string wrong_date(const Case& about, const std::string& scope) {
  const std::string& text = about.common.timestamp;
  const std::int64_t seconds = timestamp_of(text);
  const auto date = [&](int hours) {
    return iso8601(Time{std::chrono::seconds{seconds + std::int64_t{3600} * hours}}).substr(0, 10);
  };
  std::string cause = "date: the client signed the date " + quote(scope) +
                      " in the credential scope, but X-TC-Timestamp " + quote(text) + " is of " +
                      quote(date(0)) + " in UTC";
  for (int hours = 1; hours <= 14; ++hours) {
    for (const int zone : {hours, -hours}) {
      if (date(zone) != scope) continue;
      return cause + "; it seems to be the date of the client's time zone, such as UTC" +
             (zone > 0 ? "+" : "") + std::to_string(zone) + ".";
    }
  }
  return cause + ".";
}

std::string wrong_header(std::string_view header, const Error& refusal) {
  std::string cause = "header: " + (refusal.parameter == "Authorization"
                                        ? std::string("the header Authorization ")
                                        : quote(refusal.parameter) + " of Authorization ");
  cause += refusal.value.empty() ? "is missing or empty" : "is " + quote(refusal.value);
  cause +=
      ", expected is `TC3-HMAC-SHA256 "
      "Credential=<SecretId>/<date>/<service>/tc3_request, "
      "SignedHeaders=<names>, Signature=<hex>`";
  struct Hint {
    std::string_view in_header, says;
  };
  static constexpr Hint hints[] = {
      {"SKIP", "; the client was told to skip signing"},
      {"AWS4-", "; this is a signature for Amazon"},
      {"aws4_request", "; the scope ends as for Amazon"},
      {"Basic ", "; this is HTTP basic authentication"},
      {"Bearer ", "; this is a bearer token"},
      {"tc3-hmac-sha256", "; the algorithm is spelled in capitals"},
      {"credential=", "; the names have capitals"},
      {"signedheaders=", "; the names have capitals"},
      {" signature=", "; the names have capitals"},
  };
  const std::string_view start = header.substr(0, text_max);
  for (const Hint& hint : hints) {
    if (start.find(hint.in_header) == start.npos) continue;
    return cause.append(hint.says) + ".";
  }
  if (!header.empty() && start.find(',') == start.npos) {
    return cause + "; the parts are separated by commas.";
  }
  return cause + ".";
}

// When no try explains it: what the signature's own form says, and what could not be tried.
std::string unexplained(const Case& about, std::string_view given, std::string_view expected,
                        std::string_view signed_headers) {
  static constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";
  const std::string compared =
      " The signature " + quote(given) + " arrived, expected is " + quote(expected) + ".";
  if (about.common.signing == Signing::tc3) {
    if (given.size() == 40 && digits_of(given, hex_digits)) {
      return "algorithm: the signature has 40 hexadecimal digits, like one made with SHA1; "
             "TC3-HMAC-SHA256 takes SHA256." +
             compared;
    }
  } else if (given.size() != expected.size() && (given.size() == 28 || given.size() == 44)) {
    return std::string("algorithm: the signature is as long as one of ") +
           (given.size() == 28 ? "HmacSHA1" : "HmacSHA256") + ", but SignatureMethod is " +
           quote(about.common.signature_method) + " (without it, HmacSHA1 is meant)." + compared;
  }
  if (given.size() != expected.size()) {
    return "encoding: the signature has " + count_of(given.size(), "character") +
           ", expected are " + std::to_string(expected.size()) + "." + compared;
  }
  std::string cause = "unknown: none of the usual mistakes explains it.";
  while (!signed_headers.empty()) {
    const std::string_view name = signed_headers.substr(0, signed_headers.find(';'));
    signed_headers.remove_prefix(std::min(name.size() + 1, signed_headers.size()));
    if (!about.request.header(name).empty()) continue;
    return cause + " The signed header " + quote(name) + " did not arrive." + compared;
  }
  return cause + " Most often it is a SecretKey that does not belong to " +
         quote(about.credential ? about.credential->secret_id : "") +
         ", or something on the way that changed the request." + compared;
}

std::string cause_of(const Case& about, const Finding& finding, std::string_view given,
                     std::string_view signed_headers, const AuthOptions& options, Time wall,
                     const Error& refusal) {
  if (refusal.code == "AuthFailure.SecretIdNotFound") {
    return unknown_id(about.credentials, refusal.value);
  }
  if (refusal.code == "AuthFailure.SignatureExpire") return wrong_time(about, options, wall);
  if (refusal.code == "AuthFailure.SignatureFailure") {
    if (refusal.parameter == "Credential") return wrong_date(about, refusal.value);
    if (!finding.cause.empty()) return finding.cause;
    if (!about.credential || finding.as_expected) {
      return "unknown: the credentials have been changed since the request was refused.";
    }
    return unexplained(about, given, finding.expected_signature, signed_headers);
  }
  return "unknown: the request was refused with `" + refusal.code +
         "`, which is not about its signature.";
}

// The signature of a header that cannot be read otherwise.
std::string_view given_in(std::string_view header) {
  static constexpr std::string_view name = "Signature=";
  const std::size_t at = header.find(name);
  if (at == header.npos) return {};
  header.remove_prefix(at + name.size());
  return stripped(header.substr(0, header.find(',')));
}

}  // namespace

Json explain_signature(const HttpRequest& request, const CommonParams& common,
                       const Credentials& credentials, const AuthOptions& options, Time wall,
                       const Error& refusal) {
  const bool tc3 = common.signing == Signing::tc3;
  const std::string_view header = request.header("Authorization");
  const bool search =
      refusal.code == "AuthFailure.SignatureFailure" && refusal.parameter != "Credential";
  Finding finding;
  std::string cause, given(tc3 ? given_in(header) : common.signature);
  try {
    Authorization authorization;
    if (tc3) authorization = parse_authorization(header);
    const std::string id(tc3 ? authorization.secret_id : common.secret_id);
    const Case about{request, common, credentials, credentials.find(id)};
    if (tc3) given = authorization.signature;
    finding = tc3 ? examine_tc3(about, authorization, search) : examine_v1(about, search);
    cause =
        refusal.code == "AuthFailure.TokenFailure"
            ? wrong_token(about, wall, id)
            : cause_of(about, finding, given, authorization.signed_headers, options, wall, refusal);
  } catch (const Error& malformed) {
    cause = wrong_header(header, malformed);
  }
  const std::vector<std::string> hidden = secrets(credentials);
  const Json explanation = {{"method", tc3                                       ? "TC3-HMAC-SHA256"
                                       : common.signature_method == "HmacSHA256" ? "HmacSHA256"
                                                                                 : "HmacSHA1"},
                            {"canonical_request", shown(finding.canonical_request, hidden)},
                            {"string_to_sign", shown(finding.string_to_sign, hidden)},
                            {"expected_signature", shown(finding.expected_signature, hidden)},
                            {"given_signature", shown(given, hidden)},
                            {"likely_cause", shown(cause, hidden)}};
  // Whatever bytes the client has sent, this can be written.
  return Json::parse(explanation.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace cvm
