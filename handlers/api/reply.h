// What a handler answers: the members of the response, in order, already as JSON text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/json.h"

namespace cvm {

class Reply {
 public:
  Reply& add(std::string_view name, const Json& value) { return raw(name, value.dump()); }

  // Documents as they are stored, spliced in without being parsed.
  Reply& list(std::string_view name, const std::vector<std::string>& texts) {
    std::size_t size = 2;
    for (const std::string& text : texts) size += text.size() + 1;
    members_.reserve(members_.size() + size + name.size() + 4);
    key(name).append("[");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i > 0) members_ += ',';
      members_ += texts[i];
    }
    members_ += ']';
    return *this;
  }

  Reply& raw(std::string_view name, std::string_view text) {
    key(name).append(text);
    return *this;
  }

  // `"A":1,"B":[]`, without braces; empty if there are no members.
  const std::string& members() const { return members_; }
  std::string take() && { return std::move(members_); }

 private:
  std::string& key(std::string_view name) {
    if (!members_.empty()) members_ += ',';
    return members_.append("\"").append(name).append("\":");
  }

  std::string members_;
};

}  // namespace cvm
