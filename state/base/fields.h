// Reads members of JSON that testers wrote, or that dump() functions wrote and somebody may have
// edited. All throw ConfigError, with `where` ("fault: when: ") before the message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/error.h"
#include "state/base/json.h"

namespace cvm {

// The object has no members but these; exactly these.
void only(const Json& object, const std::vector<std::string_view>& names,
          const std::string& where = "");
void exactly(const Json& object, const std::vector<std::string_view>& names,
             const std::string& where = "");

// The member is a list; an integer; an integer from 0.
const Json& list_member(const Json& object, const std::string& name);
std::int64_t integer_member(const Json& object, const std::string& name);
std::uint64_t natural_member(const Json& object, const std::string& name);

// Runs `work`; a mistake in it is told with the place.
template <class Work>
void told_at(const std::string& where, Work work) {
  try {
    work();
  } catch (const ConfigError& mistake) {
    throw ConfigError{where + ": " + mistake.message};
  } catch (const Json::exception& problem) {
    throw ConfigError{where + ": " + problem.what()};
  }
}

// The same for each element of a member that is a list: "faults[1]: …".
template <class Work>
void each_member(const Json& object, const std::string& name, Work work) {
  const Json& list = list_member(object, name);
  for (std::size_t i = 0; i < list.size(); ++i) {
    told_at(name + "[" + std::to_string(i) + "]", [&] { work(list[i]); });
  }
}

}  // namespace cvm
