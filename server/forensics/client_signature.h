// What one client puts into its signature, part by part, so that each part can be varied.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/signature.h"

namespace cvm::forensics {

// One refused request, and what is known about who sent it.
struct Case {
  const HttpRequest& request;
  const CommonParams& common;
  const Credentials& credentials;
  const Authorization authorization;           // TC3 alone.
  const std::optional<Credential> credential;  // Nothing if its SecretId is unknown.

  bool tc3() const { return common.signing == Signing::tc3; }
};

struct ClientSignature {
  const HttpRequest* request = nullptr;  // What arrived.
  bool tc3 = true;
  std::string method, path, secret_key;
  Pairs pairs;  // TC3: the canonical headers in their order. v1: the parameters as sent.
  std::string (*encode)(std::string_view mac) = hex;

  // TC3
  enum class Derivation { documented, hex_steps, none } derivation = Derivation::documented;
  bool empty_line = true;  // After the canonical headers.
  std::string query, colon = ":", line_end = "\n", signed_headers, payload, request_end;
  std::string (*request_hash)(std::string_view) = sha256_hex;
  std::string timestamp, date, service, text_end;
  std::string key_prefix = "TC3", key_date, key_service, key_end = "tc3_request";

  // v1
  std::string host, algorithm, left_out;  // The last one is the name of a parameter.
  bool question_mark = true;
  bool (*before)(const Pairs::value_type&, const Pairs::value_type&) = nullptr;  // None: as sent.

  std::string canonical_request() const;
  std::string string_to_sign() const;  // The same for v1.
  std::string signature() const;
  std::string lines() const;  // All of these, cut where a difference is worth telling.

  std::vector<std::string*> named(std::string_view name);  // The values of `pairs`.
};

// What we expect, in each of the accepted spellings.
std::vector<ClientSignature> expected_signatures(const Case& about);

bool by_name(const Pairs::value_type& one, const Pairs::value_type& other);

}  // namespace cvm::forensics
