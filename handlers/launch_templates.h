// What is launched with a template: its parameters, and those of the call.
#pragma once

#include <optional>

#include "handlers/call.h"

namespace cvm {

// The parameters of a call that names a launch template: the template's, those of the call in their
// place where it gives them, checked as one request. Nothing if it names none.
std::optional<Json> with_launch_template(const Call& call);

}  // namespace cvm
