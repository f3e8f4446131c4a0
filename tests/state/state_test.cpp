// Time, ids, clocks, the store and its index, and the settling of what is due.
#include <gtest/gtest.h>

#include <set>

#include "handlers/api/formats.h"
#include "state/base/error.h"
#include "state/state.h"
#include "state/store/index.h"
#include "state/store/records.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

Time at(const char* text) { return parse_iso8601(text).value(); }

const Time wall = at("2026-11-24T00:00:00Z");

State memory_state() { return State({.seed = 1, .clock = "frozen"}, wall); }

Json instance(const std::string& zone, const std::string& name) {
  return {{"Placement", {{"Zone", zone}, {"ProjectId", 0}}},
          {"InstanceId", ""},
          {"InstanceName", name},
          {"InstanceState", "RUNNING"},
          {"LatestOperationState", "SUCCESS"},
          {"PrivateIpAddresses", {"10.0.0.1", "10.0.0.2"}},
          {"Tags", {{{"Key", "env"}, {"Value", name}}}}};
}

Resource add(Store& store, const std::string& zone, const std::string& name) {
  RandomStream random = store.random_stream();
  return store.create("instance", random, instance(zone, name));
}

std::vector<std::string> ids(Store& store, std::vector<Filter> filters) {
  Query query;
  query.filters = std::move(filters);
  const Page page = store.page("instance", query);
  EXPECT_EQ(page.total, static_cast<std::int64_t>(page.ids.size()));
  return page.ids;
}

}  // namespace

TEST(Time, FormatsAndReadsWhatTheApiUses) {
  EXPECT_EQ(iso8601(at("2024-02-29T23:59:59Z")), "2024-02-29T23:59:59Z");
  for (const char* wrong :
       {"", "2024-02-30T00:00:00Z", "2024-02-29 23:59:59", "2024-02-29T24:00:00Z",
        "2024-13-01T00:00:00Z", "2024-02-29T23:59:59+00:00", "2o24-02-29T23:59:59Z"}) {
    EXPECT_FALSE(parse_iso8601(wrong)) << wrong;
  }
  EXPECT_EQ(iso8601(add_months(at("2026-01-31T10:00:00Z"), 1)), "2026-02-28T10:00:00Z");
  EXPECT_EQ(iso8601(add_months(at("2026-11-15T10:00:00Z"), 14)), "2028-01-15T10:00:00Z");
}

TEST(Ids, FollowFromSeedScopeAndNumber) {
  EXPECT_EQ(RandomStream(1, "a", 1).id("ins-"), RandomStream(1, "a", 1).id("ins-"));
  std::set<std::string> different;
  for (const auto& [seed, scope, number] :
       {std::tuple(1, "a", 1), {2, "a", 1}, {1, "b", 1}, {1, "a", 2}}) {
    different.insert(
        RandomStream(static_cast<std::uint64_t>(seed), scope, static_cast<std::uint64_t>(number))
            .id("ins-"));
  }
  EXPECT_EQ(different.size(), 4U);
  EXPECT_TRUE(is_id(RandomStream(1, "a", 1).id("ins-"), "ins"));
  EXPECT_TRUE(has_format(RandomStream(1, "a", 1).uuid(), "uuid"));
  for (const char* wrong :
       {"ins-1234567", "ins-123456789", "ins-1234567A", "img-12345678", "ins12345678", ""}) {
    EXPECT_FALSE(is_id(wrong, "ins")) << wrong;
  }
}

TEST(Clock, RunsAsItsModeSays) {
  const Time later = wall + std::chrono::seconds{10};
  EXPECT_EQ(Clock::parse("real", wall).now(later), later);
  EXPECT_EQ(Clock::parse("auto", wall).now(later), later);
  EXPECT_EQ(Clock::parse("x60", wall).now(later), wall + std::chrono::seconds{600});
  EXPECT_EQ(Clock::parse("x0.5", wall).now(later), wall + std::chrono::seconds{5});
  EXPECT_EQ(Clock::parse("frozen", wall).now(later), at("2026-01-01T00:00:00Z"));
  for (const char* wrong : {"", "x", "x0", "x-1", "xinf", "xnan", "x1e99", "fast", "x2 "}) {
    EXPECT_THROW(Clock::parse(wrong, wall), ConfigError) << wrong;
  }
}

TEST(Clock, GoesOnFromWhereItStood) {
  Clock clock = Clock::parse("x60", wall);
  const Time later = wall + std::chrono::seconds{1};
  clock.change_mode(Clock::parse("frozen", wall), later);
  EXPECT_EQ(clock.now(later + std::chrono::hours{1}), wall + std::chrono::seconds{60});
  EXPECT_EQ(Clock::load(clock.dump()).now(later), clock.now(later));
}

