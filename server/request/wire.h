// From bytes to parameters: the common parameters of both signature families, and the action's own
// as one Json tree, shaped by the model.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/api/model.h"
#include "server/request/http.h"
#include "state/base/json.h"

namespace cvm {

// Decoded name-value pairs of a query or a form, in the order sent.
using Pairs = std::vector<std::pair<std::string, std::string>>;

enum class Signing {
  tc3,  // CommonParams parameters in X-TC-… headers, signature in Authorization.
  v1,   // CommonParams parameters and signature among the parameters.
};

// What every request says about itself. Empty: not said. `X-TC-Region: null`, which the Node SDK
// sends for "no region", reads as empty.
struct CommonParams {
  Signing signing = Signing::tc3;
  std::string action, version, region, timestamp, token, language, client;
  Pairs pairs;  // Of the query (GET) or the form body (POST), without the common ones for v1.
  Pairs signed_pairs;  // v1: all of them, as they enter the signature.
  std::string secret_id, signature, signature_method, nonce;  // v1
};

// Throws Error: InvalidParameter for a query or form that is not UTF-8 or badly encoded.
CommonParams read_common(const HttpRequest& request);

struct Params {
  Json tree = Json::object();
  bool body_missing = false;
  std::string_view text;  // The same as JSON, if it came as such.
};

// Throws Error: InvalidParameter for a body that is no JSON object, InvalidRequest for a bad
// multipart body. Types are left to validate().
Params read_params(const HttpRequest& request, const CommonParams& common, const Action& action);

// `Filters.0.Name=zone&Filters.0.Values.1=…` as a tree: numbers become places in lists where the
// model says list. Throws Error: InvalidParameter where two names contradict each other.
Json tree_of(const Pairs& pairs, const Shape& shape);

// Percent-decoding with `+` for a space. Throws Error: InvalidParameter.
Pairs parse_query(std::string_view text);

// Completes what Reply::take() gave.
std::string finish_body(std::string opened, std::string_view request_id);
std::string error_body(std::string_view code, std::string_view message,
                       std::string_view request_id);

}  // namespace cvm
