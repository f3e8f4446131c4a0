// What a handler answers: the members of the response, in order, already as JSON text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"

namespace cvm {

class Reply {
 public:
  // Every answer begins so; the text grows behind it and is never copied into an envelope.
  static constexpr std::string_view opening = "{\"Response\":{";

  Reply& add(std::string_view name, const Json& value) { return raw(name, value.dump()); }

  // Documents as they are stored, separated by commas, spliced in without being parsed.
  Reply& list(std::string_view name, std::string_view joined) {
    text_.reserve(text_.size() + joined.size() + name.size() + 100);
    key(name).append("[").append(joined).append("]");
    return *this;
  }

  Reply& list(std::string_view name, const std::vector<std::string>& texts) {
    std::string joined;
    for (const std::string& text : texts) {
      if (!joined.empty()) joined += ',';
      joined += text;
    }
    return list(name, joined);
  }

  Reply& raw(std::string_view name, std::string_view text) {
    key(name).append(text);
    return *this;
  }

  // The text so far, without the closing braces.
  std::string take() && { return std::move(text_); }

 private:
  std::string& key(std::string_view name) {
    if (text_.size() > opening.size()) text_ += ',';
    return text_.append("\"").append(name).append("\":");
  }

  std::string text_{opening};
};

}  // namespace cvm
