// Verifies who sent a request: TC3-HMAC-SHA256, HmacSHA256, HmacSHA1.
// Rules: the API's pages "Signature v3" and "Signature", and what real SDKs make of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/request/http.h"
#include "server/request/wire.h"
#include "state/base/crypto.h"
#include "state/base/time.h"
#include "state/settings/credentials.h"

namespace cvm {

enum class Auth { strict, lenient, off };

struct AuthOptions {
  Auth mode = Auth::strict;
  std::int64_t skew_s = 300;  // 0: timestamps are not checked.
};

// Who the request is from. `wall` is wall time: clients sign with theirs.
// Throws Error: AuthFailure.*, MissingParameter for a missing timestamp or nonce.
struct Caller {
  std::string secret_id;
  Account account;
  bool read_only = false;
};
Caller authenticate(const HttpRequest& request, const CommonParams& common,
                    const Credentials& credentials, const AuthOptions& options, Time wall);

// `TC3-HMAC-SHA256 Credential=<id>/<date>/<service>/tc3_request, SignedHeaders=…, Signature=…`
struct Authorization {
  std::string_view secret_id, date, service, signed_headers, signature;
};
// Throws Error AuthFailure.InvalidAuthorization.
Authorization parse_authorization(std::string_view header);
// The documented rules of SignedHeaders, which bound what is built of it: `content-type` and `host`
// at least, names in lower case and sorted, each once, at most 100. Throws the same.
void check_signed_headers(std::string_view list);

// The signature a client with this key would send; the parts clients spell differently are given.
struct Tc3Spelling {
  std::string_view host, path;
};
// All that are accepted, of both families: first the host as sent, with the path `/`.
std::vector<Tc3Spelling> accepted_spellings(const HttpRequest& request);
// The canonical headers in the order of SignedHeaders; clients take their values for lower case
// but those of `host` and `content-type`.
Pairs tc3_headers(const HttpRequest& request, std::string_view signed_headers,
                  std::string_view host);
std::string tc3_canonical_request(const HttpRequest& request, const Authorization& authorization,
                                  std::string_view payload_hash, const Tc3Spelling& spelling);
std::string tc3_payload_hash(const HttpRequest& request);
std::string tc3_string_to_sign(std::string_view canonical_request, std::string_view timestamp,
                               const Authorization& authorization);
std::string tc3_signature(std::string_view canonical_request, std::string_view timestamp,
                          const Authorization& authorization, std::string_view secret_key);

// The documentation names no third method: whatever is not HmacSHA256 means HmacSHA1.
Digest v1_digest(std::string_view signature_method);
Pairs v1_sorted(Pairs pairs);
std::string v1_source(std::string_view method, std::string_view host, std::string_view path,
                      const Pairs& pairs);  // In the order given: sort them first.

}  // namespace cvm
