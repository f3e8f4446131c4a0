// Broken answers as clients meet them: gateways, half bodies, closed connections.
#include "server/spoil.h"

#include "state/json.h"

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

bool replace_answer(const Effect& effect, HttpResponse& response) {
  switch (effect.kind) {
    case Effect::Kind::http:
      response.status = effect.status;
      response.body = effect.body;
      response.content_type = effect.content_type;
      return true;
    case Effect::Kind::disconnect_before:
      response.fate = HttpResponse::Fate::drop;
      return true;
    case Effect::Kind::disconnect_reset:
      response.fate = HttpResponse::Fate::reset;
      return true;
    default:
      return false;
  }
}

void spoil_answer(const Effect& effect, HttpResponse& response) {
  switch (effect.kind) {
    case Effect::Kind::malformed:
      return malform(effect.malformed, response.body);
    case Effect::Kind::disconnect_after_commit:
      response.fate = HttpResponse::Fate::drop;
      return;
    case Effect::Kind::disconnect_mid_body:
      response.fate = HttpResponse::Fate::half;
      return;
    default:
      return;
  }
}

}  // namespace cvm
