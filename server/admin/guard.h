// Keeps web pages out of the admin API: loopback is no wall against a page in the tester's browser,
// nor against a name that its owner lets point to 127.0.0.1.
#pragma once

#include <string>
#include <vector>

#include "server/request/http.h"

namespace cvm {

struct BrowserOptions {
  std::vector<std::string> admin_hosts;  // --admin-host: names that the server may be asked by.
  std::string cors;                      // --cors: the origin whose pages may ask; empty: none.
};

// Throws AdminError unless the request names this server as only its own users do, and comes from
// no page but the server's own or one of --cors.
void refuse_web_pages(const BrowserOptions& options, const HttpRequest& request);

// A browser asks first whether a page of --cors may send what it is about to.
bool is_preflight(const BrowserOptions& options, const HttpRequest& request);

// What keeps browsers from guessing, framing and embedding; and lets a page of --cors read.
void add_browser_headers(const BrowserOptions& options, const HttpRequest& request,
                         HttpResponse& response);

}  // namespace cvm
