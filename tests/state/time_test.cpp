// Simulated time has an end, and no move of a clock costs without bound.
#include <gtest/gtest.h>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

Time at(const char* text) { return parse_iso8601(text).value(); }

const Json renewing = {
    {"ImageId", "img-487zeit5"},
    {"Placement", {{"Zone", "ap-guangzhou-3"}}},
    {"InstanceChargeType", "PREPAID"},
    {"InstanceChargePrepaid", {{"Period", 1}, {"RenewFlag", "NOTIFY_AND_AUTO_RENEW"}}}};

// An account in which a subscription began at that moment.
void subscribe(Emulator& emulator, const std::string& began, const Json& more) {
  emulator.admin("PUT", "clock", {{"now", began}});
  Json params = renewing;
  params.update(more);
  ASSERT_EQ(emulator.code("RunInstances", params), "");
}

}  // namespace

TEST(Time, EndsWithTheCalendar) {
  EXPECT_EQ(iso8601(time_end), "9999-12-31T23:59:59Z");
  EXPECT_EQ(iso8601(time_end + std::chrono::years{30000}), "9999-12-31T23:59:59Z");
  EXPECT_EQ(add_months(at("9999-11-30T00:00:00Z"), 1), at("9999-12-30T00:00:00Z"));
  EXPECT_EQ(add_months(at("9999-12-01T00:00:00Z"), 1), time_end);
  EXPECT_EQ(add_months(at("2026-01-31T00:00:00Z"), INT32_MAX), time_end);
  EXPECT_EQ(add_months(at("2026-01-31T00:00:00Z"), INT32_MIN), time_begin);
  EXPECT_EQ(add_months(at("2026-01-31T00:00:00Z"), -11), at("2025-02-28T00:00:00Z"));
  EXPECT_EQ(months_between(at("2026-01-15T00:00:00Z"), at("2027-03-14T00:00:00Z")), 13);
  EXPECT_EQ(months_between(at("2026-01-15T00:00:00Z"), at("2027-03-15T00:00:00Z")), 14);
}

TEST(Clock, StopsAtTheEndOfTime) {
  const Time wall = at("2026-11-24T00:00:00Z");
  for (const char* mode : {"real", "x1000000"}) {
    Clock clock = Clock::parse(mode, wall);
    EXPECT_EQ(clock.now(time_end), time_end) << mode;
    clock.set(time_end, wall);
    EXPECT_EQ(clock.now(wall + std::chrono::years{1}), time_end) << mode;
    clock.set(time_begin, wall);
    EXPECT_EQ(clock.now(time_begin), time_begin) << mode;
    EXPECT_THROW(clock.set(time_end + Milliseconds{1}, wall), ConfigError);
    EXPECT_THROW(clock.set(time_begin - Milliseconds{1}, wall), ConfigError);
  }
}

// At once or moment by moment, the same comes of it: on days that not every month has, with what
// else happens to the instance in between, and where the renewals end.
TEST(Renewal, ComesToTheSameAtOnce) {
  const Json isolated = {
      {"ActionTimer",
       {{"TimerAction", "TerminateInstances"}, {"ActionTime", "2029-05-10T00:00:00Z"}}}};
  const Json days = {
      {"InternetAccessible",
       {{"InternetChargeType", "BANDWIDTH_PREPAID"}, {"InternetMaxBandwidthOut", 5}}}};
  for (const char* began : {"2026-01-31T10:00:00Z", "2028-02-29T00:00:00Z", "2026-01-29T23:59:59Z",
                            "2026-07-01T00:00:00Z", "2027-12-31T23:59:59Z"}) {
    for (const Json& more : {Json::object(), isolated, days}) {
      Emulator at_once, step_by_step;
      for (Emulator* emulator : {&at_once, &step_by_step}) subscribe(*emulator, began, more);
      for (Time now = at(began); now < at("2032-03-31T00:00:00Z"); now += std::chrono::days{27})
        step_by_step.admin("POST", "clock/advance", {{"to", iso8601(now)}});
      for (Emulator* emulator : {&at_once, &step_by_step})
        emulator->admin("POST", "clock/advance", {{"to", "2032-03-31T00:00:00Z"}});
      const Json one = at_once.admin("GET", "state"), other = step_by_step.admin("GET", "state");
      EXPECT_EQ(one["resources"], other["resources"]) << began << more;
      EXPECT_EQ(one["transitions"], other["transitions"]) << began << more;
    }
  }
}

TEST(Renewal, IsToldMonthByMonthForAYear) {
  Emulator emulator;
  subscribe(emulator, "2026-01-31T10:00:00Z", Json::object());
  emulator.advance(std::chrono::seconds{1});
  Json told = emulator.admin("POST", "clock/advance", {{"to", "2026-05-01T00:00:00Z"}});
  ASSERT_EQ(told["transitions"].size(), 3U);
  EXPECT_EQ(told["transitions"][0]["time"], "2026-02-28T10:00:00Z");
  EXPECT_EQ(told["transitions"][2]["time"], "2026-04-28T10:00:00Z");
  told = emulator.admin("POST", "clock/advance", {{"to", "9999-12-31T23:59:59Z"}});
  EXPECT_EQ(told["transitions_total"], 12);
  EXPECT_EQ(told["complete"], true);
  EXPECT_EQ(told["now"], "9999-12-31T23:59:59Z");
  // Nothing falls due any more.
  EXPECT_EQ(told["next_due"], nullptr);
  EXPECT_EQ(emulator.call("DescribeInstances", Json::object())["InstanceSet"][0]["ExpiredTime"],
            "9999-12-31T23:59:59Z");
  EXPECT_EQ(emulator.admin("POST", "clock/advance", {{"seconds", 0}})["transitions_total"], 0);
  // What still begins there ends there, and all of it can be put back.
  EXPECT_EQ(emulator.code("RunInstances", renewing), "");
  emulator.admin("POST", "clock/advance", {{"until", "idle"}});
  emulator.admin("PUT", "state", emulator.admin("GET", "state"));
}

TEST(Advance, StopsAfterSoManyTransitions) {
  constexpr std::int64_t most = 1000;
  Emulator emulator({.state = {.seed = 1, .clock = "frozen", .transitions_max = most}});
  subscribe(emulator, "2026-01-01T00:00:00Z", Json::object());
  emulator.state().database().execute(
      "with recursive n(i) as (select 0 union all select i+1 from n where i < 1099)"
      " insert into transition (account, due, id, operation, step, request_id, patch)"
      " select t.account, t.due + 1000*(1 + i/10), t.id, 0, 'instance.bandwidth_period', '', '{}'"
      " from n, (select * from transition where operation=1) t");
  const Json told = emulator.admin("POST", "clock/advance", {{"to", "2026-01-05T00:00:00Z"}});
  EXPECT_EQ(told["complete"], false);
  EXPECT_EQ(told["transitions"].size(), static_cast<std::size_t>(most) + 1);
  // The launch is one of them; the ten of one second belong together.
  EXPECT_EQ(told["transitions_total"], most + 1);
  EXPECT_EQ(told["now"], "2026-01-01T00:01:40Z");
  const Json rest = emulator.admin("POST", "clock/advance", {{"to", "2026-01-05T00:00:00Z"}});
  EXPECT_EQ(rest["complete"], true);
  EXPECT_EQ(rest["transitions_total"], 100);
  EXPECT_EQ(rest["now"], "2026-01-05T00:00:00Z");
}

}  // namespace cvm::test
