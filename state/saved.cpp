// Says which member is wrong, and why.
#include "state/saved.h"

#include <algorithm>

#include "state/error.h"

namespace cvm {

void require_members(const Json& object, const std::string& where,
                     std::initializer_list<std::string_view> names) {
  if (!object.is_object()) throw ConfigError{where + ": must be an object"};
  for (const auto& item : object.items()) {
    if (std::find(names.begin(), names.end(), item.key()) == names.end())
      throw ConfigError{where + ": unknown field `" + item.key() + "`"};
  }
  for (const std::string_view name : names) {
    if (!object.contains(name))
      throw ConfigError{where + ": `" + std::string(name) + "` is missing"};
  }
}

const Json& list_member(const Json& object, const std::string& name, const std::string& where) {
  const Json& list = object.at(name);
  if (!list.is_array()) throw ConfigError{where + ": `" + name + "` must be a list"};
  return list;
}

std::int64_t integer_member(const Json& object, const std::string& name, const std::string& where) {
  const Json& number = object.at(name);
  if (!number.is_number_integer())
    throw ConfigError{where + ": `" + name + "` must be an integer, not " + number.dump()};
  return number.get<std::int64_t>();
}

std::uint64_t natural_member(const Json& object, const std::string& name,
                             const std::string& where) {
  const Json& number = object.at(name);
  if (!number.is_number_unsigned())
    throw ConfigError{where + ": `" + name + "` must be an integer from 0, not " + number.dump()};
  return number.get<std::uint64_t>();
}

}  // namespace cvm
