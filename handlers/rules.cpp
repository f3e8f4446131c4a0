// Text rules; the source of each is the page of the action that first documents it.
#include "handlers/rules.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "handlers/api/formats.h"
#include "handlers/lookup.h"

namespace cvm {

namespace {

constexpr std::size_t tags_max = 50;
constexpr std::size_t place_bytes_max = 64;
constexpr std::int64_t tag_key_max = 127, tag_value_max = 255;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

// Reads `{R:x}` or `{R:x,F:y}` at the start of the text. False if it is neither.
struct Place {
  std::uint64_t first = 0, width = 0;
  std::size_t length = 0;

  static bool read(std::string_view text, Place& place) {
    // No further: in a text of nothing but openings each would look for its end to the last.
    text = text.substr(0, place_bytes_max);
    if (!text.starts_with("{R:")) return false;
    const std::size_t end = text.find('}');
    if (end == text.npos) return false;
    const char* at = text.data() + 3;
    const char* const stop = text.data() + end;
    auto result = std::from_chars(at, stop, place.first);
    if (result.ec != std::errc{} || place.first > 99999999) return false;
    if (result.ptr != stop) {
      if (stop - result.ptr < 4 || std::string_view(result.ptr, 3) != ",F:") return false;
      result = std::from_chars(result.ptr + 3, stop, place.width);
      if (result.ec != std::errc{} || result.ptr != stop || place.width > 20) return false;
    }
    place.length = end + 1;
    return true;
  }
};

int character_classes(const std::string& text) {
  bool lower = false, upper = false, number = false, special = false;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z')
      lower = true;
    else if (c >= 'A' && c <= 'Z')
      upper = true;
    else if (digit(c))
      number = true;
    else
      special = true;
  }
  return lower + upper + number + special;
}

std::string host_name_fault(std::string_view name, bool windows) {
  const std::size_t longest = windows ? 15 : 60;
  if (name.size() < 2 || name.size() > longest)
    return "It must have 2 to " + std::to_string(longest) + " characters.";
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool mark = name[i] == '-' || (name[i] == '.' && !windows);
    if (!letter(name[i]) && !digit(name[i]) && !mark)
      return "It holds a character that is not allowed.";
    if (!mark) continue;
    if (i == 0 || i + 1 == name.size()) return "`.` and `-` cannot stand first or last.";
    if (name[i + 1] == '.' || name[i + 1] == '-') return "`.` and `-` cannot follow each other.";
  }
  if (windows && std::all_of(name.begin(), name.end(), digit)) return "It cannot be all digits.";
  return {};
}

void require_password(const Call& call, std::string_view parameter, const std::string& password,
                      bool windows, int classes) {
  const std::size_t shortest = windows ? 12 : 8;
  const bool printable = has_format(password, "ascii");
  if (printable && password.size() >= shortest && password.size() <= 30 &&
      character_classes(password) >= classes) {
    return;
  }
  refuse(call,
         {"InvalidParameterValue.InvalidPassword", "InvalidPassword", "InvalidParameterValue"},
         std::string(parameter), "***",
         "It needs " + std::to_string(shortest) + " to 30 characters, of at least " +
             std::to_string(classes) +
             " of the classes lower case, upper case, digits, special characters.");
}

}  // namespace

std::string numbered_name(const std::string& pattern, std::int64_t index, std::int64_t count) {
  std::string name;
  bool placed = false;
  for (std::size_t i = 0; i < pattern.size();) {
    Place place;
    if (!Place::read(std::string_view(pattern).substr(i), place)) {
      name += pattern[i++];
      continue;
    }
    std::string number = std::to_string(place.first + static_cast<std::uint64_t>(index));
    if (number.size() < place.width) number.insert(0, place.width - number.size(), '0');
    name += number;
    i += place.length;
    placed = true;
  }
  if (!placed && count > 1) name += std::to_string(index + 1);
  return name;
}

void require_host_name(const Call& call, const std::string& name, bool windows) {
  const std::string fault = host_name_fault(name, windows);
  if (fault.empty()) return;
  refuse(call, {"InvalidParameterValue.IllegalHostName", "InvalidParameterValue"}, "HostName", name,
         fault);
}

