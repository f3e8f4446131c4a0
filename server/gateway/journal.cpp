// The ring is bounded by number and by the size of the parameters in it.
#include "server/gateway/journal.h"

#include <algorithm>

#include "state/catalog/catalog.h"

namespace cvm {

namespace {

constexpr std::size_t entries_max = 10000, bytes_max = 32 << 20, entry_bytes_max = 1 << 20;

bool matches(const JournalEntry& entry, const JournalFilter& filter) {
  if (!matches_if_given(filter.action, entry.action) ||
      !matches_if_given(filter.region, entry.region)) {
    return false;
  }
  if (!filter.account.empty() && filter.account != entry.account) return false;
  if (filter.since && entry.time < *filter.since) return false;
  if (!filter.code) return true;
  return filter.code->empty() || *filter.code == "OK" ? entry.code.empty()
                                                      : glob_matches(*filter.code, entry.code);
}

}  // namespace

RefusedRequest::RefusedRequest(const HttpRequest& request, Error why)
    : method(request.method),
      target(request.target),
      body(request.body),
      headers(request.headers.begin(), request.headers.end()),
      refusal(std::move(why)) {}

HttpRequest RefusedRequest::view() const {
  HttpRequest request;
  request.method = method;
  request.target = target;
  request.body = body;
  request.headers.assign(headers.begin(), headers.end());
  return request;
}

void mask_secrets(Json& params) {
  if (!params.is_structured()) return;
  for (auto& item : params.items()) {
    const bool named = params.is_object() && item.key() == "Password";
    if (named && item.value().is_string() && !item.value().get_ref<std::string&>().empty()) {
      item.value() = "***";
    } else {
      mask_secrets(item.value());
    }
  }
}

Json entry_facts(const JournalEntry& entry) {
  return {{"request_id", entry.request_id},
          {"time", iso8601_ms(entry.time)},
          {"account", entry.account},
          {"secret_id", entry.secret_id},
          {"action", entry.action},
          {"version", entry.version},
          {"region", entry.region},
          {"source", entry.source},
          {"method", entry.method},
          {"status", entry.status},
          {"code", entry.code},
          {"duration_us", entry.duration_us}};
}

Json entry_json(const JournalEntry& entry) {
  Json json = entry_facts(entry);
  json["params"] = entry.params;
  json["faults"] = entry.faults;
  return json;
}

Journal::Entry Journal::add(JournalEntry entry) {
  if (entry.bytes > entry_bytes_max) {
    entry.params = nullptr;
    entry.refused = nullptr;
    entry.bytes = 0;
  }
  mask_secrets(entry.params);
  auto kept = std::make_shared<const JournalEntry>(std::move(entry));
  std::vector<Entry> gone;  // Freed without the lock.
  const std::lock_guard lock(mutex_);
  bytes_ += kept->bytes;
  ring_.push_back(kept);
  while (ring_.size() > entries_max || bytes_ > bytes_max) {
    bytes_ -= ring_.front()->bytes;
    gone.push_back(std::move(ring_.front()));
    ring_.pop_front();
    ++dropped_;
  }
  return kept;
}

Journal::Found Journal::find(const JournalFilter& filter) const {
  Found found;
  const std::lock_guard lock(mutex_);
  found.complete = dropped_ == 0;
  auto from = ring_.begin();
  if (!filter.after.empty()) {
    from = std::find_if(ring_.begin(), ring_.end(),
                        [&](const Entry& entry) { return entry->request_id == filter.after; });
    from = from == ring_.end() ? ring_.begin() : from + 1;
  }
  for (; from != ring_.end(); ++from) {
    if (matches(**from, filter)) found.entries.push_back(*from);
  }
  found.total = found.entries.size();
  if (found.total > filter.limit) {
    found.entries.erase(found.entries.begin(),
                        found.entries.end() - static_cast<std::ptrdiff_t>(filter.limit));
  }
  return found;
}

Journal::Entry Journal::find(std::string_view request_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(ring_.rbegin(), ring_.rend(), [&](const Entry& entry) {
    return entry->request_id == request_id;
  });
  return found == ring_.rend() ? nullptr : *found;
}

void Journal::clear(const std::string& account) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ring_,
                [&](const Entry& entry) { return account.empty() || entry->account == account; });
  bytes_ = 0;
  for (const Entry& entry : ring_) bytes_ += entry->bytes;
  if (account.empty()) dropped_ = 0;
}

}  // namespace cvm
