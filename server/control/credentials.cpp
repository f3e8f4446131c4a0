// Reads a credential as testers give it.
#include "server/control/control.h"
#include "state/base/fields.h"

namespace cvm {

Credential read_credential(const Json& given) {
  Credential made;
  made.secret_id = text_field(given, "SecretId", true);
  if (!is_key_name(made.secret_id, 128)) {
    throw ConfigError{"`SecretId` must be up to 128 of [A-Za-z0-9_-]"};
  }
  made.secret_key = text_field(given, "SecretKey", true);
  made.token = text_field(given, "Token", false);
  made.account = account_of(made.secret_id);
  if (given.contains("ExpiresAt")) made.expires_at = time_field(given, "ExpiresAt");
  if (const std::string uin = text_field(given, "Uin", false); !uin.empty()) {
    if (uin.size() > 20 || uin.find_first_not_of("0123456789") != uin.npos) {
      throw ConfigError{"`Uin` must be digits, not `" + uin + "`"};
    }
    made.account.uin = uin;
  }
  if (given.contains("AppId")) {
    if (!given["AppId"].is_number_integer()) throw ConfigError{"`AppId` must be an integer"};
    made.account.app_id = given["AppId"].get<std::int64_t>();
  }
  const std::string status =
      given.contains("status") ? text_field(given, "status", true) : "enabled";
  if (status != "enabled" && status != "disabled") {
    throw ConfigError{"`status` must be enabled or disabled, not `" + status + "`"};
  }
  made.enabled = status == "enabled";
  made.read_only = flag_field(given, "read_only", false);
  return made;
}

}  // namespace cvm
