// What enters a TC3-HMAC-SHA256 signature, part by part, so that each part can be varied.
// Internal to server/forensics*.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/auth/crypto.h"
#include "server/forensics/search.h"

namespace cvm::forensics {

enum class Derivation { documented, hex_steps, none };

// Everything that enters a signature, as one client understands it.
struct Tc3Signed {
  std::string method, path, query;
  Pairs headers;  // The canonical headers, in their order.
  std::string colon = ":", headers_end = "\n";
  std::string signed_headers, payload, request_end;
  std::string (*request_hash)(std::string_view) = sha256_hex;
  std::string timestamp, date, service, text_end;
  std::string key_prefix = "TC3", secret_key, key_date, key_service, key_end = "tc3_request";
  Derivation derivation = Derivation::documented;
  std::string line_end = "\n";
  std::string (*encode)(std::string_view mac) = hex;

  std::size_t size() const { return method.size() + path.size() + query.size() + lines_size; }
  std::size_t lines_size = 0;

  std::string canonical_request() const {
    std::string all = method + line_end + path + line_end + query + line_end;
    for (const auto& [name, value] : headers) all += name + colon + value + line_end;
    if (!headers_end.empty()) all += line_end;
    return all + signed_headers + line_end + payload + request_end;
  }
  std::string string_to_sign() const {
    return "TC3-HMAC-SHA256" + line_end + timestamp + line_end + date + "/" + service +
           "/tc3_request" + line_end + request_hash(canonical_request()) + text_end;
  }
  std::string text() const {
    return canonical_request() + "\n" + string_to_sign() + "\n" + signature();
  }
  std::string signing_key() const;
  std::string signature() const {
    return encode(hmac(Digest::sha256, signing_key(), string_to_sign()));
  }

  std::string* header(std::string_view name) {
    for (auto& [key, value] : headers) {
      if (equal_ignoring_case(key, name)) return &value;
    }
    return nullptr;
  }
  void set_header(std::string_view name, const std::string& value) {
    for (auto& line : headers) {
      if (equal_ignoring_case(line.first, name)) line.second = value;
    }
  }
};
std::string upper_case(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string joined(const std::vector<std::string_view>& parts, char separator);

// Ways to build the texts, the key and the signature that need no value from elsewhere.
void add_habits(std::vector<Variation<Tc3Signed>>& all, const HttpRequest& request);

}  // namespace cvm::forensics
