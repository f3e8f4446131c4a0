// Which resources of a partition a query is about.
#pragma once

#include <vector>

#include "state/store/index.h"
#include "state/store/store.h"

namespace cvm {

class Selection {
 public:
  // `in` must outlive it, unchanged.
  Selection(const Index& index, const Kind& kind, const Partition& in, const Query& query);
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  std::int64_t total() const { return static_cast<std::int64_t>(all_->cardinality()); }
  // The newest first.
  std::vector<Rid> page(std::int64_t offset, std::int64_t limit) const;

 private:
  const Rids* all_;
  Rids own_;  // If it is no set that the index has.
};

}  // namespace cvm
