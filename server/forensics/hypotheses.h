// What clients do wrong when they sign: a search through a table of hypotheses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/forensics/client_signature.h"

namespace cvm::forensics {

// What the client did, measured against one of the accepted spellings.
struct ClientMistake {
  const ClientSignature* instead_of;
  std::string cause;  // Empty: nothing is wrong.
};

// Tries the accepted spellings as they are, then with one hypothesis, then with two of the common
// ones (if there is to be a search). Texts of more than a megabyte are not varied, and all that is
// built and hashed is bounded.
std::optional<ClientMistake> find_mistake(const Case& about,
                                          const std::vector<ClientSignature>& accepted,
                                          std::string_view given, bool search);

}  // namespace cvm::forensics
