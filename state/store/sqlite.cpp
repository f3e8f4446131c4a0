// The only file that talks to SQLite's C interface.
#include "state/store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::size_t statements_max = 256;
constexpr off_t checkpoint_bytes_min = 4 << 20;

[[noreturn]] void fail(sqlite3* handle, std::string_view what) {
  throw std::runtime_error("sqlite: " + std::string(what) + ": " + sqlite3_errmsg(handle));
}

}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  sqlite3_bind_text(statement_, ++bound_, data, static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_), sqlite3_sql(statement_));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data == nullptr ? "" : data,
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::Database(const std::string& path) : path_(path) {
  if (path_ != ":memory:") {
    // flock() and SQLite's own fcntl() locks do not see each other, so this only keeps a second
    // server away. The descriptor stays open: closing it would drop SQLite's locks on the file.
    lock_file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_file_ < 0) throw ConfigError{"cannot open the state file " + path_};
    if (::flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock_file_);
      throw ConfigError{"the state file " + path_ + " is in use by another cvmsim"};
    }
  }
  try {
    open();
  } catch (...) {
    sqlite3_close_v2(handle_);
    if (lock_file_ >= 0) ::close(lock_file_);
    throw;
  }
}

void Database::open() {
  if (sqlite3_open_v2(path_.c_str(), &handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    throw ConfigError{"cannot open the state file " + path_};
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);  // Only ever waits for our own checkpoint.
  try {
    execute(
        "pragma journal_mode=wal; pragma synchronous=normal; pragma wal_autocheckpoint=0;"
        "pragma temp_store=memory; pragma cache_size=-65536; pragma foreign_keys=off;");
  } catch (const std::runtime_error&) {
    throw ConfigError{"the state file " + path_ + " is not a cvmsim state file"};
  }
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);  // The last connection writes the log back into the file.
  if (lock_file_ >= 0) ::close(lock_file_);
}

Statement Database::prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    return Statement(found->second);
  }
  if (statements_.size() >= statements_max) {
    // A statement that is in use now survives: it is busy, and finalised with the next emptying.
    std::erase_if(statements_, [](const auto& entry) {
      if (sqlite3_stmt_busy(entry.second) != 0) return false;
      sqlite3_finalize(entry.second);
      return true;
    });
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    fail(handle_, sql);
  }
  statements_.emplace(sql, statement);
  return Statement(statement);
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle_, sql);
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_); }

void Database::checkpoint(const std::string& path) {
  struct stat log {};
  if (path == ":memory:" || ::stat((path + "-wal").c_str(), &log) != 0) return;
  if (log.st_size < checkpoint_bytes_min) return;
  sqlite3* handle = nullptr;
  if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  sqlite3_close_v2(handle);
}

Savepoint::Savepoint(Database& database) : database_(database) {
  database_.prepare("savepoint work").run();
}

Savepoint::~Savepoint() {
  if (!open_) return;
  try {
    database_.prepare("rollback to work").run();
    database_.prepare("release work").run();
  } catch (const std::exception&) {
    // The connection is broken; the next statement will say so where it can be reported.
  }
}

void Savepoint::commit() {
  database_.prepare("release work").run();
  open_ = false;
}

}  // namespace cvm
