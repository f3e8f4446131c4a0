// Which function is which action: one table at the bottom of each category's file, listed once.
#pragma once

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
extern const Actions image_actions;
extern const Actions networking_actions;
extern const Actions security_group_actions;
extern const Actions price_actions;
extern const Actions placement_group_actions;

Handler find_handler(std::string_view action);        // nullptr: not implemented.
std::vector<std::string_view> implemented_actions();  // Sorted.

}  // namespace cvm
