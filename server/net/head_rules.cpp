// RFC 9112, sections 3.2 and 6: one Host, one length, one coding.
#include "server/net/head_rules.h"

#include <boost/beast/http/fields.hpp>

namespace cvm {

namespace http = boost::beast::http;

std::optional<HttpResponse> refused_head(const http::request_header<>& head) {
  if (head.method() == http::verb::connect) {
    return http_error(405, "MethodNotAllowed", "this server is no proxy: it does not CONNECT");
  }
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() > 10)) {
    return http_error(400, "BadRequest", "a request has one Host");
  }
  const auto codings = head.count(http::field::transfer_encoding);
  if (codings == 0) return std::nullopt;
  if (head.version() < 11) {
    return http_error(400, "BadRequest", "Transfer-Encoding needs HTTP/1.1");
  }
  if (codings > 1 || !equal_ignoring_case(head[http::field::transfer_encoding], "chunked")) {
    return http_error(501, "NotImplemented", "the only Transfer-Encoding is `chunked`");
  }
  return std::nullopt;
}

}  // namespace cvm
