// Reads what dump() functions wrote and somebody may have edited. All throw ConfigError.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "state/json.h"

namespace cvm {

// The object has exactly these members.
void require_members(const Json& object, const std::string& where,
                     std::initializer_list<std::string_view> names);

// The member is a list; an integer; an integer from 0.
const Json& list_member(const Json& object, const std::string& name, const std::string& where);
std::int64_t integer_member(const Json& object, const std::string& name, const std::string& where);
std::uint64_t natural_member(const Json& object, const std::string& name, const std::string& where);

}  // namespace cvm
