// The ring drops the oldest.
#include "state/lifecycle/events.h"

#include <utility>

namespace cvm {

namespace {
constexpr std::size_t kept_max = 10000;
}

Json change_json(const StateChange& change) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"time", iso8601(change.time)}, {"account", change.account},
          {"kind", change.kind},          {"resource", change.id},
          {"from", or_null(change.from)}, {"to", or_null(change.to)},
          {"step", change.step},          {"request_id", or_null(change.request_id)}};
}

void Events::add(std::vector<StateChange> changes) {
  total_ += changes.size();
  for (StateChange& change : changes) ring_.push_back(std::move(change));
  while (ring_.size() > kept_max) ring_.pop_front();
}

void Events::undo(std::uint64_t total) {
  for (; total_ > total; --total_) {
    if (!ring_.empty()) ring_.pop_back();
  }
}

void Events::clear() {
  ring_.clear();
  total_ = 0;
}

void Events::forget(const std::string& account) {
  total_ -= std::erase_if(ring_, [&](const StateChange& one) { return one.account == account; });
}

}  // namespace cvm
