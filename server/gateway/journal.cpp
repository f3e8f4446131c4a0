// The ring is bounded by number and by all that its entries keep.
#include "server/gateway/journal.h"

#include <algorithm>

#include "state/base/glob.h"
#include "state/base/text.h"

namespace cvm {

namespace {

constexpr std::size_t entry_bytes_max = 1 << 20;
constexpr std::size_t name_bytes_max = 256, message_bytes_max = 2000;

// Of an allocation: what the allocator adds.
constexpr std::size_t block_bytes = 16;

std::size_t heap_bytes(const std::string& text) {
  constexpr std::size_t in_place = 15;
  return text.capacity() > in_place ? text.capacity() + 1 + block_bytes : 0;
}

void cut(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  text = std::string(shorten(text, bytes_max));  // One that has room for no more.
}

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
    const std::string* text = item.value().get_ptr<const std::string*>();
    if (text == nullptr) {
      mask_secrets(item.value());
    } else if ((params.is_object() && item.key() == "Password" && !text->empty()) ||
               text->find("PRIVATE KEY-----") != text->npos) {  // Pasted in by mistake.
      item.value() = "***";
    }
  }
}

std::size_t RefusedRequest::bytes() const {
  std::size_t sum = sizeof *this + block_bytes;
  for (const std::string* text : {&method, &target, &body, &refusal.code, &refusal.parameter,
                                  &refusal.value, &refusal.detail}) {
    sum += heap_bytes(*text);
  }
  sum += headers.capacity() * sizeof headers.front();
  for (const auto& [name, value] : headers) sum += heap_bytes(name) + heap_bytes(value);
  return sum;
}

std::size_t JournalEntry::bytes() const {
  std::size_t sum = sizeof *this + sizeof(Journal::Entry) + block_bytes;
  for (const std::string* text : {&request_id, &account, &secret_id, &action, &version, &region,
                                  &source, &method, &code, &message, &params}) {
    sum += heap_bytes(*text);
  }
  sum += faults.capacity() * sizeof(std::string);
  for (const std::string& id : faults) sum += heap_bytes(id);
  return sum + (refused ? refused->bytes() : 0);
}

std::string kept_params(Json params, std::string_view sent) {
  // A name can hide behind escapes.
  const bool no_secrets = sent.find("Password") == sent.npos &&
                          sent.find("PRIVATE KEY") == sent.npos && sent.find('\\') == sent.npos;
  if (!sent.empty() && sent.size() <= entry_bytes_max && no_secrets) return std::string(sent);
  mask_secrets(params);
  std::string text = params.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > entry_bytes_max) return "null";
  text.shrink_to_fit();
  return text;
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

std::string entry_text(const JournalEntry& entry) {
  std::string text = entry_facts(entry).dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  text.append(",\"params\":").append(entry.params);
  return text.append(",\"faults\":").append(Json(entry.faults).dump()).append("}");
}

Journal::Entry Journal::add(JournalEntry entry) {
  for (std::string* text :
       {&entry.secret_id, &entry.action, &entry.version, &entry.region, &entry.method}) {
    cut(*text, name_bytes_max);
  }
  cut(entry.message, message_bytes_max);
  if (entry.refused && entry.refused->bytes() > entry_bytes_max) entry.refused = nullptr;
  auto kept = std::make_shared<const JournalEntry>(std::move(entry));
  std::vector<Entry> gone;  // Freed without the lock.
  const std::lock_guard lock(mutex_);
  bytes_ += kept->bytes();
  ring_.push_back(kept);
  while (ring_.size() > entries_max || bytes_ > bytes_max) {
    bytes_ -= ring_.front()->bytes();
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

std::size_t Journal::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void Journal::clear(const std::string& account) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ring_,
                [&](const Entry& entry) { return account.empty() || entry->account == account; });
  bytes_ = 0;
  for (const Entry& entry : ring_) bytes_ += entry->bytes();
  if (account.empty()) dropped_ = 0;
}

}  // namespace cvm
