// A small strict reader: boundary lines, headers, an empty line, content.
#include "server/request/multipart.h"

#include "server/request/http.h"
#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::size_t parts_max = 1000;

[[noreturn]] void refuse(const char* why) {
  throw Error{"InvalidRequest", "request body", "", why};
}

// The value of `name=` in a header such as `form-data; name="Limit"`.
std::string attribute(std::string_view header, std::string_view name) {
  for (std::size_t at = header.find(name); at != header.npos; at = header.find(name, at + 1)) {
    const bool starts = at > 0 && (header[at - 1] == ' ' || header[at - 1] == ';');
    std::string_view rest = header.substr(at + name.size());
    if (!starts || !rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
    return std::string(rest.substr(0, rest.find(';')));
  }
  return {};
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Part read_part(std::string_view text) {
  const std::size_t blank = text.find("\r\n\r\n");
  if (blank == text.npos) refuse("A part has no empty line after its headers.");
  Part part;
  part.content = text.substr(blank + 4);
  std::string_view headers = text.substr(0, blank);
  while (!headers.empty()) {
    const std::size_t end = headers.find("\r\n");
    const std::string_view line = headers.substr(0, end);
    headers = end == headers.npos ? std::string_view() : headers.substr(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) refuse("A part has a header without a colon.");
    const std::string_view value = trim(line.substr(colon + 1));
    if (equal_ignoring_case(line.substr(0, colon), "Content-Disposition"))
      part.name = attribute(value, "name");
    if (equal_ignoring_case(line.substr(0, colon), "Content-Type")) part.content_type = value;
  }
  if (part.name.empty()) refuse("A part has no name.");
  return part;
}

}  // namespace

std::vector<Part> parse_multipart(std::string_view body, std::string_view content_type) {
  const std::string boundary = attribute(content_type, "boundary");
  if (boundary.empty()) refuse("The content type names no boundary.");
  const std::string mark = "--" + boundary;
  std::vector<Part> parts;
  if (!body.starts_with(mark)) refuse("It does not start with the boundary.");
  body.remove_prefix(mark.size());
  while (!body.starts_with("--")) {
    if (!body.starts_with("\r\n")) refuse("A boundary is not followed by a line break.");
    body.remove_prefix(2);
    const std::size_t end = body.find("\r\n" + mark);
    if (end == body.npos) refuse("The closing boundary is missing.");
    if (parts.size() == parts_max) refuse("There are too many parts.");
    parts.push_back(read_part(body.substr(0, end)));
    body.remove_prefix(end + 2 + mark.size());
  }
  return parts;
}

}  // namespace cvm
