// That the journal's bound is one of memory, whatever the requests are made of.
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

// What the program has allocated; 0 where a sanitizer does the allocating.
std::size_t allocated() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Fills a journal with `count` such entries; it must keep to its bound, and count what it keeps.
void keeps_its_bound(const std::function<JournalEntry()>& make, int count) {
  const std::size_t before = allocated();
  Journal journal;
  for (int i = 0; i < count; ++i) journal.add(make());
  const std::size_t taken = allocated() - before;
  EXPECT_LE(journal.bytes(), Journal::bytes_max);
  EXPECT_LT(taken, Journal::bytes_max + Journal::bytes_max / 4);
  EXPECT_LT(taken, journal.bytes() + journal.bytes() / 4 + 100'000);
}

}  // namespace

TEST(Journal, KeepsItsBoundWhateverTheEntriesAreMadeOf) {
  const std::string large(60'000, 'x');
  keeps_its_bound(
      [&] {
        JournalEntry entry;
        entry.secret_id = entry.action = entry.version = entry.region = entry.method = large;
        entry.message = large;
        return entry;
      },
      11'000);
  keeps_its_bound(
      [&] {
        HttpRequest request;
        request.target = "/";
        request.headers = {{"A", large}, {"B", "b"}};
        JournalEntry entry;
        entry.refused = std::make_shared<RefusedRequest>(request, Error{"AuthFailure.X"});
        return entry;
      },
      3000);
  keeps_its_bound(
      [&] {
        const std::vector<std::pair<std::string, std::string>> many(1000, {"a", "b"});
        HttpRequest request;
        request.headers.assign(many.begin(), many.end());
        JournalEntry entry;
        entry.refused = std::make_shared<RefusedRequest>(request, Error{"AuthFailure.X"});
        return entry;
      },
      3000);
  const std::string params = kept_params(Json(std::vector<Json>(10'000, Json::object())));
  keeps_its_bound(
      [&] {
        JournalEntry entry;
        entry.params = params;
        entry.faults.assign(100, std::string(64, 'f'));
        return entry;
      },
      3000);
}

TEST(Journal, CutsWhatClientsMakeUpAndLeavesOutWhatIsTooBig) {
  Emulator emulator;
  const std::string name = std::string(255, 'a') + "é" + std::string(60'000, 'b');
  emulator.call(name, Json::object());
  emulator.call("DescribeZones", {{"X", std::string(2 << 20, 'x')}});
  const Json requests = emulator.admin("GET", "requests")["requests"];
  EXPECT_EQ(requests[0]["action"], std::string(255, 'a'));
  EXPECT_EQ(requests[1]["params"], Json());
  const std::string id = requests[1]["request_id"];
  EXPECT_EQ(emulator.admin("GET", "requests/" + id)["params"], Json());
}

TEST(Journal, NeverKeepsAPassword) {
  const Json params = {{"LoginSettings", {{"Password", "geheim-1"}}}, {"Password", "geheim-2"}};
  EXPECT_EQ(kept_params(params), R"({"LoginSettings":{"Password":"***"},"Password":"***"})");
}

// A name that a client makes up costs no memory for ever.
TEST(RequestIds, HaveABoundedNumberOfCounters) {
  Emulator emulator;
  std::set<std::string> ids;
  for (int i = 0; i < 10'200; ++i)
    ids.insert(emulator.state().next_request_id("2" + std::to_string(i)));
  for (int i = 10'100; i < 10'200; ++i)
    ids.insert(emulator.state().next_request_id("2" + std::to_string(i)));
  EXPECT_EQ(ids.size(), 10'300U);
  EXPECT_LE(emulator.admin("GET", "state")["accounts"].size(), 10'001U);
}

}  // namespace cvm::test
