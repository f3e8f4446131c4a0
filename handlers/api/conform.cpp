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

bool is_storable(const Json& value, const Member& member) {
  if (member.type == Type::integer) {
    return value.is_number_unsigned() ? value.get<std::uint64_t>() <= INT64_MAX
                                      : value.get<std::int64_t>() >= 0;
  }
  return member.type != Type::time || parse_iso8601(value.get<std::string>()) >= time_begin;
}

// Walks an object and its shape side by side.
class Comparison {
 public:
  explicit Comparison(bool stored) : stored_(stored) {}

  std::string object(const Json& object, const Shape& shape, const std::string& path) const {
    for (const auto& [name, value] : object.items()) {
      const Member* known = shape.find(name);
      if (known == nullptr) return path + name + " is not in the model";
      std::string fault = member(value, *known, path + name);
      if (!fault.empty()) return fault;
    }
    return stored_ ? missing(object, shape, path) : std::string();
  }

 private:
  static std::string missing(const Json& object, const Shape& shape, const std::string& path) {
    for (const Member& member : shape.members) {
      const auto found = object.find(member.name);
      if (found == object.end() && !member.optional) return "lacks " + path + member.name;
      if (!member.required_if || (found != object.end() && !found->is_null())) continue;
      const auto& [other, value] = *member.required_if;
      if (object.value(other, Json()) == value)
        return path + member.name + " is null, but " + other + " is " + value;
    }
    return {};
  }

  std::string member(const Json& value, const Member& member, const std::string& path) const {
    if (value.is_null()) return member.nullable ? "" : path + " is null";
    if (!member.list) return element(value, member, path);
    if (!value.is_array()) return path + " is not a list";
    if (stored_ && member.size && !member.size->holds(static_cast<std::int64_t>(value.size())))
      return path + " has not " + member.size->text() + " elements";
    for (const Json& one : value) {
      std::string fault = element(one, member, path + "[]");
      if (!fault.empty()) return fault;
    }
    return {};
  }

  std::string element(const Json& value, const Member& member, const std::string& path) const {
    if (!has_type(value, member) || (stored_ && !is_storable(value, member)))
      return path + " has the wrong type: " + value.dump();
    if (member.type == Type::object)
      return Comparison(stored_ && !member.partial).object(value, *member.shape, path + ".");
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    const bool listed =
        member.values.empty() ||
        std::find(member.values.begin(), member.values.end(), text) != member.values.end();
    return listed ? "" : path + " is not one of its values: " + text;
  }

  bool stored_;
};

}  // namespace

std::string mismatch(const Json& object, const Shape& shape, const std::string& path) {
  return Comparison(false).object(object, shape, path);
}

std::string stored_mismatch(const Json& document, const Shape& shape) {
  return Comparison(true).object(document, shape, "");
}

}  // namespace cvm
