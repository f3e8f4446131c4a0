// What pages show, and how few statements they need.
#include "state/store/store.h"

#include <gtest/gtest.h>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

const Time wall{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};

std::vector<std::string> fill(Store& store, int count) {
  RandomStream random = store.random_stream();
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    const Json doc = {{"InstanceId", ""},
                      {"InstanceName", "n" + std::to_string(i % 4)},
                      {"InstanceState", i % 2 == 0 ? "RUNNING" : "STOPPED"}};
    ids.push_back(store.create("instance", random, doc).id);
  }
  return ids;
}

}  // namespace

TEST(StorePages, ShowEachIdOnceTheNewestFirst) {
  State state({.seed = 1, .clock = "frozen"}, wall);
  Store store = state.store({"1", "ap-guangzhou"});
  const std::vector<std::string> ids = fill(store, 30);
  for (const std::vector<Filter>& filters :
       {std::vector<Filter>{}, {{"instance-state", {"RUNNING"}}}}) {
    Query query{.ids = ids, .filters = filters};
    EXPECT_EQ(store.page("instance", query).total, filters.empty() ? 30 : 15);
    query.ids = {{ids[3], ids[4], ids[3], "ins-00000000"}};
    EXPECT_EQ(store.page("instance", query).ids,
              filters.empty() ? std::vector({ids[4], ids[3]}) : std::vector({ids[4]}));
  }
}

TEST(StorePages, NeedFewStatementsHoweverLongTheListsAre) {
  State state({.seed = 1, .clock = "frozen"}, wall);
  Store store = state.store({"1", "ap-guangzhou"});
  const std::vector<std::string> ids = fill(store, 8);
  const auto ask = [&](std::size_t length) {
    std::vector<std::string> names(length, "n0"), states(length, "STOPPED");
    names.back() = "n1";
    Query query{.filters = {{"instance-name", names}, {"instance-state", states}}};
    EXPECT_EQ(store.page("instance", query).total, 2);
    query.ids = std::vector<std::string>(length, ids[1]);
    EXPECT_EQ(store.page("instance", query).total, 1);
  };
  ask(1);
  ask(2);
  const std::size_t before = state.database().prepared().size();
  for (std::size_t length = 3; length <= 100; ++length) ask(length);
  EXPECT_EQ(state.database().prepared().size(), before);
}

TEST(StorePages, FindNothingByAValueThatNothingHas) {
  State state({.seed = 1, .clock = "frozen"}, wall);
  Store store = state.store({"1", "ap-guangzhou"});
  fill(store, 4);
  for (const std::vector<std::string>& values : {std::vector<std::string>{std::string("n0\0", 3)},
                                                 {std::string("n0\0x", 4), std::string("n1\0", 3)},
                                                 {"n0\"", "'n0"},
                                                 {"", "N0"}}) {
    EXPECT_EQ(store.page("instance", {.filters = {{"instance-name", values}}}).total, 0);
  }
}

TEST(ClientTokens, AreForgottenByTheirOwnAccountsClock) {
  State state({.seed = 1, .clock = "frozen"}, wall);
  const Tenant own{"1", "ap-guangzhou"}, other{"2", "ap-guangzhou"};
  const Time now = state.now("1", wall);
  state.remember(own, "RunInstances", "once", {"digest", "reply"}, now);
  EXPECT_FALSE(state.recall(other, "RunInstances", "once", now + std::chrono::hours{48}));
  EXPECT_TRUE(state.recall(own, "RunInstances", "once", now + std::chrono::hours{23}));
  EXPECT_FALSE(state.recall(own, "RunInstances", "once", now + std::chrono::hours{24}));
  EXPECT_EQ(state.count("token"), 0);
}

}  // namespace cvm::test
