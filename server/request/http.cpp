// Reads what HTTP leaves to the reader: header names in any case, targets in two forms.
#include "server/request/http.h"

#include <algorithm>

#include "state/base/json.h"

namespace cvm {

namespace {

// Of ASCII alone, whatever the locale.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return x == y || lower(x) == lower(y);
         });
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

std::string_view HttpRequest::path() const {
  std::string_view rest = target;
  const std::size_t scheme = rest.starts_with('/') ? rest.npos : rest.find("://");
  if (scheme != rest.npos && scheme < rest.find('?')) {
    rest.remove_prefix(scheme + 3);
    const std::size_t slash = rest.find_first_of("/?");
    if (slash == rest.npos || rest[slash] == '?') return "/";
    rest.remove_prefix(slash);
  }
  rest = rest.substr(0, rest.find('?'));
  return rest.empty() ? "/" : rest;
}

std::string_view HttpRequest::query() const {
  const std::size_t mark = target.find('?');
  return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

HttpResponse http_error(int status, std::string_view code, std::string_view message) {
  return {status, Json{{"error", {{"code", code}, {"message", message}}}}.dump(
                      -1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace cvm
