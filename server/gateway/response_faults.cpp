// Broken answers as clients meet them: gateways, half bodies, closed connections.
#include "server/gateway/response_faults.h"

#include "state/base/json.h"

namespace cvm {

namespace {

void malform(std::string_view how, std::string& body) {
  if (how == "empty") {
    body.clear();
  } else if (how == "not_json") {
    body = "<html><body><h1>It works!</h1></body></html>";
  } else if (how == "truncated") {
    body.resize(body.size() / 2);
  } else if (how == "no_request_id") {
    Json answer = Json::parse(body);
    answer["Response"].erase("RequestId");
    body = answer.dump();
  }
}

}  // namespace

bool replace_response(const Effect& effect, HttpResponse& response) {
  switch (effect.kind) {
    case Effect::Kind::http:
      response.status = effect.status;
      response.body = effect.body;
      response.content_type = effect.content_type;
      return true;
    case Effect::Kind::disconnect_before:
      response.delivery = HttpResponse::Delivery::drop;
      return true;
    case Effect::Kind::disconnect_reset:
      response.delivery = HttpResponse::Delivery::reset;
      return true;
    default:
      return false;
  }
}

void corrupt_response(const Effect& effect, HttpResponse& response) {
  switch (effect.kind) {
    case Effect::Kind::malformed:
      return malform(effect.malformed, response.body);
    case Effect::Kind::disconnect_after_commit:
      response.delivery = HttpResponse::Delivery::drop;
      return;
    case Effect::Kind::disconnect_mid_body:
      response.delivery = HttpResponse::Delivery::half;
      return;
    default:
      return;
  }
}

}  // namespace cvm
