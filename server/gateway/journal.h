// What clients sent and what became of it: the last 10,000 requests, newest last, as far as they
// fit into 32 MB. May be used from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/request/http.h"
#include "state/base/error.h"
#include "state/base/json.h"
#include "state/base/time.h"

namespace cvm {

// A request whose signature was refused, whole, to be explained when somebody asks.
struct RefusedRequest {
  explicit RefusedRequest(const HttpRequest& request, Error why);
  HttpRequest view() const;
  std::size_t bytes() const;  // In memory, about.

  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
  Error refusal;
};

struct JournalEntry {
  std::string request_id;
  Time time{};  // The machine's.
  std::string account, secret_id, action, version, region, source, method;
  int status = 200;
  std::string code, message;  // Of a refusal; empty if it was answered.
  std::int64_t duration_us = 0;
  std::string params = "{}";  // As JSON, to be read when somebody asks. Passwords are masked.
  std::vector<std::string> faults;
  std::shared_ptr<const RefusedRequest> refused;  // Null unless its signature was refused.

  std::size_t bytes() const;  // In memory, about.
};

// Parameters as an entry keeps them; `null` if they are too long for it. `sent`: the same as JSON,
// as the client wrote it; empty if it did not.
std::string kept_params(Json params, std::string_view sent = {});

struct JournalFilter {
  std::string action, region, account;  // Globs for the first two; empty ones match everything.
  std::optional<std::string> code;      // Exactly, or a glob; "" or "OK": no error.
  std::optional<Time> since;            // From this time on,
  std::string after;                    // or after this RequestId.
  std::size_t limit = SIZE_MAX;         // The newest ones.
};

// A journal entry as the admin API shows it, as JSON: the parameters pass through unread.
std::string entry_text(const JournalEntry& entry);
// The same without what the request asked for and met: params and faults.
Json entry_facts(const JournalEntry& entry);

class Journal {
 public:
  using Entry = std::shared_ptr<const JournalEntry>;

  static constexpr std::size_t entries_max = 10'000, bytes_max = 32 << 20;

  // Texts that clients choose are cut, and what is too big is left out.
  Entry add(JournalEntry entry);

  struct Found {
    std::vector<Entry> entries;
    std::size_t total = 0;  // That match, the limit aside.
    bool complete = true;   // Nothing was dropped since the journal was emptied.
  };
  Found find(const JournalFilter& filter) const;
  Entry find(std::string_view request_id) const;  // Null: none.
  std::size_t bytes() const;

  void clear(const std::string& account);  // Of all accounts if it is empty.

 private:
  mutable std::mutex mutex_;
  std::deque<Entry> ring_;
  std::size_t bytes_ = 0;  // Of all entries.
  std::uint64_t dropped_ = 0;
};

// Replaces what nobody may read later: values of members called Password.
void mask_secrets(Json& params);

}  // namespace cvm
