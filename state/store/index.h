// Who has which value, in memory: a set of resources for each value that filters and references ask
// for. It follows from the documents and the operations under way, goes back with the work that is
// undone, and is made anew when the program starts.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "state/store/keys.h"

namespace cvm {

// Resources, by the number of their row.
using Rid = std::uint32_t;
using Rids = Roaring;

// One kind in one account and region.
struct Partition {
  std::int64_t number = 0;
  std::string kind, account, region;
  Rids all;
};

class Index {
 public:
  const Partition* partition(std::string_view kind, std::string_view account,
                             std::string_view region) const;
  const std::map<std::int64_t, Partition>& partitions() const { return partitions_; }
  void add_partition(std::int64_t number, std::string_view kind, std::string_view account,
                     std::string_view region);

  // A resource comes, changes or goes. Throws std::length_error for a number beyond 32 bits.
  void add(std::int64_t part, std::int64_t rid, const Keys& keys);
  void change(std::int64_t rid, const Keys& before, const Keys& after);
  void erase(std::int64_t part, std::int64_t rid, const Keys& keys);

  // What an operation under way is going to give it, and no longer is.
  void reserve(std::int64_t rid, const Keys& keys);
  void release(std::int64_t rid);

  std::optional<Rid> with_id(std::string_view id) const;
  const Keys* pending(Rid rid) const;  // Null: nothing.
  std::uint64_t count(const Key& key) const;
  void collect(const Key& key, Rids& into) const;
  const Rids* find(const Key& key) const;  // Null: at most one has it.

  // Work that may be undone: a mark before it, and back to the mark.
  std::size_t mark() const { return done_.size(); }
  // False: too much was done to go back step by step; all of it has to be made anew.
  bool undo(std::size_t mark);
  void keep();  // What was done is done.
  void clear();

  friend bool operator==(const Index& a, const Index& b);  // Whether both say the same.

 private:
  enum class Did { add, remove, enter, leave, reserve, release, open };
  struct Change {
    Did did;
    Rid rid;
    std::int64_t part;
    Key key;
  };
  struct Holders {
    Rid one = 0;
    std::uint32_t many = 0;  // Above 0: the place of a set, counted from 1.
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.low; }
  };

  static Rid rid_of(std::int64_t rid);
  void note(const Change& change);
  void insert(const Key& key, Rid rid);
  void remove(const Key& key, Rid rid);
  void revert(const Change& change);

  boost::unordered_flat_map<Key, Holders, KeyHash> holders_;
  std::deque<Rids> sets_;
  std::vector<std::uint32_t> free_sets_;
  std::map<std::int64_t, Partition> partitions_;
  boost::unordered_flat_map<Key, const Partition*, KeyHash> by_name_;
  std::unordered_map<Rid, Keys> pending_;
  std::vector<Change> done_;
  bool forgot_ = false;  // What was done before `done_`.
};

}  // namespace cvm
