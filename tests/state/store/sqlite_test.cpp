// Statements that are lent out, the lock of a state file, and the log that must not grow.
#include "state/store/sqlite.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t megabyte = 1 << 20;

void make_table(Database& database) {
  database.use_log();
  database.execute("create table t (x text)");
}

void write(Database& database, std::size_t bytes) {
  database.prepare("insert into t values (?)").bind(std::string(bytes, 'x')).run();
}

std::int64_t rows(Database& database) {
  Statement counted = database.prepare("select count(*) from t");
  counted.step();
  return counted.integer(0);
}

}  // namespace

TEST(Statements, OneThatIsLentOutIsNeverFinalised) {
  Database database(":memory:");
  Statement waiting = database.prepare("select 7");
  Statement ended = database.prepare("select 8");
  ended.run();
  for (int i = 0; i < 1000; ++i) database.prepare("select " + std::to_string(100 + i)).run();
  ASSERT_TRUE(waiting.step());
  EXPECT_EQ(waiting.integer(0), 7);
  EXPECT_FALSE(waiting.step());
  EXPECT_LE(database.prepared().size(), 256U);
}

TEST(Statements, TheSameTextTwiceAtOnceIsTwoStatements) {
  Database database(":memory:");
  {
    Statement outer = database.prepare("select ?");
    outer.bind(1);
    Statement inner = database.prepare("select ?");
    inner.bind(2).step();
    ASSERT_TRUE(outer.step());
    EXPECT_EQ(outer.integer(0), 1);
    EXPECT_EQ(inner.integer(0), 2);
    Statement moved = std::move(inner);
    EXPECT_EQ(moved.integer(0), 2);
  }
  EXPECT_EQ(database.prepared(), std::vector<std::string>{"select ?"});
}

TEST(DatabaseFile, NeverTakesAStandardDescriptor) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  const int kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  {
    Database database(path);
    make_table(database);
    struct stat standard {
    }, file{};
    ASSERT_EQ(::stat(path.c_str(), &file), 0);
    if (::fstat(STDIN_FILENO, &standard) == 0) EXPECT_NE(standard.st_ino, file.st_ino);
  }
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
}

TEST(DatabaseFile, SaysWhyItCannotBeOpened) {
  const TemporaryDirectory directory;
  const auto reason = [](const std::string& path) -> std::string {
    try {
      const Database database(path);
    } catch (const ConfigError& error) {
      return error.message;
    }
    return "";
  };
  const std::string path = directory.file("state.db"), text = directory.file("text.db");
  const Database database(path);
  EXPECT_EQ(reason(path), "the state file " + path + ": it is in use by another cvmsim");
  EXPECT_EQ(reason(directory.path()), "the state file " + directory.path() + ": Is a directory");
  EXPECT_EQ(reason(path + "/below"), "the state file " + path + "/below: Not a directory");
  const std::string name(300, 'n');
  EXPECT_EQ(reason(directory.file(name)),
            "the state file " + directory.file(name) + ": File name too long");
  std::ofstream(text) << std::string(5000, '\x01');
  EXPECT_EQ(reason(text), "the state file " + text + ": file is not a database");
}

TEST(Log, StaysShortWithoutAnybodysHelp) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  Database database(path);
  make_table(database);
  std::uintmax_t longest = 0;
  for (int i = 0; i < 3000; ++i) {
    write(database, 40000);
    longest = std::max(longest, fs::file_size(path + "-wal"));
  }
  EXPECT_LT(longest, 24 * megabyte) << "120 MB were written";
  EXPECT_GT(fs::file_size(path), 90 * megabyte) << "in the file itself";
}

TEST(Log, OneThatABigTransactionMadeBecomesShortAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  Database database(path);
  make_table(database);
  {
    Savepoint work(database);
    for (int i = 0; i < 800; ++i) write(database, 100000);
    work.commit();
  }
  EXPECT_GT(fs::file_size(path + "-wal"), 64 * megabyte);
  write(database, 1);
  EXPECT_LE(fs::file_size(path + "-wal"), 17 * megabyte);
}

TEST(Log, ACheckpointPutsAllOfItIntoTheFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db"), copy = directory.file("copy.db");
  Database database(path);
  make_table(database);
  Checkpointer checkpointer(path);
  for (int i = 1; i <= 50; ++i) {
    write(database, 100000);
    EXPECT_EQ(checkpointer.run(), std::nullopt);
  }
  EXPECT_LT(fs::file_size(path + "-wal"), megabyte) << "it starts again after each checkpoint";
  fs::copy_file(path, copy);
  Database copied(copy);
  EXPECT_EQ(rows(copied), 50);
}

TEST(Log, ACheckpointStopsAtWhatSomebodyStillReads) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  Database database(path);
  make_table(database);
  write(database, 10);
  write(database, 10);
  Checkpointer checkpointer(path);
  Statement reading = database.prepare("select x from t");
  ASSERT_TRUE(reading.step());
  EXPECT_EQ(checkpointer.run(), std::nullopt);
  ASSERT_TRUE(reading.step());
  EXPECT_FALSE(reading.step());
}

TEST(StateFileWatch, NoticesOnceThatTheFileIsTakenAway) {
  const std::pair<const char*, void (*)(const std::string&)> ways[] = {
      {"it was deleted", [](const std::string& path) { fs::remove(path); }},
      {"it was replaced by another file",
       [](const std::string& path) {
         fs::copy_file(path, path + ".new");
         fs::rename(path + ".new", path);
       }},
      {"it was cut off", [](const std::string& path) { fs::resize_file(path, 100); }},
      {"its log", [](const std::string& path) { fs::remove(path + "-wal"); }}};
  for (const auto& [what, take] : ways) {
    const TemporaryDirectory directory;
    const std::string path = directory.file("state.db");
    Database database(path);
    make_table(database);
    Checkpointer checkpointer(path);
    EXPECT_EQ(checkpointer.run(), std::nullopt);
    take(path);
    const auto told = checkpointer.run();
    ASSERT_TRUE(told) << what;
    EXPECT_TRUE(told->starts_with("the state file " + path + ": " + what)) << *told;
    EXPECT_EQ(checkpointer.run(), std::nullopt) << "told once";
  }
}

TEST(StateFileWatch, HasNothingToDoInMemory) {
  Checkpointer checkpointer(":memory:");
  EXPECT_EQ(checkpointer.run(), std::nullopt);
}

}  // namespace cvm::test
