// Admin calls about what the cloud lets an account do: capacity, quotas, credentials.
#include "server/admin/admin_call.h"

namespace cvm {

namespace {

HttpResponse get_capacity(AdminCall& call) {
  return answer(call.state().capacity().shown(call.account()));
}

HttpResponse put_capacity(AdminCall& call) {
  const std::string account = call.account();
  if (!call.body.contains("capacity")) throw ConfigError{"`capacity` is missing: a list of rules"};
  call.state().change_capacity(account, call.body["capacity"]);
  return get_capacity(call);
}

HttpResponse get_quotas(AdminCall& call) {
  return answer(call.state().quotas().shown(call.account()));
}

HttpResponse put_quotas(AdminCall& call) {
  const std::string account = call.account();
  call.state().change_settings([&](Settings& settings) {
    settings.quotas.change(account, call.body, call.state().catalog());
  });
  return get_quotas(call);
}

// What is shown of a credential: never the key, never the token.
Json credential_json(const Credential& one) {
  return {{"SecretId", one.secret_id},
          {"Uin", one.account.uin},
          {"AppId", one.account.app_id},
          {"ExpiresAt", one.expires_at ? Json(iso8601(*one.expires_at)) : Json()},
          {"temporary", !one.token.empty()},
          {"status", one.enabled ? "enabled" : "disabled"},
          {"read_only", one.read_only}};
}

HttpResponse get_credentials(AdminCall& call) {
  Json list = Json::array();
  for (const Credential& one : call.state().credentials().added())
    list.push_back(credential_json(one));
  return answer({{"credentials", list}});
}

HttpResponse post_credentials(AdminCall& call) {
  const Credential made = read_credential(call.body);
  call.state().change_settings([&](Settings&) { call.state().credentials().add(made); });
  return answer(credential_json(made));
}

HttpResponse delete_credential(AdminCall& call) {
  call.state().change_settings([&](Settings&) {
    if (!call.state().credentials().erase(call.part))
      throw AdminError{404, "NotFound", "no credential `" + call.part + "` was added"};
  });
  return answer({{"deleted", call.part}});
}

}  // namespace

const Routes settings_routes = {
    {.method = "GET",
     .path = "capacity",
     .function = get_capacity,
     .summary = "What is limited or sold out.",
     .query = {"account"}},
    {.method = "PUT",
     .path = "capacity",
     .function = put_capacity,
     .summary = "Replaces the rules about stock.",
     .query = {"account"},
     .fields = {"capacity"}},
    {.method = "GET",
     .path = "quotas",
     .function = get_quotas,
     .summary = "The quotas by region; `*` for all.",
     .query = {"account"}},
    {.method = "PUT",
     .path = "quotas",
     .function = put_quotas,
     .summary = "Changes the quotas it names.",
     .query = {"account"},
     .any_body = true},
    {.method = "GET",
     .path = "credentials",
     .function = get_credentials,
     .summary = "The credentials that were added; keys are never shown."},
    {.method = "POST",
     .path = "credentials",
     .function = post_credentials,
     .summary = "Adds or replaces a credential.",
     .fields = credential_fields},
    {.method = "DELETE",
     .path = "credentials/{SecretId}",
     .function = delete_credential,
     .summary = "Deletes a credential that was added."},
};

}  // namespace cvm