TEST(Store, FindsByEveryAttribute) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  const std::string a = add(store, "z1", "a").id, b = add(store, "z1", "b").id,
                    c = add(store, "z2", "a").id;
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(store, {}), (Ids{c, b, a}));
  EXPECT_EQ(ids(store, {{"zone", {"z1"}}}), (Ids{b, a}));
  EXPECT_EQ(ids(store, {{"zone", {"z1", "z2", "z1"}}}), (Ids{c, b, a}));
  EXPECT_EQ(ids(store, {{"zone", {"z1"}}, {"instance-name", {"a"}}}), (Ids{a}));
  EXPECT_EQ(ids(store, {{"tag:*", {std::string("env") + joint + "b"}}}), (Ids{b}));
  EXPECT_EQ(ids(store, {{"private-ip-address", {"10.0.0.2"}}}), (Ids{c, b, a}));
  EXPECT_EQ(ids(store, {{"project-id", {"0"}}, {"zone", {"z3"}}}), Ids{});
  Query page;
  page.offset = 1;
  page.limit = 1;
  EXPECT_EQ(store.page("instance", page).ids, (Ids{b}));
  EXPECT_EQ(store.page("instance", page).total, 3);
}

TEST(Store, KeepsTheIndexWhenDocumentsChange) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  Resource made = add(store, "z1", "a");
  made.doc["InstanceName"] = "new";
  made.doc["PrivateIpAddresses"] = {"10.0.0.9"};
  store.save(made);
  EXPECT_TRUE(ids(store, {{"instance-name", {"a"}}}).empty());
  EXPECT_EQ(ids(store, {{"instance-name", {"new"}}, {"private-ip-address", {"10.0.0.9"}}}).size(),
            1U);
  store.erase(store.get("instance", made.id));
  EXPECT_EQ(state.count("keys"), 0);
  EXPECT_EQ(store.count("instance"), 0);
  EXPECT_THROW(store.get("instance", made.id), Error);
}

TEST(Store, SeesOnlyItsTenant) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  const std::string id = add(store, "z1", "a").id;
  for (const Tenant& other : {Tenant{"2", "ap-guangzhou"}, Tenant{"1", "ap-beijing"}}) {
    Store elsewhere = state.store(other);
    EXPECT_FALSE(elsewhere.find("instance", id));
    EXPECT_EQ(elsewhere.page("instance", {}).total, 0);
    EXPECT_FALSE(elsewhere.taken("instance", "zone", "z1"));
  }
}

TEST(Store, UndoesWithTheSavepoint) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  std::string undone;
  {
    Savepoint work(state.database());
    undone = add(store, "z1", "a").id;
  }
  EXPECT_EQ(state.count("resource"), 0);
  EXPECT_EQ(state.count("keys"), 0);
  EXPECT_EQ(add(store, "z1", "a").id, undone) << "ids are drawn again";
}

TEST(Store, RebuildsAnIndexOfAnotherVersion) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  add(store, "z1", "a");
  state.database().execute("delete from keys; update meta set value='old' where key='attributes'");
  state.records().open();
  EXPECT_EQ(ids(store, {{"zone", {"z1"}}}).size(), 1U);
}

// More than the index remembers of one transaction.
TEST(Store, UndoesWhatIsTooMuchToBeUndoneStepByStep) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  const std::string kept = add(store, "z1", "a").id;
  {
    Savepoint work(state.database());
    Resource changed = store.get("instance", kept);
    changed.doc["InstanceName"] = "b";
    store.save(changed);
    state.records().erase_all();
    EXPECT_FALSE(store.find("instance", kept));
  }
  EXPECT_EQ(store.get("instance", kept).doc["InstanceName"], "a");
  EXPECT_EQ(ids(store, {{"instance-name", {"a"}}}), std::vector{kept});
  EXPECT_TRUE(ids(store, {{"instance-name", {"b"}}}).empty());
}

TEST(Lifecycle, AppliesInDueOrderAndEachAtItsTime) {
  State state = memory_state();
  Store store = state.store({"1", "ap-guangzhou"});
  Resource a = add(store, "z1", "a"), b = add(store, "z1", "b");
  const Time now = state.now("1", wall);
  const std::vector<std::string> documented;
  const auto begin = [&](const char* step, Resource& resource, Milliseconds ahead) {
    Lifecycle(store, state.steps(), {"X", "r", now + ahead, &documented}).begin(step, resource);
  };
  begin("instance.stop", b, Milliseconds{100});
  begin("instance.stop", a, Milliseconds{0});
  state.apply_due("1", wall);
  EXPECT_TRUE(state.events().all().empty());
  const State::ClockMove an_hour = [&](const std::string&, Clock& clock) {
    clock.set(now + std::chrono::hours{1}, wall);
  };
  const auto changes = state.move_clock("", an_hour, wall).changes;
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].id, a.id);
  EXPECT_EQ(changes[0].time, now + Milliseconds{500});
  EXPECT_EQ(changes[1].id, b.id);
  EXPECT_EQ(changes[1].to, "STOPPED");
}

