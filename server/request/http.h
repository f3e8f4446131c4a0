// Requests and answers as the gateway sees them: no sockets, no Beast.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "state/base/text.h"

namespace cvm {

// Views into whoever owns the bytes, for as long as the request is handled.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // As sent: `/?a=b`, or absolute-form.
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
  std::string_view source;  // The client's address.
  bool tls = false;

  // The first header of that name, in any case; empty if there is none.
  std::string_view header(std::string_view name) const;

  // The path and the raw query of the target, also of an absolute one.
  std::string_view path() const;
  std::string_view query() const;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  // What becomes of it: sent; not sent, the connection closed or reset; or half of it sent.
  enum class Delivery { send, drop, reset, half } delivery = Delivery::send;
  std::vector<std::pair<std::string, std::string>> headers = {};  // Beside type and length.
};

// A refusal of HTTP or of the admin API, not of the cloud's: {"error":{"code","message"}}.
HttpResponse http_error(int status, std::string_view code, std::string_view message);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace cvm
