// Explains a refused signature: what was expected, and what the client most likely did instead.
#pragma once

#include "server/auth/signature.h"
#include "server/request/http.h"
#include "server/request/wire.h"
#include "state/base/error.h"
#include "state/base/json.h"
#include "state/settings/credentials.h"

namespace cvm {

// Why a signature was refused: our texts, the signature that was expected, and the likeliest cause,
// found by trying. For refused requests (AuthFailure.*) only, outside of any lock: it may hash some
// megabytes. Long texts are cut, SecretKeys and tokens are replaced by `(hidden)`, and the result
// is UTF-8 whatever the request was. Null stands for what cannot be known: all texts of a header
// that cannot be read, the expected signature of an unknown SecretId.
Json explain_signature(const HttpRequest& request, const CommonParams& common,
                       const Credentials& credentials, const AuthOptions& options, Time wall,
                       const Error& refusal);

}  // namespace cvm
