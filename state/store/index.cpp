// Values in one hash table; most have one holder, which needs no set.
#include "state/store/index.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace cvm {

namespace {

// Of one transaction; about 40 MB. An import may be larger.
constexpr std::size_t changes_max = 1'000'000;

}  // namespace

Rid Index::rid_of(std::int64_t rid) {
  if (rid <= 0 || rid > std::numeric_limits<Rid>::max())
    throw std::length_error("a resource has the number " + std::to_string(rid));
  return static_cast<Rid>(rid);
}

void Index::note(const Change& change) {
  if (done_.size() >= changes_max) {
    done_.clear();
    forgot_ = true;
  }
  if (!forgot_) done_.push_back(change);
}

const Partition* Index::partition(std::string_view kind, std::string_view account,
                                  std::string_view region) const {
  const auto found = by_name_.find(partition_key(kind, account, region));
  return found == by_name_.end() ? nullptr : found->second;
}

void Index::add_partition(std::int64_t number, std::string_view kind, std::string_view account,
                          std::string_view region) {
  Partition made{number, std::string(kind), std::string(account), std::string(region), {}};
  const Partition& kept = partitions_.emplace(number, std::move(made)).first->second;
  by_name_.emplace(partition_key(kind, account, region), &kept);
  note({Did::open, 0, number, {}});
}

void Index::insert(const Key& key, Rid rid) {
  const auto [found, added] = holders_.try_emplace(key, Holders{rid, 0});
  if (added) return;
  Holders& holders = found->second;
  if (holders.many == 0) {
    if (free_sets_.empty()) {
      sets_.emplace_back();
      holders.many = static_cast<std::uint32_t>(sets_.size());
    } else {
      holders.many = free_sets_.back();
      free_sets_.pop_back();
    }
    sets_[holders.many - 1].add(holders.one);
  }
  sets_[holders.many - 1].add(rid);
}

void Index::remove(const Key& key, Rid rid) {
  const auto found = holders_.find(key);
  if (found == holders_.end()) return;
  const Holders holders = found->second;
  if (holders.many != 0) {
    Rids& set = sets_[holders.many - 1];
    set.remove(rid);
    if (!set.isEmpty()) return;
    set = Rids();
    free_sets_.push_back(holders.many);
  }
  holders_.erase(found);
}

void Index::add(std::int64_t part, std::int64_t number, const Keys& keys) {
  const Rid rid = rid_of(number);
  partitions_.at(part).all.add(rid);
  note({Did::enter, rid, part, {}});
  change(number, {}, keys);
}

void Index::change(std::int64_t number, const Keys& before, const Keys& after) {
  const Rid rid = rid_of(number);
  for (const Key& key : before) {
    if (std::binary_search(after.begin(), after.end(), key)) continue;
    remove(key, rid);
    note({Did::remove, rid, 0, key});
  }
  for (const Key& key : after) {
    if (std::binary_search(before.begin(), before.end(), key)) continue;
    insert(key, rid);
    note({Did::add, rid, 0, key});
  }
}

void Index::erase(std::int64_t part, std::int64_t number, const Keys& keys) {
  const Rid rid = rid_of(number);
  release(number);
  change(number, keys, {});
  partitions_.at(part).all.remove(rid);
  note({Did::leave, rid, part, {}});
}

void Index::reserve(std::int64_t number, const Keys& keys) {
  const Rid rid = rid_of(number);
  if (keys.empty()) return;
  Keys& pending = pending_[rid];
  for (const Key& key : keys) {
    if (std::find(pending.begin(), pending.end(), key) != pending.end()) continue;
    insert(key, rid);
    pending.push_back(key);
    note({Did::reserve, rid, 0, key});
  }
}

void Index::release(std::int64_t number) {
  const auto found = pending_.find(rid_of(number));
  if (found == pending_.end()) return;
  for (const Key& key : found->second) {
    remove(key, found->first);
    note({Did::release, found->first, 0, key});
  }
  pending_.erase(found);
}

std::optional<Rid> Index::with_id(std::string_view id) const {
  const auto found = holders_.find(id_key(id));
  return found == holders_.end() ? std::nullopt : std::optional(found->second.one);
}

const Keys* Index::pending(Rid rid) const {
  const auto found = pending_.find(rid);
  return found == pending_.end() ? nullptr : &found->second;
}

std::uint64_t Index::count(const Key& key) const {
  const auto found = holders_.find(key);
  if (found == holders_.end()) return 0;
  return found->second.many == 0 ? 1 : sets_[found->second.many - 1].cardinality();
}

void Index::collect(const Key& key, Rids& into) const {
  const auto found = holders_.find(key);
  if (found == holders_.end()) return;
  if (found->second.many == 0) {
    into.add(found->second.one);
  } else {
    into |= sets_[found->second.many - 1];
  }
}

const Rids* Index::find(const Key& key) const {
  const auto found = holders_.find(key);
  return found == holders_.end() || found->second.many == 0 ? nullptr
                                                            : &sets_[found->second.many - 1];
}

void Index::revert(const Change& change) {
  switch (change.did) {
    case Did::add:
      return remove(change.key, change.rid);
    case Did::remove:
      return insert(change.key, change.rid);
    case Did::enter:
      partitions_.at(change.part).all.remove(change.rid);
      return;
    case Did::leave:
      partitions_.at(change.part).all.add(change.rid);
      return;
    case Did::reserve: {
      remove(change.key, change.rid);
      Keys& pending = pending_[change.rid];
      std::erase(pending, change.key);
      if (pending.empty()) pending_.erase(change.rid);
      return;
    }
    case Did::release:
      insert(change.key, change.rid);
      pending_[change.rid].push_back(change.key);
      return;
    case Did::open: {
      const auto gone = partitions_.find(change.part);
      const Partition& part = gone->second;
      by_name_.erase(partition_key(part.kind, part.account, part.region));
      partitions_.erase(gone);
    }
  }
}

bool Index::undo(std::size_t mark) {
  if (forgot_) return false;
  while (done_.size() > mark) {
    revert(done_.back());
    done_.pop_back();
  }
  return true;
}

void Index::keep() {
  done_.clear();
  forgot_ = false;
}

void Index::clear() {
  *this = Index();
  forgot_ = true;
}

bool operator==(const Index& a, const Index& b) {
  const auto holders = [](const Index& index, const Key& key) {
    Rids rids;
    index.collect(key, rids);
    return rids;
  };
  return a.holders_.size() == b.holders_.size() && a.partitions_.size() == b.partitions_.size() &&
         std::all_of(
             a.holders_.begin(), a.holders_.end(),
             [&](const auto& one) { return holders(a, one.first) == holders(b, one.first); }) &&
         std::all_of(a.partitions_.begin(), a.partitions_.end(), [&](const auto& one) {
           const auto other = b.partitions_.find(one.first);
           return other != b.partitions_.end() && one.second.all == other->second.all;
         });
}

}  // namespace cvm
