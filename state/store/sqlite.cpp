// The only file that talks to SQLite's C interface.
#include "state/store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace cvm {

namespace {

constexpr std::size_t statements_max = 256;
constexpr int passes_max = 5;

std::string reason_of(sqlite3* handle) {
  std::string reason = sqlite3_errmsg(handle);
  // The system's word for what SQLite could only call "unable to open" or "disk I/O error".
  const int code = sqlite3_errcode(handle) & 0xff, cause = sqlite3_system_errno(handle);
  if ((code == SQLITE_CANTOPEN || code == SQLITE_IOERR) && cause != 0)
    reason.append(": ").append(std::strerror(cause));
  return reason;
}

[[noreturn]] void fail(sqlite3* handle, std::string_view what) {
  throw DatabaseError(what, reason_of(handle));
}

}  // namespace

ConfigError file_error(const std::string& path, std::string reason) {
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return {"the state file " + path + ": " + reason};
}

void Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::~Statement() {
  if (lent_.empty()) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (idle_.size() >= statements_max) idle_.erase(idle_.begin());
  // If another of the same text, lent out at the same time, is back already, this one ends here.
  idle_.insert(std::move(lent_));
}

Statement& Statement::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  sqlite3_bind_text(statement_, ++bound_, data, static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC);
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

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data == nullptr ? "" : data,
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::Database(const std::string& path) : path_(path) {
  idle_.reserve(statements_max + 1);  // Giving a statement back never allocates.
  try {
    lock();
    open();
  } catch (const DatabaseError& error) {
    sqlite3_close_v2(handle_);
    if (lock_file_ >= 0) ::close(lock_file_);
    throw file_error(path_, error.reason());
  }
}

void Database::lock() {
  if (path_ == ":memory:") return;
  // flock() and SQLite's own fcntl() locks do not see each other, so this only keeps a second
  // server away. The descriptor stays open: closing it would drop SQLite's locks on the file.
  const int opened = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (opened < 0) throw DatabaseError("open", std::strerror(errno));
  // Never 0 to 2, which may be free: what the program prints would land in the file.
  lock_file_ = ::fcntl(opened, F_DUPFD_CLOEXEC, 3);
  const int failure = errno;
  ::close(opened);
  if (lock_file_ < 0) throw DatabaseError("open", std::strerror(failure));
  if (::flock(lock_file_, LOCK_EX | LOCK_NB) == 0) return;
  throw DatabaseError(
      "lock", errno == EWOULDBLOCK ? "it is in use by another cvmsim" : std::strerror(errno));
}

void Database::open() {
  if (sqlite3_open_v2(path_.c_str(), &handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr) != SQLITE_OK) {
    fail(handle_, "open");
  }
  sqlite3_extended_result_codes(handle_, 1);
  // Nobody else should write to the file. Whoever does must not make every account wait.
  sqlite3_busy_timeout(handle_, 100);
  execute("pragma temp_store=memory; pragma cache_size=-65536; pragma foreign_keys=off;");
}

void Database::use_log() {
  // The Checkpointer keeps the log short, but its steps never reach the end of one that grows all
  // the time. Then, at 16 MB, a commit here does the rest and the log starts again from its top.
  execute(
      "pragma journal_mode=wal; pragma synchronous=normal; pragma wal_autocheckpoint=4000;"
      "pragma journal_size_limit=16777216;");
}

Database::~Database() {
  idle_.clear();
  sqlite3_close_v2(handle_);  // The last connection writes the log back into the file.
  if (lock_file_ >= 0) ::close(lock_file_);
}

Statement Database::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end())
    return {idle_, idle_.extract(found)};
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    fail(handle_, sql);
  }
  IdleStatements made;
  return {idle_, made.extract(made.emplace(sql, statement).first)};
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle_, sql);
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_); }

std::vector<std::string> Database::prepared() const {
  std::vector<std::string> texts;
  for (const auto& [text, statement] : idle_) texts.push_back(text);
  return texts;
}

Checkpointer::Checkpointer(const std::string& path) : path_(path) {
  if (path_ == ":memory:") return;
  file_ = look(path_);
  // Opened at once: later there might be another file of that name. A connection that has read
  // nothing has no log yet, and its checkpoints do nothing.
  if (sqlite3_open_v2(path_.c_str(), &handle_, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
      sqlite3_exec(handle_, "select count(*) from sqlite_master", nullptr, nullptr, nullptr) ==
          SQLITE_OK) {
    log_ = look(path_ + "-wal");
    return;
  }
  const std::string reason = reason_of(handle_);
  sqlite3_close_v2(handle_);
  throw file_error(path_, reason);
}

Checkpointer::~Checkpointer() { sqlite3_close_v2(handle_); }

std::optional<Checkpointer::Seen> Checkpointer::look(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return Seen{found.st_dev, found.st_ino, found.st_size,
              found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
}

std::optional<std::string> Checkpointer::run() {
  if (!file_) return std::nullopt;
  if (auto wrong = problem()) {
    file_.reset();
    return "the state file " + path_ + ": " + *wrong + ": what happens now will not be kept";
  }
  // Passive: waits for nobody and stops nobody. Only a pass after which nothing was written lets
  // the log start again from its top, so a long one is followed by shorter ones.
  for (int pass = 0; pass < passes_max; ++pass) {
    const auto log = look(path_ + "-wal");
    if (!log || log->changed_ns == checkpointed_ns_) break;
    checkpointed_ns_ = log->changed_ns;
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  return std::nullopt;
}

// The file only ever grows, and both stay what they are until the Database ends.
std::optional<std::string> Checkpointer::problem() {
  const auto differ = [](const Seen& a, const Seen& b) {
    return a.device != b.device || a.number != b.number;
  };
  const auto file = look(path_), log = look(path_ + "-wal");
  if (!file) return "it was deleted";
  if (differ(*file, *file_)) return "it was replaced by another file";
  if (file->bytes < file_->bytes) return "it was cut off";
  if (log_ && (!log || differ(*log, *log_))) return "its log " + path_ + "-wal was taken away";
  file_ = file;
  return std::nullopt;
}

Savepoint::Savepoint(Database& database) : database_(database) {
  database_.prepare("savepoint work").run();
  ++database_.savepoints_;
  if (database_.follower_ != nullptr) mark_ = database_.follower_->mark();
}

Savepoint::~Savepoint() {
  if (!open_) return;
  try {
    roll_back();
  } catch (const std::exception&) {
    // The connection is broken; the next statement will say so where it can be reported.
  }
}

void Savepoint::undo() { roll_back(); }

void Savepoint::roll_back() {
  open_ = false;
  database_.prepare("rollback to work").run();
  database_.prepare("release work").run();
  if (database_.follower_ != nullptr) database_.follower_->undo(mark_);
  close();
}

void Savepoint::commit() {
  database_.prepare("release work").run();
  open_ = false;
  close();
}

void Savepoint::close() {
  if (--database_.savepoints_ == 0 && database_.follower_ != nullptr) database_.follower_->keep();
}

}  // namespace cvm
