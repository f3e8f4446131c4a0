// curl, SDKs and test harnesses send neither Origin nor Sec-Fetch-Site, and reach the server by an
// address, localhost, or the short name of a container: none of them notices this.
#include "server/admin/guard.h"

#include <algorithm>
#include <boost/url/authority_view.hpp>
#include <boost/url/parse.hpp>

#include "server/admin/admin_call.h"

namespace cvm {

namespace {

// Names that nobody outside can make point here; and addresses, which are no names.
bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
  const auto authority = boost::urls::parse_authority(host);
  if (!authority || authority->has_userinfo()) return false;
  if (authority->host_type() == boost::urls::host_type::ipv4 ||
      authority->host_type() == boost::urls::host_type::ipv6)
    return true;
  const std::string name = lower_case(authority->host());
  if (name.find('.') == name.npos || name.ends_with(".localhost")) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& own) { return equal_ignoring_case(own, name); });
}

bool is_invited(const BrowserOptions& options, const HttpRequest& request) {
  return !options.cors.empty() && equal_ignoring_case(request.header("Origin"), options.cors);
}

}  // namespace

void refuse_web_pages(const BrowserOptions& options, const HttpRequest& request) {
  const std::string host(request.header("Host"));
  if (!is_own_host(host, options.admin_hosts)) {
    throw AdminError{403, "Forbidden",
                     "Host `" + host +
                         "` is not an address, a name without a dot, localhost, or a name of "
                         "--admin-host (CVMSIM_ADMIN_HOST)"};
  }
  const std::string origin(request.header("Origin"));
  const std::string_view site = request.header("Sec-Fetch-Site");
  const bool own = equal_ignoring_case(origin, (request.tls ? "https://" : "http://") + host);
  const bool foreign = !origin.empty() || site == "cross-site" || site == "same-site";
  if (!foreign || own || is_invited(options, request)) return;
  throw AdminError{403, "Forbidden",
                   "a web page of " + (origin.empty() ? "another site" : "`" + origin + "`") +
                       " may not use the admin API; --cors ORIGIN (CVMSIM_CORS) lets one"};
}

bool is_preflight(const BrowserOptions& options, const HttpRequest& request) {
  return request.method == "OPTIONS" && is_invited(options, request) &&
         !request.header("Access-Control-Request-Method").empty();
}

void add_browser_headers(const BrowserOptions& options, const HttpRequest& request,
                         HttpResponse& response) {
  response.headers = {{"X-Content-Type-Options", "nosniff"},
                      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (options.cors.empty()) return;
  response.headers.emplace_back("Vary", "Origin");
  if (!is_invited(options, request)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", request.header("Origin"));
  if (!is_preflight(options, request)) return;
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Content-Type");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
}

}  // namespace cvm
