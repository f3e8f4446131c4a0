// Explains a refused signature: what was expected, and what the client most likely did instead.
#pragma once

#include "server/http.h"
#include "server/signature.h"
#include "server/wire.h"
#include "state/credentials.h"
#include "state/error.h"
#include "state/json.h"

namespace cvm {

// Why a signature was refused: our texts, the signature that was expected, and the likeliest cause,
// found by trying. For refused requests (AuthFailure.*) only, outside of any lock: it may hash some
// megabytes. Long texts are cut, SecretKeys and tokens are replaced by `(hidden)`, and the result
// is UTF-8 whatever the request was. Null stands for what cannot be known: all texts of a header
// that cannot be read, the expected signature of an unknown SecretId.
Json explain_signature(const HttpRequest& request, const Common& common,
                       const Credentials& credentials, const AuthOptions& options, Time machine,
                       const Error& refusal);

}  // namespace cvm