TEST(Lifecycle, ReadsDelaysAndRefusesWrongOnes) {
  const Fixtures fixtures;
  Steps steps(fixtures, "realistic");
  steps.change({{"instance.stop", {{"delay_s", 3.5}}}});
  EXPECT_EQ(steps.delays()["instance.stop"]["delay_s"], 3.5);
  const Json before = steps.delays();
  for (const Json& wrong :
       {Json{{"instance.stop", {{"delay_s", -1}}}}, Json{{"instance.stop", {{"delay", 1}}}},
        Json{{"instance.stop", 3}}, Json{{"instance.fly", Json::object()}}, Json::array(),
        Json{{"instance.start", {{"delay_s", 9}}}, {"instance.stop", {{"jitter_s", "x"}}}}}) {
    EXPECT_THROW(steps.change(wrong), ConfigError) << wrong;
    EXPECT_EQ(steps.delays(), before);
  }
  EXPECT_THROW(Steps(fixtures, "slow"), ConfigError);
  const Json instant = Steps(fixtures, "instant").delays();
  for (const auto& [name, delay] : instant.items()) EXPECT_EQ(delay["delay_s"], 0) << name;
}

TEST(StateFile, IsKeptAndGuarded) {
  const TemporaryDirectory directory;
  const StateOptions options{.path = directory.file("state.db"), .seed = 1, .clock = "frozen"};
  std::string id;
  {
    State state(options, wall);
    Store store = state.store({"1", "ap-guangzhou"});
    id = add(store, "z1", "a").id;
    EXPECT_THROW(State(options, wall), ConfigError) << "two servers, one file";
  }
  State again({.path = options.path}, wall);
  EXPECT_EQ(again.seed(), 1U);
  EXPECT_EQ(again.clock("").mode_name(), "frozen");
  EXPECT_TRUE(again.store({"1", "ap-guangzhou"}).find("instance", id));
  EXPECT_THROW(State({.path = directory.file("missing/state.db")}, wall), ConfigError);
}

TEST(StateFile, RefusesWhatIsNotOurs) {
  const TemporaryDirectory directory;
  const std::string text = directory.file("text.db"), foreign = directory.file("foreign.db");
  std::FILE* file = std::fopen(text.c_str(), "w");
  std::fputs("this is no database, it is a text of some length", file);
  std::fclose(file);
  EXPECT_THROW(State({.path = text}, wall), ConfigError);
  Database(foreign).execute("create table t (x)");
  EXPECT_THROW(State({.path = foreign}, wall), ConfigError);
}

TEST(Fixtures, AreReplacedExtendedAndChecked) {
  const TemporaryDirectory directory;
  const auto write = [&](const char* name, const char* text) {
    std::FILE* file = std::fopen(directory.file(name).c_str(), "w");
    std::fputs(text, file);
    std::fclose(file);
  };
  write("regions.json", R"({"ap-guangzhou": {"RegionName": "Home"}, "ap-beijing": null})");
  const Catalog catalog{Fixtures(directory.path())};
  EXPECT_EQ(catalog.region("ap-guangzhou")->name, "Home");
  EXPECT_EQ(catalog.region("ap-beijing"), nullptr);
  write("regions.json", R"({"ap-new": {"RegionName": "New"}})");
  EXPECT_THROW(Catalog{Fixtures(directory.path())}, ConfigError);
  write("regions.json", "{");
  EXPECT_THROW(Catalog{Fixtures(directory.path())}, ConfigError);
  write("region.json", "{}");
  EXPECT_THROW(Fixtures(directory.path()), ConfigError);
  EXPECT_THROW(Fixtures("/nonexistent"), ConfigError);
}

TEST(Catalog, OffersWhatItMust) {
  const Catalog catalog{Fixtures{}};
  EXPECT_EQ(catalog.regions().size(), 18U);
  EXPECT_GE(catalog.families().size(), 10U);
  EXPECT_GE(catalog.instance_types().size(), 40U);
  EXPECT_GE(catalog.images().size(), 20U);
  for (const Region& region : catalog.regions()) {
    EXPECT_GE(region.zones.size(), 2U) << region.id;
    for (const Zone& zone : region.zones)
      EXPECT_TRUE(zone.id.starts_with(region.id + "-")) << zone.id;
  }
  for (const InstanceType& type : catalog.instance_types()) {
    EXPECT_GT(type.hour_price_usd, 0) << type.id;
    EXPECT_FALSE(type.family->system_disks.empty()) << type.id;
  }
  for (const auto& image : catalog.images())
    EXPECT_TRUE(is_id(image->doc.at("ImageId").get<std::string>(), "img"));
}

}  // namespace cvm::test
