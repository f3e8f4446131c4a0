// State files of other versions, of other programs, and damaged ones.
#include "state/store/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

const Time wall{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};

// What is said when the file is opened; "" if it can be used.
std::string refusal(const std::string& path) {
  try {
    const State state({.path = path}, wall);
  } catch (const ConfigError& error) {
    const std::string expected = "the state file " + path + ": ";
    EXPECT_TRUE(error.message.starts_with(expected)) << error.message;
    for (const char c : error.message) EXPECT_TRUE(c >= ' ' && c <= '~') << error.message;
    return error.message.substr(expected.size());
  }
  return "";
}

// A state file with instances, and nobody that uses it.
std::string filled(const std::string& path, int instances) {
  State state({.path = path, .seed = 1, .clock = "frozen"}, wall);
  Store store = state.store({"1", "ap-guangzhou"});
  RandomStream random = store.random_stream();
  for (int i = 0; i < instances; ++i) {
    store.create("instance", random,
                 {{"InstanceId", ""},
                  {"InstanceName", "n" + std::to_string(i)},
                  {"InstanceState", "RUNNING"},
                  {"Remark", std::string(2000 + 300 * static_cast<std::size_t>(i % 20), 'r')}});
  }
  return path;
}

}  // namespace

TEST(StateFileVersion, AnOlderFileIsBroughtUpToDateAndKept) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("state.db");
  {
    Database old(path);
    old.use_log();
    old.execute(read(std::string(CVMSIM_SOURCE_DIR) + "/tests/data/state_v1.sql"));
  }
  const auto check = [](Emulator& emulator) {
    const Json faults = emulator.admin("GET", "faults")["faults"];
    ASSERT_EQ(faults.size(), 2U);
    EXPECT_EQ(faults[0]["id"], "kept");
    EXPECT_EQ(faults[0]["when"], Json({{"times", 3}}));
    EXPECT_EQ(faults[0]["fired"], 1);
    EXPECT_EQ(faults[0]["requests"].size(), 1U);
    EXPECT_EQ(faults[1]["id"], "fault-1");
    EXPECT_TRUE(faults[1]["expires_at"].is_string());
    const Json order = {{"Placement", {{"Zone", "ap-guangzhou-3"}}},
                        {"ImageId", "img-487zeit5"},
                        {"InstanceType", "S5.MEDIUM2"},
                        {"ClientToken", "once"}};
    EXPECT_EQ(emulator.call("RunInstances", order)["InstanceIdSet"], Json({"ins-7pj0bxem"}));
  };
  Emulator emulator({.state = {.path = path}});
  check(emulator);
  const Json added =
      emulator.admin("POST", "faults", {{"match", {{"action", "*"}}}, {"do", {{"delay_ms", 1}}}});
  EXPECT_EQ(added["id"], "fault-2");
  emulator.admin("DELETE", "faults/fault-2");
  emulator.restart();
  check(emulator);
  Database copy(path + ".v1");
  Statement version = copy.prepare("select value from meta where key='schema'");
  ASSERT_TRUE(version.step());
  EXPECT_EQ(version.text(0), "1");
  EXPECT_EQ(fs::status(path + ".v1").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(StateFileVersion, ANewerFileIsRefused) {
  const TemporaryDirectory directory;
  const std::string path = filled(directory.file("state.db"), 1);
  Database(path).execute("update meta set value='4' where key='schema'");
  EXPECT_EQ(refusal(path), "it has version 4, this cvmsim reads versions 1 to 3");
}

TEST(StateFileDamage, AnotherProgramsDatabaseStaysAsItIs) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("foreign.db");
  for (const char* tables :
       {"create table t (x)", "create table meta (x)", "create table meta (key, value)"}) {
    fs::remove(path);
    Database(path).execute(tables);
    const std::string before = read(path);
    EXPECT_EQ(refusal(path), "it is not a cvmsim state file");
    EXPECT_EQ(read(path), before) << tables;
  }
}

