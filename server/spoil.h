// What faults do to answers.
#pragma once

#include "server/http.h"
#include "state/effect.h"

namespace cvm {

// For effects that come instead of any work: writes the answer and says true.
bool replace_answer(const Effect& effect, HttpResponse& response);

// For effects that come after the work: damages the answer, or what becomes of it.
void spoil_answer(const Effect& effect, HttpResponse& response);

}  // namespace cvm
