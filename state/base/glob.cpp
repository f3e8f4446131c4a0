// No recursion and no going back: the texts between the stars are looked for one after the other.
#include "state/base/glob.h"

#include <algorithm>
#include <cstring>

#include "state/base/error.h"

namespace cvm {

bool glob_matches(std::string_view glob, std::string_view text) {
  const std::size_t first = glob.find('*');
  if (first == glob.npos) return glob == text;
  const std::size_t last = glob.rfind('*');
  const std::string_view head = glob.substr(0, first), tail = glob.substr(last + 1);
  if (text.size() < head.size() + tail.size() || !text.starts_with(head) || !text.ends_with(tail))
    return false;
  text = text.substr(head.size(), text.size() - head.size() - tail.size());
  for (std::size_t star = first; star < last;) {
    const std::size_t next = glob.find('*', star + 1);
    const std::string_view part = glob.substr(star + 1, next - star - 1);
    star = next;
    if (part.empty()) continue;
    // Where it comes first, for that leaves most for the parts behind it. memmem() is linear.
    const void* found = memmem(text.data(), text.size(), part.data(), part.size());
    if (found == nullptr) return false;
    const auto before = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    text.remove_prefix(before + part.size());
  }
  return true;
}

bool any_glob_matches(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
           return glob_matches(glob, text);
         });
}

bool matches_if_given(std::string_view glob, std::string_view text) {
  return glob.empty() || glob_matches(glob, text);
}

void check_glob(std::string_view glob, const std::string& where) {
  if (glob.size() > glob_bytes_max)
    throw ConfigError{where + "a pattern can have " + std::to_string(glob_bytes_max) +
                      " bytes at most, not " + std::to_string(glob.size())};
}

}  // namespace cvm
