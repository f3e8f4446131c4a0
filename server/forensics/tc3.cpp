// What a client may have signed in place of our canonical request, with TC3-HMAC-SHA256.
#include <algorithm>

#include "server/forensics/payload.h"
#include "server/forensics/tc3.h"

namespace cvm::forensics {

namespace {

using Variations = std::vector<Variation<Tc3Signed>>;

// Takes our own canonical request apart, so that what is tried differs from it in the variation
// alone.
Tc3Signed expected(const Case& about, const Authorization& authorization,
                   const Tc3Spelling& spelling, const std::string& payload) {
  const std::string canonical =
      tc3_canonical_request(about.request, authorization, payload, spelling);
  Tc3Signed text;
  text.method = about.request.method;
  text.path = spelling.path;
  if (about.request.method == "GET") text.query = about.request.query();
  const std::size_t head = text.method.size() + text.path.size() + text.query.size() + 3;
  const std::size_t end = canonical.size() - payload.size() - authorization.signed_headers.size();
  std::string_view lines(canonical);
  for (const std::string_view line : split(lines.substr(head, end - 2 - head), '\n')) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    text.headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  text.lines_size = canonical.size() - head + text.headers.size() * sizeof(text.headers[0]);
  text.signed_headers = authorization.signed_headers;
  text.payload = payload;
  text.timestamp = about.common.timestamp;
  text.date = text.key_date = authorization.date;
  text.service = text.key_service = authorization.service;
  if (about.credential) text.secret_key = about.credential->secret_key;
  return text;
}

void add_hosts(Variations& all, const Case& about, Tc3Signed& base) {
  if (base.header("host") == nullptr) return;
  vary(all, "host", "the host", *base.header("host"), host_candidates(about), true,
       [](Tc3Signed& text, const std::string& value) { text.set_header("host", value); });
}

void add_content_types(Variations& all, Tc3Signed& base) {
  const std::string* arrived = base.header("content-type");
  if (arrived == nullptr) return;
  std::vector<std::string> types = {lower_case(*arrived), upper_case(*arrived),
                                    arrived->substr(0, arrived->find(';')), ""};
  for (const char* media : {"application/json", "application/x-www-form-urlencoded", "text/plain",
                            "multipart/form-data", "application/octet-stream"}) {
    for (const char* charset :
         {"", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8", ";charset=UTF-8"})
      types.push_back(std::string(media) + charset);
  }
  vary(all, "content-type", "the content type", *arrived, types, true,
       [](Tc3Signed& text, const std::string& value) { text.set_header("content-type", value); });
}

// An order, an encoding, or nothing at all where we take the query as it was sent.
void add_queries(Variations& all, const HttpRequest& request, const Tc3Signed& base) {
  const std::string sent(request.query());
  std::vector<std::string_view> parts = split(sent, '&');
  std::sort(parts.begin(), parts.end());
  std::string encoded, sorted_encoded;
  for (std::string* into : {&encoded, &sorted_encoded}) {
    for (const std::string_view part :
         into == &encoded ? split(sent, '&') : std::vector<std::string_view>(parts)) {
      const std::size_t equals = std::min(part.find('='), part.size());
      if (!into->empty()) *into += '&';
      *into += url_encode(url_decode(part.substr(0, equals))) + "=";
      *into += url_encode(url_decode(part.substr(std::min(equals + 1, part.size()))));
    }
  }
  std::string plus = encoded;
  for (std::size_t at = 0; (at = plus.find("%20", at)) != plus.npos;) plus.replace(at, 3, "+");
  const std::vector<std::string> queries = {
      "",      sent, joined(parts, '&'), url_decode(sent), url_decode(joined(parts, '&')),
      encoded, plus, sorted_encoded,     "?" + sent};
  vary(all, "query", "the query", base.query, queries, true,
       [](Tc3Signed& text, const std::string& value) { text.query = value; });
}

void add_paths(Variations& all, const HttpRequest& request, const Tc3Signed& base) {
  const std::string path(request.path());
  const std::vector<std::string> paths = {"",
                                          path + "/",
                                          url_decode(path),
                                          url_encode(path),
                                          path.substr(1),
                                          std::string(request.target),
                                          "/v2/index.php"};
  vary(all, "path", "the path", base.path, paths, true,
       [](Tc3Signed& text, const std::string& value) { text.path = value; });
}

void add_payloads(Variations& all, const HttpRequest& request, const Tc3Signed& base) {
  for (PayloadCandidate& one : payload_candidates(request)) {
    if (one.hash == base.payload) continue;
    std::string says = "the client seems to have signed " + one.says + ", " + quote(one.hash) +
                       "; expected is " + quote(base.payload) + ", the hash of what arrived, " +
                       count_of(request.body.size(), "byte");
    all.push_back({"payload", std::move(says),
                   [hash = std::move(one.hash)](Tc3Signed& text) { text.payload = hash; }, true});
  }
}

void add_dates(Variations& all, const Tc3Signed& base) {
  std::vector<std::string> dates;
  for (const int day : {0, -1, 1}) {
    const Time time{std::chrono::seconds{timestamp_of(base.timestamp) + std::int64_t{86400} * day}};
    const std::string date = iso8601(time).substr(0, 10);
    dates.push_back(date);
    dates.push_back(date.substr(0, 4) + date.substr(5, 2) + date.substr(8));
  }
  vary(all, "date", "the date", base.date, dates, false,
       [](Tc3Signed& text, const std::string& value) { text.date = text.key_date = value; });
  vary(all, "date", "with a key derived for the date", base.date, dates, false,
       [](Tc3Signed& text, const std::string& value) { text.key_date = value; });
  vary(all, "date", "in the string to sign the date", base.date, dates, false,
       [](Tc3Signed& text, const std::string& value) { text.date = value; });
}

void add_services(Variations& all, const HttpRequest& request, const Tc3Signed& base) {
  const std::string_view host = request.header("Host");
  const std::vector<std::string> services = {"cvm", std::string(host.substr(0, host.find('.'))),
                                             std::string(host.substr(0, host.find(':'))),
                                             std::string(host), ""};
  vary(all, "service", "the service", base.service, services, false,
       [](Tc3Signed& text, const std::string& value) { text.service = text.key_service = value; });
  vary(all, "service", "with a key derived for the service", base.service, services, false,
       [](Tc3Signed& text, const std::string& value) { text.key_service = value; });
  vary(all, "service", "in the string to sign the service", base.service, services, false,
       [](Tc3Signed& text, const std::string& value) { text.service = value; });
}

// Clients that ask their clock twice, and those that sign milliseconds.
void add_timestamps(Variations& all, const Tc3Signed& base) {
  const std::int64_t seconds = timestamp_of(base.timestamp);
  std::vector<std::string> times = {""};
  for (int drift = -5; drift <= 5; ++drift) times.push_back(std::to_string(seconds + drift));
  for (int part = 0; part < 1000; ++part) times.push_back(std::to_string(seconds * 1000 + part));
  vary(all, "clock", "the timestamp", base.timestamp, times, false,
       [](Tc3Signed& text, const std::string& value) { text.timestamp = value; });
}

Variations variations(const Case& about, Tc3Signed base) {
  Variations all;
  add_hosts(all, about, base);
  add_content_types(all, base);
  add_payloads(all, about.request, base);
  add_queries(all, about.request, base);
  add_paths(all, about.request, base);
  add_habits(all, about.request);
  vary_keys(all, about, true);
  add_dates(all, base);
  add_services(all, about.request, base);
  vary_keys(all, about, false);
  add_timestamps(all, base);
  return all;
}

}  // namespace

// Few variations touch it: the last one is kept.
std::string Tc3Signed::signing_key() const {
  thread_local std::string kept_name, kept_key;
  std::string name = key_prefix + secret_key;
  for (const std::string* step : {&key_date, &key_service, &key_end}) name += "\n" + *step;
  name += std::to_string(static_cast<int>(derivation));
  if (name == kept_name) return kept_key;
  std::string key = key_prefix + secret_key;
  for (const std::string* step : {&key_date, &key_service, &key_end}) {
    if (derivation == Derivation::none) break;
    key = hmac(Digest::sha256, key, *step);
    if (derivation == Derivation::hex_steps) key = hex(key);
  }
  kept_name = std::move(name);
  return kept_key = std::move(key);
}

Finding examine_tc3(const Case& about, const Authorization& authorization, bool search) {
  const std::string payload = tc3_payload_hash(about.request);
  std::vector<Tc3Signed> bases;
  for (const Tc3Spelling& spelling : accepted_spellings(about.request)) {
    bases.push_back(expected(about, authorization, spelling, payload));
  }
  Finding finding;
  const Tc3Signed* shown = &bases.front();
  if (about.credential) {
    const auto found = search_cause(bases, search ? variations(about, bases.front()) : Variations(),
                                    authorization.signature);
    if (found) {
      shown = found->base;
      finding.cause = found->cause;
      finding.as_expected = found->cause.empty();
    }
    finding.expected_signature = shown->signature();
  }
  finding.string_to_sign = shown->string_to_sign();
  Tc3Signed hidden = *shown;
  hidden.set_header("X-TC-Token", "(hidden)");
  finding.canonical_request = hidden.canonical_request();
  return finding;
}

}  // namespace cvm::forensics
