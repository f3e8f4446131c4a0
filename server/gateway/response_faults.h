// What faults do to answers.
#pragma once

#include "server/request/http.h"
#include "state/lifecycle/effect.h"

namespace cvm {

// For effects that come instead of any work: writes the answer and says true.
bool replace_response(const Effect& effect, HttpResponse& response);

// For effects that come after the work: damages the answer, or what becomes of it.
void corrupt_response(const Effect& effect, HttpResponse& response);

}  // namespace cvm
