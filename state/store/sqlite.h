// SQLite in three small types: Database, Statement, Savepoint. Nobody else sees its C interface.
// Failures of SQLite itself throw std::runtime_error: they are never the client's fault.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace cvm {

// A prepared statement, lent out by Database::prepare for one use; returned to the cache,
// reset and unbound, when it goes out of scope.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the next parameters in order. Texts must outlive the use of the statement.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);

  bool step();  // True while there is a row.
  void run() {
    while (step()) {
    }
  }

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // Valid until the next step.

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class Database {
 public:
  // `:memory:` or a file, created if it is missing. Throws ConfigError if it cannot be opened, is
  // not ours, or another server has it.
  explicit Database(const std::string& path);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Statement prepare(std::string_view sql);
  void execute(const std::string& sql);  // One or more statements without parameters.
  std::int64_t last_id() const;
  const std::string& path() const { return path_; }

  // Moves the write-ahead log into the file, on a connection of its own: may run while this one
  // works. Does nothing for `:memory:` and short logs.
  static void checkpoint(const std::string& path);

 private:
  void open();

  std::string path_;
  int lock_file_ = -1;
  sqlite3* handle_ = nullptr;
  // By text. Handlers make a bounded number of texts, filters a larger one: the cache is emptied
  // when it reaches a limit.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements_;
};

// Work that is undone unless commit() is called.
class Savepoint {
 public:
  explicit Savepoint(Database& database);
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  ~Savepoint();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace cvm
