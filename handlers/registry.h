// Which function is which action: one table at the bottom of each category's file, listed once.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "handlers/call.h"

namespace cvm {

extern const Actions region_actions;
extern const Actions instance_run_actions;
extern const Actions instance_describe_actions;
extern const Actions instance_operate_actions;
extern const Actions instance_reset_actions;
extern const Actions instance_modify_actions;
extern const Actions instance_charge_actions;
extern const Actions instance_type_actions;
extern const Actions image_describe_actions;
extern const Actions image_create_actions;
extern const Actions image_manage_actions;
extern const Actions image_transfer_actions;
extern const Actions image_convert_actions;
extern const Actions networking_actions;
extern const Actions security_group_actions;
extern const Actions price_actions;
extern const Actions placement_group_actions;
extern const Actions key_pair_actions;
extern const Actions launch_template_actions;
extern const Actions host_actions;
extern const Actions reserved_instance_actions;

class Registry {
 public:
  Registry();  // All that this program implements.
  void add(const Actions& table);

  Handler find(std::string_view action) const;  // nullptr: not implemented.
  std::vector<std::string_view> names() const;  // Sorted.

 private:
  std::map<std::string_view, Handler> handlers_;
};

}  // namespace cvm
