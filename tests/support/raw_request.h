// A request as bytes, cut into the views that the gateway takes.
#pragma once

#include <string>

#include "server/request/http.h"

namespace cvm::test {

// Owns the bytes. Reads what a well-formed HTTP/1.1 request looks like; no chunks.
class RawRequest {
 public:
  explicit RawRequest(std::string bytes) : bytes_(std::move(bytes)) {
    const std::string_view all(bytes_);
    const std::size_t head_end = all.find("\r\n\r\n");
    std::string_view head = all.substr(0, head_end);
    request_.body = all.substr(head_end + 4);
    const std::string_view first = head.substr(0, head.find("\r\n"));
    const std::size_t space = first.find(' ');
    request_.method = first.substr(0, space);
    request_.target = first.substr(space + 1, first.rfind(' ') - space - 1);
    head.remove_prefix(first.size());
    while (head.starts_with("\r\n")) {
      head.remove_prefix(2);
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size());
      const std::size_t colon = line.find(':');
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      request_.headers.emplace_back(line.substr(0, colon), value);
    }
  }
  RawRequest(const RawRequest&) = delete;
  RawRequest& operator=(const RawRequest&) = delete;

  const HttpRequest& request() const { return request_; }

 private:
  std::string bytes_;
  HttpRequest request_;
};

}  // namespace cvm::test
