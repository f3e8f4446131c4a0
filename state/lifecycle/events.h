// What has changed its state, newest last: a ring of bounded size.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "state/base/json.h"
#include "state/base/time.h"

namespace cvm {

// One change of state that has happened.
struct StateChange {
  Time time;  // Simulated.
  std::string account;
  std::string kind;
  std::string id;
  std::string from;  // Empty: it did not exist.
  std::string to;    // Empty: gone.
  std::string step;
  std::string request_id;  // Of the call that caused it; empty for the admin API.
};

Json change_json(const StateChange& change);

class Events {
 public:
  void add(std::vector<StateChange> changes);
  const std::deque<StateChange>& all() const { return ring_; }
  bool complete() const { return total_ == ring_.size(); }
  std::uint64_t total() const { return total_; }
  void undo(std::uint64_t total);  // Back to when there had been so many.
  void clear();
  void forget(const std::string& account);

 private:
  std::deque<StateChange> ring_;
  std::uint64_t total_ = 0;
};

}  // namespace cvm
