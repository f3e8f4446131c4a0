// What scripts cannot see of key pairs: that the keys are keys, that they follow from the seed,
// that no private key is kept, and that nobody waits while one is made.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "handlers/core.h"
#include "state/base/rsa.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

const Json wanted = {{"KeyName", "key"}, {"ProjectId", 0}};

Json created(Emulator& emulator, const std::string& name = "key") {
  return emulator.call("CreateKeyPair", {{"KeyName", name}, {"ProjectId", 0}})["KeyPair"];
}

// What a command prints.
std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t length = fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), length);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

}  // namespace

TEST(KeyPairs, SshKeygenFindsThePublicKeyInThePrivateOne) {
  Emulator emulator;
  const Json pair = created(emulator);
  const TemporaryDirectory directory;
  const std::string path = directory.file("key");
  std::ofstream(path) << pair["PrivateKey"].get<std::string>();
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  const std::string printed = output_of("ssh-keygen -y -f " + path);
  const std::string shown = pair["PublicKey"];
  EXPECT_EQ(printed.substr(0, printed.find('\n')), shown.substr(0, shown.rfind(' ')));
  std::ofstream(path + ".pub") << shown << "\n";
  EXPECT_TRUE(output_of("ssh-keygen -l -f " + path + ".pub").starts_with("2048 "));
}

TEST(KeyPairs, TheSameNumberGivesTheSamePair) {
  const RsaKeyPair pair = make_rsa_key_pair(1), again = make_rsa_key_pair(1);
  EXPECT_EQ(pair.private_key, again.private_key);
  EXPECT_EQ(pair.public_key.substr(28, 24), "AQDNnH08jQ/zu66zMkrVPK34");
  EXPECT_NE(make_rsa_key_pair(2).public_key, pair.public_key);
  EXPECT_EQ(read_rsa_public_key("ssh-rsa " + pair.public_key + " me"), pair.public_key);
}

// Neither what is refused, nor dry runs, looks, other accounts, restarts, nor where the state was
// carried to have a part in the next key.
TEST(KeyPairs, FollowFromTheSeedAndWhatWasMade) {
  const TemporaryDirectory directory;
  Emulator plain,
      other({.state = {.path = directory.file("state.db"), .seed = 1, .clock = "frozen"}});
  const Json first = created(plain), second = created(plain, "second");
  EXPECT_NE(first["PrivateKey"], second["PrivateKey"]);
  EXPECT_EQ(other.code("CreateKeyPair", {{"KeyName", "a-b"}, {"ProjectId", 0}}),
            "InvalidKeyPairNameIncludeIllegalChar");
  created(other);
  EXPECT_EQ(other.call("DescribeKeyPairs", Json::object())["KeyPairSet"][0]["PublicKey"],
            first["PublicKey"]);
  EXPECT_EQ(other.code("CreateKeyPair", wanted), "InvalidKeyPairName.Duplicate");
  EXPECT_EQ(other.code("RunInstances", {{"ImageId", "img-487zeit5"},
                                        {"Placement", {{"Zone", "ap-guangzhou-3"}}},
                                        {"DryRun", true}}),
            "DryRunOperation");
  const Json theirs = other.call("CreateKeyPair", wanted, {.secret_id = "AKIDEXAMPLE-b"});
  EXPECT_NE(theirs["KeyPair"]["PublicKey"], first["PublicKey"]);
  other.restart();
  Emulator carried;
  carried.admin("PUT", "state", other.admin("GET", "state"));
  EXPECT_EQ(created(other, "second"), second);
  EXPECT_EQ(created(carried, "second"), second);
}

TEST(KeyPairs, ThePrivateKeyIsKeptNowhere) {
  const TemporaryDirectory directory;
  Emulator emulator({.state = {.path = directory.file("state.db"), .seed = 1, .clock = "frozen"}});
  const std::string key = created(emulator)["PrivateKey"];
  ASSERT_TRUE(key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
  const std::string line = key.substr(200, 60);
  ASSERT_EQ(line.find("PRIVATE"), line.npos);
  const std::string secret = line.substr(0, line.find('\n'));
  const auto expect_none = [&](const std::string& text, const std::string& where) {
    EXPECT_EQ(text.find(secret), text.npos) << where;
    EXPECT_EQ(text.find("PRIVATE KEY"), text.npos) << where;
  };
  for (const char* path : {"state", "requests", "events", "metrics"})
    expect_none(emulator.admin("GET", path).dump(), path);
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    std::ifstream stream(file.path(), std::ios::binary);
    expect_none({std::istreambuf_iterator<char>(stream), {}}, file.path().string());
  }
}

namespace {

const StateLock* held = nullptr;
std::vector<bool> was_free;  // The lock, each time that something was made.
std::vector<std::uint64_t> wanted_numbers;
std::function<void()> meanwhile;

// Wants something twice.
Reply never_content(Call& call) {
  wanted_numbers.push_back(call.store.random_stream().next());
  if (wanted_numbers.size() > 2) return {};
  throw NotReady{[] {
    was_free.push_back(!held->owns_lock());
    meanwhile();
  }};
}

}  // namespace

TEST(NotReady, IsMadeWithoutTheLockForTheSameNumbers) {
  const std::string account = "100000000001";
  Emulator emulator;
  State& state = emulator.state();
  const Effect no_effect;
  const Json params = Json::object();
  const ActionCall call{*model().find("StartInstances"),
                        never_content,
                        account,
                        state.catalog().regions().front(),
                        params,
                        "",
                        "",
                        no_effect};
  const auto run = [&](bool hands_over) {
    was_free.clear();
    wanted_numbers.clear();
    std::unique_lock lock(state.mutex);
    held = &lock;
    execute(state, call, emulator.wall(), hands_over ? &lock : nullptr);
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_EQ(std::set(wanted_numbers.begin(), wanted_numbers.end()).size(), 1U);
    return was_free;
  };
  std::set<std::uint64_t> others;
  meanwhile = [] {};
  EXPECT_EQ(run(true), std::vector<bool>({true, true}));
  EXPECT_EQ(state.counter(account), 1);
  // Others, who come in between, get other numbers.
  meanwhile = [&] { others.insert(state.store({account, "ap-guangzhou"}).random_stream().next()); };
  EXPECT_EQ(run(true), std::vector<bool>({true, true}));
  EXPECT_EQ(others.size(), 2U);
  EXPECT_FALSE(others.contains(wanted_numbers.front()));
  EXPECT_EQ(state.counter(account), 4);
  EXPECT_EQ(run(false), std::vector<bool>({false, false}));
}

}  // namespace cvm::test
