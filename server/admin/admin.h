// The admin API under /_cvmsim/ (contract, section 3): for testers and their tools, unsigned.
#pragma once

#include <string_view>

#include "server/request/http.h"

namespace cvm {

class Gateway;

bool is_admin(std::string_view path);
HttpResponse handle_admin(Gateway& gateway, const HttpRequest& request);

}  // namespace cvm
