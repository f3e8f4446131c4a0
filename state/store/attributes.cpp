// Walks documents along the paths of attributes.
#include "state/store/attributes.h"

#include <algorithm>
#include <optional>

namespace cvm {

namespace {

// A scalar as filters spell it; nothing for null, empty text, objects and lists.
std::optional<std::string> scalar(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? std::nullopt : std::optional(text);
  }
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

void collect(const Json& at, std::string_view path, std::vector<std::string>& found) {
  if (path.empty()) {
    if (auto text = scalar(at)) found.push_back(std::move(*text));
    return;
  }
  const std::size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  const std::string_view rest = slash == path.npos ? "" : path.substr(slash + 1);
  if (name == "*") {
    if (at.is_array()) {
      for (const Json& item : at) collect(item, rest, found);
    }
    return;
  }
  if (!at.is_object()) return;
  if (const std::size_t bar = name.find('|'); bar != name.npos) {
    const auto first = at.find(name.substr(0, bar));
    const auto second = at.find(name.substr(bar + 1));
    if (first == at.end() || second == at.end()) return;
    const auto before = scalar(*first);
    if (!before) return;
    std::vector<std::string> behind;
    // A tag may have a key and no value.
    if (rest.empty() && *second == "") behind.emplace_back();
    collect(*second, rest, behind);
    for (const std::string& value : behind) found.push_back(*before + joint + value);
    return;
  }
  if (const auto member = at.find(name); member != at.end()) collect(*member, rest, found);
}

}  // namespace

std::vector<std::string> values_at(const Json& doc, std::string_view path) {
  std::vector<std::string> found;
  collect(doc, path, found);
  return found;
}

AttributeValues attributes_of(const Kind& kind, const Json& doc) {
  AttributeValues values;
  for (std::size_t i = 0; i < kind.attributes.size(); ++i) {
    if (kind.attributes[i].path == kind.id_member) continue;  // The resource itself has its id.
    for (std::string& value : values_at(doc, kind.attributes[i].path)) {
      values.emplace_back(static_cast<int>(i), std::move(value));
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace cvm
