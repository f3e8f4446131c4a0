// Admin calls about fault rules.
#include "server/admin/admin_call.h"

namespace cvm {

namespace {

HttpResponse get_faults(AdminCall& call) {
  const std::string account = call.account();
  Json faults = Json::array();
  for (const FaultRule& rule : call.state().faults().rules()) {
    if (account.empty() || rule.account.empty() || rule.account == account)
      faults.push_back(Faults::shown(rule));
  }
  return answer({{"faults", faults}});
}

const FaultRule& require_fault(const AdminCall& call) {
  const FaultRule* rule = call.state().faults().find(call.part);
  if (rule == nullptr) throw AdminError{404, "NotFound", "no fault `" + call.part + "`"};
  return *rule;
}

HttpResponse get_fault(AdminCall& call) { return answer(Faults::shown(require_fault(call))); }

// One rule, or a list of them: all or nothing.
HttpResponse post_faults(AdminCall& call) {
  const bool several = call.body.is_array();
  std::vector<std::string> ids;
  call.state().change_settings([&](Settings& settings) {
    for (Json rule : several ? call.body : Json::array({call.body})) {
      if (const std::string account = call.asked("account"); !account.empty()) {
        if (!rule.is_object()) throw ConfigError{"fault: the rule must be an object"};
        Json& match = rule.emplace("match", Json::object()).first.value();
        if (!match.is_object()) throw ConfigError{"fault: match: must be an object"};
        if (!match.emplace("account", account).second)
          throw ConfigError{"fault: match.account: `?account=` is given, too"};
      }
      ids.push_back(call.control().add_fault(settings, rule).id);
    }
  });
  Json shown = Json::array();
  for (const std::string& id : ids) shown.push_back(Faults::shown(*call.state().faults().find(id)));
  return answer(several ? Json{{"faults", shown}} : shown.at(0));
}

HttpResponse delete_fault(AdminCall& call) {
  require_fault(call);
  call.state().change_settings([&](Settings& settings) { settings.faults.erase(call.part); });
  return answer({{"deleted", call.part}});
}

HttpResponse delete_faults(AdminCall& call) {
  const std::size_t before = call.state().faults().rules().size();
  const std::string account = call.account();
  call.state().change_settings([&](Settings& settings) { settings.faults.clear(account); });
  return answer({{"deleted", before - call.state().faults().rules().size()}});
}

}  // namespace

const Routes fault_routes = {
    {.method = "GET",
     .path = "faults",
     .function = get_faults,
     .summary = "The fault rules, with what they matched and fired on.",
     .query = {"account"}},
    {.method = "POST",
     .path = "faults",
     .function = post_faults,
     .summary = "Adds a rule, or a list of them; one of the same id is replaced.",
     .query = {"account"},
     .fields = {"id", "match", "when", "do"},
     .any_body = true},
    {.method = "DELETE",
     .path = "faults",
     .function = delete_faults,
     .summary = "Deletes all rules, or those of an account.",
     .query = {"account"}},
    {.method = "GET", .path = "faults/{id}", .function = get_fault, .summary = "One rule."},
    {.method = "DELETE",
     .path = "faults/{id}",
     .function = delete_fault,
     .summary = "Deletes a rule."},
};

}  // namespace cvm
