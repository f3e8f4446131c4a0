// Reads members of JSON that testers wrote, or that dump() functions wrote and somebody may have
// edited. All throw ConfigError, with `where` ("fault: when: ") before the message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/error.h"
#include "state/base/json.h"
#include "state/base/time.h"

namespace cvm {

// The object has no members but these; exactly these.
void only(const Json& object, const std::vector<std::string_view>& names,
          const std::string& where = "");
void exactly(const Json& object, const std::vector<std::string_view>& names,
             const std::string& where = "");

// What counts something: as large as every JSON reader can tell exactly.
inline constexpr std::uint64_t natural_max = (std::uint64_t{1} << 53U) - 1;

// The member is a list; an integer from 0 to `most`; milliseconds within simulated time, or up to
// `latest` where something may end later than time does.
const Json& list_member(const Json& object, const std::string& name);
std::uint64_t natural_member(const Json& object, const std::string& name,
                             std::uint64_t most = natural_max);
Time time_member(const Json& object, const std::string& name, Time latest = time_end);

// A text that is not empty; nothing given reads as "" unless it is needed. A time such as
// 2026-01-01T00:00:00Z. A flag.
std::string text_field(const Json& object, const std::string& name, bool needed);
Time time_field(const Json& object, const std::string& name);
bool flag_field(const Json& object, const std::string& name, bool otherwise);

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
