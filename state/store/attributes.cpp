// Walks documents along the paths of attributes.
#include "state/store/attributes.h"

namespace cvm {

namespace {

// A scalar as filters spell it; nothing for null, empty text, objects and lists.
void scalar(const Json& value, const TakeValue& take) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty()) take(text);
  } else if (value.is_number() || value.is_boolean()) {
    take(value.dump());
  }
}

// `A|B`: the value of A before each of what is behind B.
void joined(const Json& first, const Json& second, std::string_view rest, const TakeValue& take) {
  scalar(first, [&](std::string_view before) {
    const auto join = [&](std::string_view behind) {
      take(std::string(before).append(1, joint).append(behind));
    };
    // A tag may have a key and no value.
    if (rest.empty() && second == "") return join("");
    each_value(second, rest, join);
  });
}

}  // namespace

void each_value(const Json& at, std::string_view path, const TakeValue& take) {
  if (path.empty()) return scalar(at, take);
  const std::size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  const std::string_view rest = slash == path.npos ? "" : path.substr(slash + 1);
  if (name == "*") {
    if (!at.is_array()) return;
    for (const Json& item : at) each_value(item, rest, take);
    return;
  }
  if (!at.is_object()) return;
  const std::size_t bar = name.find('|');
  const auto member = at.find(name.substr(0, bar));
  if (member == at.end()) return;
  if (bar == name.npos) return each_value(*member, rest, take);
  const auto second = at.find(name.substr(bar + 1));
  if (second != at.end()) joined(*member, *second, rest, take);
}

std::vector<std::string> values_at(const Json& doc, std::string_view path) {
  std::vector<std::string> found;
  each_value(doc, path, [&](std::string_view value) { found.emplace_back(value); });
  return found;
}

}  // namespace cvm
