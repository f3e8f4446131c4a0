// Keeps what is asked for.
#include "state/store/texts.h"

#include <utility>

namespace cvm {

namespace {

// In memory, about.
std::size_t bytes(const StoredText& text) { return text.doc.size() + sizeof(StoredText) + 32; }

}  // namespace

const StoredText* Texts::find(Rid rid) {
  if (const auto found = young_.find(rid); found != young_.end()) return &found->second;
  const auto found = old_.find(rid);
  if (found == old_.end()) return nullptr;
  StoredText text = std::move(found->second);
  old_.erase(found);
  return &put(rid, std::move(text));
}

const StoredText& Texts::put(Rid rid, StoredText text) {
  young_bytes_ += bytes(text);
  if (young_bytes_ > bytes_max) {
    young_bytes_ = bytes(text);
    old_ = std::exchange(young_, {});
  }
  old_.erase(rid);
  return young_.insert_or_assign(rid, std::move(text)).first->second;
}

void Texts::drop(Rid rid) {
  young_.erase(rid);
  old_.erase(rid);
}

void Texts::clear() { *this = Texts(); }

void Texts::write(Rid rid, StoredText text) {
  changed_.push_back(rid);
  put(rid, std::move(text));
}

void Texts::undo() {
  for (const Rid rid : changed_) drop(rid);
}

}  // namespace cvm
