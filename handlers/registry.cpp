// Joins the tables of the categories.
#include "handlers/registry.h"

#include <map>

namespace cvm {

namespace {

const std::map<std::string_view, Handler>& all() {
  static const std::map<std::string_view, Handler> joined = [] {
    std::map<std::string_view, Handler> handlers;
    for (const Actions* table :
         {&region_actions, &instance_run_actions, &instance_describe_actions,
          &instance_operate_actions, &instance_reset_actions, &instance_modify_actions,
          &instance_charge_actions, &instance_type_actions, &image_actions, &networking_actions,
          &security_group_actions, &price_actions, &placement_group_actions}) {
      handlers.insert(table->begin(), table->end());
    }
    return handlers;
  }();
  return joined;
}

}  // namespace

Handler find_handler(std::string_view action) {
  const auto found = all().find(action);
  return found == all().end() ? nullptr : found->second;
}

std::vector<std::string_view> implemented_actions() {
  std::vector<std::string_view> names;
  for (const auto& [name, handler] : all()) names.push_back(name);
  return names;
}

}  // namespace cvm
