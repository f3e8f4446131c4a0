// SQLite in four small types: Database, Statement, Savepoint, Checkpointer. Nobody else sees its C
// interface. Failures of SQLite itself throw DatabaseError: they are never the client's fault.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "state/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cvm {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(std::string_view statement, const std::string& reason)
      : std::runtime_error("sqlite: " + std::string(statement) + ": " + reason), reason_(reason) {}
  const std::string& reason() const { return reason_; }  // Without the statement.

 private:
  std::string reason_;
};

// Tells that a state file cannot be used, on one line and printable whatever the file holds.
ConfigError file_error(const std::string& path, std::string reason);

// Prepared statements that nobody uses, by text. One that is lent out is not in here, so it cannot
// be finalised under the hands of whoever has it.
struct Finalize {
  void operator()(sqlite3_stmt* statement) const;
};
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using IdleStatements = std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>,
                                          TextHash, std::equal_to<>>;

// A prepared statement, lent out by Database::prepare for one use; goes back to the idle ones,
// reset and unbound, when it goes out of scope.
class Statement {
 public:
  Statement(IdleStatements& idle, IdleStatements::node_type lent)
      : idle_(idle), lent_(std::move(lent)), statement_(lent_.mapped().get()) {}
  Statement(Statement&&) noexcept = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the next parameters in order. Texts must outlive the use of the statement.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind_blob(std::string_view bytes);

  bool step();  // True while there is a row.
  void run() {
    while (step()) {
    }
  }

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // Valid until the next step.
  std::string_view blob(int column) const;  // So is this.

 private:
  IdleStatements& idle_;
  IdleStatements::node_type lent_;  // Empty once it was moved on.
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

// Something in memory that goes back with a Database when work is undone.
class Follower {
 public:
  virtual ~Follower() = default;
  virtual std::size_t mark() const = 0;     // Before work begins.
  virtual void undo(std::size_t mark) = 0;  // After the Database went back.
  virtual void keep() = 0;                  // After the outermost work.
};

class Database {
 public:
  // `:memory:` or a file, created if it is missing. Throws ConfigError if it cannot be opened, is
  // no database, or another server has it. Changes nothing in a file that exists.
  explicit Database(const std::string& path);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // From now on what is written goes to a write-ahead log first; for a file that is ours.
  void use_log();

  Statement prepare(std::string_view sql);
  void execute(const std::string& sql);  // One or more statements without parameters.
  std::int64_t last_id() const;
  std::vector<std::string> prepared() const;  // Texts of the statements that are kept for reuse.
  const std::string& path() const { return path_; }
  void follow(Follower& follower) { follower_ = &follower; }

 private:
  friend class Savepoint;
  void lock();
  void open();

  std::string path_;
  int lock_file_ = -1;
  sqlite3* handle_ = nullptr;
  IdleStatements idle_;
  Follower* follower_ = nullptr;
  int savepoints_ = 0;  // That are open.
};

// Looks after the file of a Database from one other thread, on a connection of its own: moves the
// log into the file while the Database works, and notices when somebody takes the files away.
class Checkpointer {
 public:
  explicit Checkpointer(const std::string& path);  // Of a Database that is open; may be `:memory:`.
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer();

  // To be called about once a second. What is wrong with the files, told once; then it rests.
  std::optional<std::string> run();

 private:
  std::optional<std::string> problem();

  struct Seen {  // What a file was when it was last looked at.
    std::uint64_t device = 0, number = 0;
    std::int64_t bytes = 0, changed_ns = 0;
  };
  static std::optional<Seen> look(const std::string& path);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::optional<Seen> file_, log_;
  std::int64_t checkpointed_ns_ = 0;
};

// Work that is undone unless commit() is called.
class Savepoint {
 public:
  explicit Savepoint(Database& database);
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  ~Savepoint();
  void commit();
  void undo();

 private:
  void roll_back();
  void close();

  Database& database_;
  std::size_t mark_ = 0;
  bool open_ = true;
};

}  // namespace cvm