void require_host_names(const Call& call, const std::string& pattern, std::int64_t count,
                        bool windows) {
  for (const std::int64_t index : {std::int64_t{0}, count - 1})
    require_host_name(call, numbered_name(pattern, index, count), windows);
}

void require_login_password(const Call& call, std::string_view parameter,
                            const std::string& password, bool windows) {
  require_password(call, parameter, password, windows, windows ? 3 : 2);
}

void require_new_password(const Call& call, bool windows) {
  const std::string password = call.args.text("Password"), user = call.args.text("UserName");
  require_password(call, "Password", password, windows, 3);
  const char* const code = "InvalidParameterValue.InvalidPassword";
  if (password.starts_with('/')) throw Error{code, "Password", "***", "It starts with `/`."};
  const std::string name = lower_case(user.empty() ? "Administrator" : user);
  if (windows && lower_case(password).find(name) != std::string::npos)
    throw Error{code, "Password", "***", "It holds the name of the user."};
}

void require_role_name(const Args& args) {
  static constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-";
  const std::string role = args.text("CamRoleName");
  if (role.find_first_not_of(allowed) != role.npos)
    throw Error{"InvalidParameterValue.CamRoleNameMalformed", "CamRoleName", role, {}};
}

std::vector<std::string> checked_security_groups(const Call& call, const Args& args,
                                                 std::string_view parameter) {
  std::vector<std::string> groups = args.texts(parameter);
  if (groups.size() > security_groups_max) {
    refuse(call, {"LimitExceeded.AssociateUSGLimitExceeded", "LimitExceeded.SingleUSGQuota"},
           std::string(parameter), std::to_string(groups.size()),
           "At most " + std::to_string(security_groups_max) + " are allowed.");
  }
  if (std::set<std::string>(groups.begin(), groups.end()).size() != groups.size()) {
    refuse(call, {"InvalidParameterValue.Duplicate", "InvalidParameterValue"},
           std::string(parameter), Json(groups).dump(), "One is given more than once.");
  }
  return groups;
}

Json tags_for(const Call& call, const Args& args, std::string_view resource_type,
              const std::string& parameter) {
  Json tags = Json::array();
  std::set<std::string> keys;
  for (const Args& specification : args.objects(parameter)) {
    if (specification.text("ResourceType") != resource_type) {
      refuse(call, {"InvalidParameterValue"}, parameter + ".ResourceType",
             specification.text("ResourceType"),
             "Valid here: `" + std::string(resource_type) + "`.");
    }
    for (const Args& tag : specification.objects("Tags")) {
      const std::string key = tag.text("Key"), value = tag.text("Value");
      const std::string at = parameter + ".Tags.Key";
      if (key.starts_with("qcs:") || key.starts_with("tencent:") || key.starts_with("project:")) {
        refuse(call, {"FailedOperation.TagKeyReserved", "InvalidParameterValue"}, at, key);
      }
      static constexpr std::string_view forbidden = "\\?*<>|\"'%&;{}";
      if (utf8_length(key) > tag_key_max || key.find_first_of(forbidden) != key.npos) {
        refuse(call, {"FailedOperation.IllegalTagKey", "InvalidParameterValue"}, at, key);
      }
      if (utf8_length(value) > tag_value_max) {
        refuse(call, {"FailedOperation.IllegalTagValue", "InvalidParameterValue"},
               parameter + ".Tags.Value", value);
      }
      if (!keys.insert(key).second) {
        refuse(call, {"InvalidParameterValue.DuplicateTags", "InvalidParameterValue"}, at, key);
      }
      tags.push_back({{"Key", key}, {"Value", value}});
    }
  }
  if (tags.size() > tags_max) {
    refuse(call,
           {"InvalidParameterValue.TagQuotaLimitExceeded", "LimitExceeded.TagResourceQuota",
            "InvalidParameterValue"},
           parameter, std::to_string(tags.size()));
  }
  return tags;
}

void require_project(std::int64_t id, std::string_view parameter) {
  if (id < 0)
    throw Error{"InvalidProjectId.NotFound", std::string(parameter), std::to_string(id), {}};
}

}  // namespace cvm
