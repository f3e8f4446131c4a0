// One request on its way through the gateway, and what is known of it so far.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "handlers/call.h"
#include "server/auth/signature.h"
#include "server/gateway/journal.h"
#include "server/request/http.h"
#include "server/request/wire.h"
#include "state/settings/faults.h"

namespace cvm {

struct Exchange {
  explicit Exchange(const HttpRequest& from) : request(from) {}

  const HttpRequest& request;
  HttpResponse response;
  // Above 0 after Gateway::begin(): a fault holds the request back so long; then comes finish().
  Milliseconds delay{};
  Journal::Entry entry;  // Once it is answered.

  Time wall{};
  CommonParams common;
  Caller caller;
  std::string request_id;
  const Action* action = nullptr;
  const Region* region = nullptr;
  Params params;
  // Why it is not done: found early, told in its place.
  std::optional<Error> refusal;
  FaultDecision decision;
  std::string code, message;
  std::shared_ptr<const RefusedRequest> refused_signature;
  std::int64_t duration_us = 0;

  Tenant tenant() const { return {caller.account.uin, region->id}; }
};

}  // namespace cvm
