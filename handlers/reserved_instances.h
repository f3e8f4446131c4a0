// What the inquiry about reserved instances and their purchase have in common.
#pragma once

#include "handlers/call.h"

namespace cvm {

// What a call wants to buy.
struct Reservation {
  const ReservedOffering* offer = nullptr;
  std::int64_t count = 0;
};

// Refuses a count out of range, and an offering that the region does not have.
Reservation checked_reservation(const Call& call);

}  // namespace cvm
