// The documented rules for texts that people choose: names, host names, passwords, tags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "handlers/call.h"

namespace cvm {

// `pattern` for the instance number `index` (0-based) of `count`: every `{R:x}` becomes x + index,
// with
// `{R:x,F:y}` padded to y digits; without such a place, several instances get 1, 2 … n appended.
// (RunInstances, InstanceName and HostName)
std::string numbered_name(const std::string& pattern, std::int64_t index, std::int64_t count);

// Windows: 2 to 15 of letters, digits, hyphens, not only digits. Others: 2 to 60, with dots between
// segments. No `.` or `-` at the ends or twice in a row.
void require_host_names(const Call& call, const std::string& pattern, std::int64_t count,
                        bool windows);
void require_host_name(const Call& call, const std::string& name, bool windows);  // No pattern.

// LoginSettings.Password: 8 to 30 characters of two classes; Windows 12 to 30 of three. The message
// never shows the password.
void require_login_password(const Call& call, std::string_view parameter,
                            const std::string& password, bool windows);

// ResetInstancesPassword: likewise, but always of three classes, without `/` in front, and on
// Windows without the user's name.
void require_new_password(const Call& call, bool windows);

// CamRoleName: InvalidParameterValue.CamRoleNameMalformed.
void require_role_name(const Args& args);

// At most five different security groups for an instance.
inline constexpr std::size_t security_groups_max = 5;
std::vector<std::string> checked_security_groups(const Call& call, const Args& args,
                                                 std::string_view parameter);

// The tags for `resource_type` in TagSpecification, or in another parameter, as the API's Tag list.
Json tags_for(const Call& call, const Args& args, std::string_view resource_type,
              const std::string& parameter = "TagSpecification");

// Projects belong to another service: any that can be one is taken as existing.
// InvalidProjectId.NotFound
void require_project(std::int64_t id, std::string_view parameter);

}  // namespace cvm
