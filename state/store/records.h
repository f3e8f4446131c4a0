// All that is stored: the database, which is the truth, and what is kept in memory beside it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "state/base/time.h"
#include "state/store/index.h"
#include "state/store/kinds.h"
#include "state/store/sqlite.h"
#include "state/store/texts.h"

namespace cvm {

class Records final : public Follower {
 public:
  // Throws ConfigError. What is kept in memory is there after open().
  Records(const std::string& path, const Kinds& of) : database(path), kinds(of) {
    database.follow(*this);
  }

  // Reads the index; writes it first if the file has that of other kinds. Throws ConfigError if the
  // file is damaged.
  void open();
  void erase_all();
  void erase_all_of(const std::string& account);

  // The index, as it follows from the tables.
  Index read_index();
  // The document of a resource, as stored. Valid until the next call.
  const StoredText& text(Rid rid);

  // Whether an account surely has nothing that falls due by then; told by whoever looked, and by
  // whoever adds something.
  bool is_quiet(const std::string& account, Time until) const;
  void quiet_before(const std::string& account, Time due);
  void falls_due(const std::string& account, Time due);

  std::size_t mark() const override { return index.mark(); }
  void undo(std::size_t mark) override;
  void keep() override;

  Database database;
  const Kinds& kinds;
  Index index;

 private:
  friend class Store;
  void write_keys();
  void read_pending(Index& into);

  Texts texts_;
  std::unordered_map<std::string, Time> quiet_;
};

// A document that was read, if it is what was written. Throws DatabaseError.
void require_whole(std::string_view id, std::int64_t sum, std::string_view doc,
                   std::string_view hidden);

// As the database keeps them.
std::string_view bytes_of(const Keys& keys);
Keys keys_from(std::string_view bytes);

}  // namespace cvm
