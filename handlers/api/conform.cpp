// Walks a document and its shape side by side.
#include "handlers/api/conform.h"

#include <algorithm>

#include "state/base/time.h"

namespace cvm {

namespace {

bool has_type(const Json& value, const Member& member) {
  switch (member.type) {
    case Type::integer:
      return value.is_number_integer();
    case Type::number:
      return value.is_number();
    case Type::boolean:
      return value.is_boolean();
    case Type::object:
      return value.is_object();
    case Type::time:
      return value.is_string() && parse_iso8601(value.get<std::string>()).has_value();
    default:
      return value.is_string();
  }
}

std::string check_value(const Json& value, const Member& member, const std::string& path) {
  if (!has_type(value, member)) return path + " has the wrong type: " + value.dump();
  if (member.type == Type::object) return mismatch(value, *member.shape, path + ".");
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const bool listed = member.values.empty() || std::find(member.values.begin(), member.values.end(),
                                                         text) != member.values.end();
  return listed ? "" : path + " is not one of its values: " + text;
}

}  // namespace

std::string mismatch(const Json& object, const Shape& shape, const std::string& path) {
  for (const auto& [name, value] : object.items()) {
    const Member* member = shape.find(name);
    if (member == nullptr) return path + name + " is not in the model";
    if (value.is_null()) {
      if (!member->nullable) return path + name + " is null";
      continue;
    }
    std::string fault;
    if (!member->list) {
      fault = check_value(value, *member, path + name);
    } else if (!value.is_array()) {
      fault = path + name + " is not a list";
    } else {
      for (const Json& element : value) {
        if (fault.empty()) fault = check_value(element, *member, path + name + "[]");
      }
    }
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace cvm
