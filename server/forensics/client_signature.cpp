// The canonical forms of both families, with every part a client may change.
#include "server/forensics/client_signature.h"

#include <algorithm>

namespace cvm::forensics {

namespace {

std::string signing_key(const ClientSignature& by) {
  using Derivation = ClientSignature::Derivation;
  std::string key = by.key_prefix + by.secret_key;
  if (by.derivation == Derivation::none) return key;
  for (const std::string& step : {by.key_date, by.key_service, by.key_end}) {
    key = hmac(Digest::sha256, key, step);
    if (by.derivation == Derivation::hex_steps) key = hex(key);
  }
  return key;
}

std::string v1_request(const ClientSignature& by) {
  Pairs pairs = by.pairs;
  if (!by.left_out.empty()) {
    std::erase_if(pairs, [&](const auto& pair) { return pair.first == by.left_out; });
  }
  if (by.before != nullptr) std::stable_sort(pairs.begin(), pairs.end(), by.before);
  std::string source = v1_source(by.method, by.host, by.path, pairs);
  if (!by.question_mark) source.erase(by.method.size() + by.host.size() + by.path.size(), 1);
  return source;
}

}  // namespace

std::string ClientSignature::canonical_request() const {
  if (!tc3) return v1_request(*this);
  std::string all = method + line_end + path + line_end + query + line_end;
  for (const auto& [name, value] : pairs) all += name + colon + value + line_end;
  if (empty_line) all += line_end;
  return all + signed_headers + line_end + payload + request_end;
}

std::string ClientSignature::string_to_sign() const {
  if (!tc3) return v1_request(*this);
  return "TC3-HMAC-SHA256" + line_end + timestamp + line_end + date + "/" + service +
         "/tc3_request" + line_end + request_hash(canonical_request()) + text_end;
}

std::string ClientSignature::signature() const {
  return encode(tc3 ? hmac(Digest::sha256, signing_key(*this), string_to_sign())
                    : hmac(v1_digest(algorithm), secret_key, string_to_sign()));
}

std::string ClientSignature::lines() const {
  std::string text = canonical_request();
  if (tc3) return text + "\n" + string_to_sign() + "\n" + signature();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '&' || c == '?'; }, '\n');
  return method + " " + host + path + "\n" + text + "\n" + signature();
}

std::vector<std::string*> ClientSignature::named(std::string_view name) {
  std::vector<std::string*> values;
  for (auto& pair : pairs) {
    if (pair.first == name) values.push_back(&pair.second);
  }
  return values;
}

std::vector<ClientSignature> expected_signatures(const Case& about) {
  ClientSignature by;
  by.request = &about.request;
  by.tc3 = about.tc3();
  by.method = about.request.method;
  if (about.credential) by.secret_key = about.credential->secret_key;
  if (by.tc3) {
    const Authorization& sent = about.authorization;
    if (by.method == "GET") by.query = about.request.query();
    by.signed_headers = sent.signed_headers;
    by.payload = tc3_payload_hash(about.request);
    by.timestamp = about.common.timestamp;
    by.date = by.key_date = sent.date;
    by.service = by.key_service = sent.service;
  } else {
    by.encode = base64;
    by.algorithm = about.common.signature_method == "HmacSHA256" ? "HmacSHA256" : "HmacSHA1";
    by.before = by_name;
    by.pairs = about.common.signed_pairs;
  }
  std::vector<ClientSignature> all;
  for (const Tc3Spelling& spelling : accepted_spellings(about.request)) {
    all.push_back(by);
    all.back().path = spelling.path;
    all.back().host = spelling.host;
    if (by.tc3) all.back().pairs = tc3_headers(about.request, by.signed_headers, spelling.host);
  }
  return all;
}

bool by_name(const Pairs::value_type& one, const Pairs::value_type& other) {
  return one.first < other.first;
}

}  // namespace cvm::forensics
