// Documents as they are stored, of resources that were shown or written lately: two generations of
// bounded size. What nobody has asked for while the younger one filled up is forgotten.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "state/store/index.h"

namespace cvm {

struct StoredText {
  std::string id, doc;
};

class Texts {
 public:
  static constexpr std::size_t bytes_max = 32 << 20;  // Of each generation.

  const StoredText* find(Rid rid);                  // Null: not here. Valid until the next call.
  const StoredText& put(Rid rid, StoredText text);  // As it is stored.
  void write(Rid rid, StoredText text);             // As it is going to be, unless undone.
  void drop(Rid rid);
  void clear();

  void undo();  // What was written since keep() is not true.
  void keep() { changed_.clear(); }

 private:
  using Generation = boost::unordered_flat_map<Rid, StoredText>;

  Generation young_, old_;
  std::size_t young_bytes_ = 0;
  std::vector<Rid> changed_;
};

}  // namespace cvm