TEST(StateFileDamage, AMissingPartIsNamed) {
  const TemporaryDirectory directory;
  const std::pair<const char*, const char*> losses[] = {
      {"drop table token", "no column token.account"},
      {"drop table keys", "no column keys.keys"},
      {"drop index transition_due", "no index transition_due"},
      {"alter table fault drop column fired", "no column fault.fired"},
      {"delete from partition", "resources are missing"},
      {"delete from keys where rid=1", "resources are missing"},
      {"delete from resource where rid=1", "resources are missing"}};
  for (const auto& [loss, told] : losses) {
    const std::string path = filled(directory.file("state.db"), 2);
    Database(path).execute(loss);
    EXPECT_EQ(refusal(path), std::string("it is damaged: ") + told);
    fs::remove(path);
  }
}

TEST(StateFileDamage, ASettingThatCannotBeReadIsNamed) {
  const TemporaryDirectory directory;
  for (const char* key :
       {"clock", "credentials", "lifecycle", "quotas", "capacity", "scenarios", "fault_number"}) {
    const std::string path = filled(directory.file("state.db"), 0);
    const auto refused_with = [&](const std::string& value) {
      Database(path).execute("insert or replace into meta values ('" + std::string(key) + "', '" +
                             value + "')");
      return refusal(path);
    };
    EXPECT_EQ(refused_with("{\x01"),
              "it is damaged: its setting `" + std::string(key) + "` is no JSON");
    if (std::string_view(key) != "fault_number")
      EXPECT_TRUE(refused_with("3").starts_with(std::string(key) + ": ")) << key;
    fs::remove(path);
  }
}

TEST(StateFileDamage, ADocumentThatIsNoJsonIsNamed) {
  const TemporaryDirectory directory;
  for (const char* wrong : {"{", "{\"a\":\"\xff\"}", ""}) {
    const std::string path = filled(directory.file("state.db"), 1);
    Database(path).prepare("update resource set doc=?, id='ins-00000000'").bind(wrong).run();
    EXPECT_EQ(refusal(path), "it is damaged: what it holds of ins-00000000 is no JSON");
    fs::remove(path);
  }
}

// Whatever was done to the bytes: refused, or all of it is there and can be read.
TEST(StateFileDamage, IsRefusedOrHarmless) {
  const TemporaryDirectory directory;
  const std::string whole = read(filled(directory.file("state.db"), 60));
  const std::string path = directory.file("damaged.db");
  int refused = 0, used = 0;
  const auto open = [&](const std::string& bytes, const std::string& what) {
    fs::remove(path + "-wal");
    write(path, bytes);
    try {
      Database database(path);
      const int version = examine(database);
      make_current(database, version);
      check_contents(database);
      Statement documents = database.prepare("select doc, hidden, id, rid from resource");
      int found = 0;
      for (; documents.step(); ++found)
        EXPECT_TRUE(Json::accept(documents.text(0)) && Json::accept(documents.text(1))) << what;
      EXPECT_EQ(found, 60) << what;
      ++used;
    } catch (const ConfigError&) {
      ++refused;
    } catch (const DatabaseError&) {
      ++refused;
    }
  };
  const std::size_t page = 4096, pages = whole.size() / page;
  for (std::size_t i = 0; i < pages; ++i) {
    const std::string what = "page " + std::to_string(i);
    std::string zeroed = whole, noisy = whole, exchanged = whole;
    zeroed.replace(i * page, page, page, '\0');
    open(zeroed, what + " zeroed");
    RandomStream random(1, "noise", i);
    for (std::size_t n = 0; n < 64; ++n)
      noisy[i * page + random.below(page)] = static_cast<char>(random.below(256));
    open(noisy, what + " noisy");
    const std::size_t other = (i + 7) % pages;
    exchanged.replace(i * page, page, whole, other * page, page);
    exchanged.replace(other * page, page, whole, i * page, page);
    open(exchanged, what + " exchanged");
    if (i > 0) open(whole.substr(0, i * page), what + " cut off");
  }
  EXPECT_GT(refused, static_cast<int>(3 * pages));
  RecordProperty("used", used);
}

}  // namespace cvm::test
