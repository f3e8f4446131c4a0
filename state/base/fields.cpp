// Says which member is wrong, and why.
#include "state/base/fields.h"

#include <algorithm>

namespace cvm {

void only(const Json& object, const std::vector<std::string_view>& names,
          const std::string& where) {
  if (!object.is_object()) throw ConfigError{where + "it must be an object, not " + object.dump()};
  for (const auto& item : object.items()) {
    if (std::find(names.begin(), names.end(), item.key()) == names.end())
      throw ConfigError{where + "unknown field `" + item.key() + "`"};
  }
}

void exactly(const Json& object, const std::vector<std::string_view>& names,
             const std::string& where) {
  only(object, names, where);
  for (const std::string_view name : names) {
    if (!object.contains(name)) throw ConfigError{where + "`" + std::string(name) + "` is missing"};
  }
}

const Json& list_member(const Json& object, const std::string& name) {
  const Json& list = object.at(name);
  if (!list.is_array()) throw ConfigError{name + ": it must be a list"};
  return list;
}

std::int64_t integer_member(const Json& object, const std::string& name) {
  const Json& number = object.at(name);
  if (!number.is_number_integer())
    throw ConfigError{"`" + name + "` must be an integer, not " + number.dump()};
  return number.get<std::int64_t>();
}

std::uint64_t natural_member(const Json& object, const std::string& name) {
  const Json& number = object.at(name);
  if (!number.is_number_unsigned())
    throw ConfigError{"`" + name + "` must be an integer from 0, not " + number.dump()};
  return number.get<std::uint64_t>();
}

}  // namespace cvm
