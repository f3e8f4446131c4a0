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

std::uint64_t natural_member(const Json& object, const std::string& name, std::uint64_t most) {
  const Json& number = object.at(name);
  const bool natural = number.is_number_unsigned() ||
                       (number.is_number_integer() && number.get<std::int64_t>() >= 0);
  if (!natural || number.get<std::uint64_t>() > most) {
    throw ConfigError{"`" + name + "` must be an integer from 0 to " + std::to_string(most) +
                      ", not " + number.dump()};
  }
  return number.get<std::uint64_t>();
}

std::string text_field(const Json& object, const std::string& name, bool needed) {
  const auto found = object.find(name);
  const bool given = found != object.end();
  if (given ? !found->is_string() || found->get<std::string>().empty() : needed) {
    throw ConfigError{"`" + name + "` must be a text"};
  }
  return given ? found->get<std::string>() : std::string();
}

Time time_field(const Json& object, const std::string& name) {
  const Json& value = object.at(name);
  if (value.is_string()) {
    if (const auto time = parse_iso8601_ms(value.get_ref<const std::string&>())) return *time;
  }
  throw ConfigError{"`" + name + "` must be a time like 2026-01-01T00:00:00Z, not " + value.dump()};
}

bool flag_field(const Json& object, const std::string& name, bool otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if (!found->is_boolean()) throw ConfigError{"`" + name + "` must be true or false"};
  return found->get<bool>();
}

Time time_member(const Json& object, const std::string& name, Time latest) {
  const auto most = static_cast<std::uint64_t>(latest.time_since_epoch().count());
  return Time{Milliseconds{static_cast<std::int64_t>(natural_member(object, name, most))}};
}

}  // namespace cvm
