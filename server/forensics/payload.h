// What a client may have hashed in place of the body that arrived.
#pragma once

#include <string>
#include <vector>

#include "server/request/http.h"

namespace cvm::forensics {

struct PayloadCandidate {
  std::string says;  // What was hashed.
  std::string hash;  // What stands in the canonical request: the hash, as spelled by the client.
};

// A few dozen for a short body, fewer for a long one: it is neither parsed nor rewritten.
std::vector<PayloadCandidate> payload_candidates(const HttpRequest& request);

}  // namespace cvm::forensics
