// What may have stood in a signature in the place of what arrived.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/forensics/client_signature.h"

namespace cvm::forensics {

struct Candidate {
  std::string text;
  std::string told;  // What it is, where that says more than the text.

  Candidate(std::string value, std::string what = "")
      : text(std::move(value)), told(std::move(what)) {}
  Candidate(const char* value) : text(value) {}
};
using Candidates = std::vector<Candidate>;

Candidates algorithms(const Case& about);
Candidates hosts(const Case& about);
Candidates methods(const Case& about);
Candidates content_types(const Case& about);
Candidates queries(const Case& about);
Candidates paths(const Case& about);
Candidates dates(const Case& about);
Candidates services(const Case& about);
Candidates timestamps(const Case& about);
Candidates parameters(const Case& about);        // Their names.
Candidates signature_method(const Case& about);  // The name of this parameter, if it was sent.

// Payload hashes. A few dozen for a short body; a long one is neither parsed nor rewritten.
Candidates payloads(const Case& about);

// Keys: the credential's own misspelt, with `TC3` before it, and those of other credentials.
Candidates misspelt_keys(const Case& about);
Candidates prefixed_key(const Case& about);
Candidates other_keys(const Case& about);

// Those that were added, and the built-in ones.
std::vector<Credential> known_credentials(const Credentials& credentials);

// In seconds, of the years 1970 to 9999 whatever the text is.
std::int64_t timestamp_of(std::string_view text);
std::string date_of(std::int64_t seconds);

// `text` in back quotes, cut, and with its line ends made visible.
std::string quote(std::string_view text);
std::string count_of(std::size_t number, std::string_view what);  // `1 byte`, `2 bytes`.

// The first line in which two texts differ: what was signed, and what was expected.
std::string difference(std::string_view signed_text, std::string_view expected_text);

std::string url_encode(std::string_view text);  // All but letters, digits and `-._~`.
std::string url_decode(std::string_view text);  // As it is where the encoding is broken.

}  // namespace cvm::forensics
