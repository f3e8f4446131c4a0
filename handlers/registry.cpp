// Joins the tables of the categories.
#include "handlers/registry.h"

namespace cvm {

Registry::Registry() {
  for (const Actions* table : {&region_actions,
                               &instance_run_actions,
                               &instance_describe_actions,
                               &instance_operate_actions,
                               &instance_reset_actions,
                               &instance_modify_actions,
                               &instance_charge_actions,
                               &instance_type_actions,
                               &image_describe_actions,
                               &image_create_actions,
                               &image_manage_actions,
                               &image_transfer_actions,
                               &image_convert_actions,
                               &networking_actions,
                               &security_group_actions,
                               &price_actions,
                               &placement_group_actions,
                               &key_pair_actions,
                               &launch_template_actions,
                               &host_actions,
                               &reserved_instance_actions}) {
    add(*table);
  }
}

void Registry::add(const Actions& table) { handlers_.insert(table.begin(), table.end()); }

Handler Registry::find(std::string_view action) const {
  const auto found = handlers_.find(action);
  return found == handlers_.end() ? nullptr : found->second;
}

std::vector<std::string_view> Registry::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, handler] : handlers_) names.push_back(name);
  return names;
}

}  // namespace cvm
