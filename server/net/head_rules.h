// What two readers of HTTP might understand differently is refused, so that nobody can disagree
// where a request ends or whom it is for.
#pragma once

#include <boost/beast/http/message.hpp>
#include <optional>
#include <string_view>

#include "server/request/http.h"

namespace cvm {

// An answer of HTTP itself, neither the API's nor the admin API's: {"error":{"code","message"}}.
HttpResponse http_error(int status, std::string_view code, std::string_view message);

// The answer to a header that is not to be served; the connection ends with it.
std::optional<HttpResponse> refused_head(const boost::beast::http::request_header<>& head);

}  // namespace cvm
