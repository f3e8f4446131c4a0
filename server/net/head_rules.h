// What two readers of HTTP might understand differently is refused, so that nobody can disagree
// where a request ends or whom it is for.
#pragma once

#include <boost/beast/http/message.hpp>
#include <optional>
#include <string_view>

#include "server/request/http.h"

namespace cvm {

// The answer to a header that is not to be served; the connection ends with it.
std::optional<HttpResponse> refused_head(const boost::beast::http::request_header<>& head);

}  // namespace cvm
