// Sets cut with each other, the smallest first.
#include "state/store/selection.h"

#include <algorithm>
#include <deque>

namespace cvm {

namespace {

// Who has one of the filter's values; a set of the index where it has it already.
const Rids* matching(const Index& index, const Kind& kind, std::int64_t part, const Filter& filter,
                     bool pending, std::deque<Rids>& made) {
  const int attribute = kind.attribute(filter.attribute);
  if (kind.attributes[static_cast<std::size_t>(attribute)].path == kind.id_member) {
    Rids& found = made.emplace_back();
    for (const std::string& id : filter.values) {
      if (const auto rid = index.with_id(id)) found.add(*rid);
    }
    return &found;
  }
  if (filter.values.size() == 1 && !pending) {
    if (const Rids* set = index.find(value_key(part, attribute, filter.values.front()))) return set;
  }
  Rids& found = made.emplace_back();
  for (const std::string& value : filter.values) {
    index.collect(value_key(part, attribute, value), found);
    if (pending) index.collect(value_key(part, attribute, value, true), found);
  }
  return &found;
}

}  // namespace

Selection::Selection(const Index& index, const Kind& kind, const Partition& in,
                     const Query& query) {
  std::deque<Rids> made;
  std::vector<const Rids*> sets;
  if (query.ids) {
    Rids& found = made.emplace_back();
    for (const std::string& id : *query.ids) {
      const auto rid = index.with_id(id);
      if (rid && in.all.contains(*rid)) found.add(*rid);
    }
    sets.push_back(&found);
  }
  for (const Filter& filter : query.filters)
    sets.push_back(matching(index, kind, in.number, filter, query.pending, made));
  if (sets.empty()) sets.push_back(&in.all);
  if (sets.size() == 1) {
    all_ = sets.front();
    if (made.empty()) return;
    own_ = std::move(made.front());
  } else {
    std::vector<std::pair<std::uint64_t, const Rids*>> sized;
    for (const Rids* set : sets) sized.emplace_back(set->cardinality(), set);
    std::sort(sized.begin(), sized.end());
    own_ = *sized[0].second & *sized[1].second;
    for (std::size_t i = 2; i < sized.size(); ++i) own_ &= *sized[i].second;
  }
  all_ = &own_;
}

std::vector<Rid> Selection::page(std::int64_t offset, std::int64_t limit) const {
  std::vector<Rid> page;
  Rid newest = 0;
  const std::int64_t from = total() - 1 - offset;
  if (from < 0 || limit <= 0 || !all_->select(static_cast<Rid>(from), &newest)) return page;
  roaring_uint32_iterator_t at;
  roaring_init_iterator(&all_->roaring, &at);
  for (roaring_move_uint32_iterator_equalorlarger(&at, newest);
       at.has_value && static_cast<std::int64_t>(page.size()) < limit;
       roaring_previous_uint32_iterator(&at))
    page.push_back(at.current_value);
  return page;
}

}  // namespace cvm
