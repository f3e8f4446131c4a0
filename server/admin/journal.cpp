// Admin calls about what clients did: the journal, one request explained, checks on it, counters.
#include <algorithm>
#include <charconv>

#include "server/admin/admin_call.h"
#include "server/forensics/forensics.h"
#include "state/base/glob.h"

namespace cvm {

namespace {

constexpr std::size_t near_misses_max = 5;

std::size_t number_query(const AdminCall& call, std::string_view name, std::size_t otherwise) {
  const std::string text = call.asked(name);
  if (text.empty()) return otherwise;
  std::size_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size())
    throw ConfigError{"`" + std::string(name) + "` must be a number, not `" + text + "`"};
  return number;
}

JournalFilter filter_of(const AdminCall& call) {
  JournalFilter filter;
  filter.account = call.account();
  filter.action = call.asked("action");
  filter.region = call.asked("region");
  for (const auto& [name, value] : call.query) {
    if (name == "code") filter.code = value;
  }
  check_glob(filter.action, "`action`: ");
  check_glob(filter.region, "`region`: ");
  check_glob(filter.code.value_or(""), "`code`: ");
  filter.limit = number_query(call, "limit", Journal::entries_max);
  if (filter.limit > Journal::entries_max)
    throw ConfigError{"`limit` can be " + std::to_string(Journal::entries_max) + " at most"};
  const std::string since = call.asked("since");
  if (since.empty()) return filter;
  filter.since = parse_iso8601_ms(since);
  if (filter.since) return filter;
  if (call.admin.journal.find(since) == nullptr)
    throw ConfigError{"`since` must be a time or a known RequestId, not `" + since + "`"};
  filter.after = since;
  return filter;
}

HttpResponse get_requests(AdminCall& call) {
  const Journal::Found found = call.admin.journal.find(filter_of(call));
  std::string body = "{\"requests\":[";
  for (const Journal::Entry& entry : found.entries) {
    if (body.back() != '[') body += ',';
    body += entry_text(*entry);
  }
  body.append("],\"total\":").append(std::to_string(found.total));
  return {200, body.append(found.complete ? ",\"complete\":true}" : ",\"complete\":false}")};
}

HttpResponse get_request(AdminCall& call) {
  const Journal::Entry entry = call.admin.journal.find(call.part);
  if (entry == nullptr)
    throw AdminError{404, "NotFound", "the journal has no request `" + call.part + "`"};
  Json told = Json::parse(entry_text(*entry));
  told["error"] =
      entry->code.empty() ? Json() : Json{{"code", entry->code}, {"message", entry->message}};
  // Searching for the cause takes a while: not under the lock.
  told["signature"] = nullptr;
  if (entry->refused) {
    const HttpRequest request = entry->refused->view();
    told["signature"] = explain_signature(request, read_common(request), call.state().credentials(),
                                          call.admin.auth, entry->time, entry->refused->refusal);
  }
  const std::lock_guard lock(call.state().mutex);
  told["fired"] = Json::array();
  for (const std::string& id : entry->faults) {
    const FaultRule* rule = call.state().faults().find(id);
    told["fired"].push_back(rule == nullptr ? Json{{"id", id}} : Faults::shown(*rule));
  }
  told["changes"] = Json::array();
  for (const StateChange& change : call.state().events().all()) {
    if (change.request_id == call.part) told["changes"].push_back(change_json(change));
  }
  return answer(told);
}

HttpResponse delete_requests(AdminCall& call) {
  call.admin.journal.clear(call.account());
  return answer({{"deleted", true}});
}

// Calls `tell(path, expected, actual)` for what of `part` is not in `whole`.
template <class Tell>
void each_difference(const Json& part, const Json& whole, const std::string& path,
                     const Tell& tell) {
  static const Json absent;
  if (part.is_object() && whole.is_object()) {
    for (const auto& item : part.items()) {
      const std::string at = path.empty() ? item.key() : path + "." + item.key();
      const auto other = whole.find(item.key());
      each_difference(item.value(), other == whole.end() ? absent : *other, at, tell);
    }
  } else if (!is_part(part, whole)) {
    tell(path, part, whole);
  }
}

// One request that is looked for.
struct Wanted {
  std::string action, region, account;
  std::optional<std::string> code;
  Json params = Json::object();
};

Wanted read_wanted(const Json& given, const std::string& account) {
  Wanted wanted;
  wanted.account = account;
  wanted.action = text_field(given, "action", true);
  wanted.region = text_field(given, "region", false);
  if (given.contains("code")) {
    if (!given["code"].is_string()) throw ConfigError{"`code` must be a text"};
    wanted.code = given["code"].get<std::string>();
  }
  wanted.params = given.value("params", Json::object());
  if (!wanted.params.is_object()) throw ConfigError{"`params` must be an object"};
  mask_secrets(wanted.params);
  return wanted;
}

JournalFilter filter_of(const Wanted& wanted) {
  JournalFilter filter;
  filter.account = wanted.account;
  filter.action = wanted.action;
  return filter;
}

template <class Tell>
void each_difference(const Wanted& wanted, const JournalEntry& entry, const Tell& tell) {
  if (!wanted.params.empty()) each_difference(wanted.params, Json::parse(entry.params), "", tell);
  if (!wanted.region.empty() && wanted.region != entry.region)
    tell("region", wanted.region, entry.region);
  const bool ok = wanted.code == "OK" ? entry.code.empty() : wanted.code == entry.code;
  if (wanted.code && !ok) tell("code", *wanted.code, entry.code);
}

std::size_t count_differences(const Wanted& wanted, const JournalEntry& entry) {
  std::size_t count = 0;
  each_difference(wanted, entry, [&](const std::string&, const Json&, const Json&) { ++count; });
  return count;
}

Json near_miss(const Wanted& wanted, const JournalEntry& entry) {
  Json differences = Json::array();
  each_difference(
      wanted, entry, [&](const std::string& path, const Json& expected, const Json& actual) {
        differences.push_back({{"path", path}, {"expected", expected}, {"actual", actual}});
      });
  return {{"request_id", entry.request_id},
          {"action", entry.action},
          {"differences", std::move(differences)}};
}

// The requests that come nearest to what is wanted, the earlier of equals first.
class NearMisses {
 public:
  void add(std::size_t differences, const Journal::Entry& entry) {
    const auto place =
        std::upper_bound(misses_.begin(), misses_.end(), differences,
                         [](std::size_t count, const auto& miss) { return count < miss.first; });
    misses_.insert(place, {differences, entry});
    if (misses_.size() > near_misses_max) misses_.pop_back();
  }

  Json told(const Wanted& wanted) const {
    Json list = Json::array();
    for (const auto& [differences, entry] : misses_) list.push_back(near_miss(wanted, *entry));
    return list;
  }

 private:
  std::vector<std::pair<std::size_t, Journal::Entry>> misses_;
};

void require_action(const AdminCall& call, const std::string& action) {
  if (call.control().model().find(action) == nullptr)
    throw ConfigError{"the API has no action `" + action + "`"};
}

HttpResponse verify_count(AdminCall& call) {
  const Wanted wanted = read_wanted(call.body, call.account());
  require_action(call, wanted.action);
  std::optional<std::int64_t> count;
  if (call.body.contains("count")) {
    const Json& given = call.body["count"];
    if (!given.is_number_integer() || given.get<std::int64_t>() < 0)
      throw ConfigError{"`count` must be an integer from 0"};
    count = given.get<std::int64_t>();
  }
  const Journal::Found journal = call.admin.journal.find(filter_of(wanted));
  std::int64_t found = 0;
  NearMisses misses;
  for (const Journal::Entry& entry : journal.entries) {
    const std::size_t differ = count_differences(wanted, *entry);
    if (differ == 0) {
      ++found;
    } else {
      misses.add(differ, entry);
    }
  }
  const bool ok = count ? found == *count : found > 0;
  return answer({{"ok", ok},
                 {"found", found},
                 {"near_misses", ok ? Json::array() : misses.told(wanted)},
                 {"complete", journal.complete}});
}

// Whether the steps happened in this order; others may have happened between them.
HttpResponse verify_sequence(AdminCall& call) {
  const Json& steps = call.body["sequence"];
  if (call.body.size() != 1) throw ConfigError{"`sequence` must be given alone"};
  if (!steps.is_array() || steps.empty()) throw ConfigError{"`sequence` must be a list of actions"};
  std::vector<Wanted> wanted;
  for (const Json& step : steps) {
    if (step.is_object()) only(step, {"action", "region", "code", "params"}, "sequence: ");
    wanted.push_back(read_wanted(step.is_object() ? step : Json{{"action", step}}, call.account()));
    require_action(call, wanted.back().action);
  }
  JournalFilter all;
  all.account = call.account();
  const Journal::Found journal = call.admin.journal.find(all);
  std::size_t found = 0;
  std::vector<Journal::Entry> near;  // The first ones since the last step that was found.
  for (const Journal::Entry& entry : journal.entries) {
    if (found == wanted.size()) break;
    if (entry->action != wanted[found].action) continue;
    if (count_differences(wanted[found], *entry) == 0) {
      ++found;
      near.clear();
    } else if (near.size() < near_misses_max) {
      near.push_back(entry);
    }
  }
  const bool ok = found == wanted.size();
  Json told = {
      {"ok", ok}, {"found", found}, {"near_misses", Json::array()}, {"complete", journal.complete}};
  if (ok) return answer(told);
  for (const Journal::Entry& entry : near)
    told["near_misses"].push_back(near_miss(wanted[found], *entry));
  told["missing"] = wanted[found].action;
  return answer(told);
}

HttpResponse post_verify(AdminCall& call) {
  return call.body.contains("sequence") ? verify_sequence(call) : verify_count(call);
}

HttpResponse get_metrics(AdminCall& call) {
  State& state = call.state();
  std::string text = call.admin.metrics.text();
  const auto gauge = [&](const std::string& name, const char* help) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text.append(name).append(" gauge\n");
  };
  gauge("cvmsim_resources", "What exists, by kind.");
  for (const auto& [kind, total] : state.totals()) {
    text.append("cvmsim_resources{kind=\"").append(kind).append("\"} ");
    text.append(std::to_string(total)).append("\n");
  }
  gauge("cvmsim_pending_operations", "Operations under way.");
  text.append("cvmsim_pending_operations ")
      .append(std::to_string(state.pending("").operations))
      .append("\n");
  gauge("cvmsim_fault_rules", "Fault rules in force or spent.");
  text.append("cvmsim_fault_rules ")
      .append(std::to_string(state.faults().rules().size()))
      .append("\n");
  gauge("cvmsim_clock_seconds", "Simulated time of accounts without a clock of their own.");
  const auto now = std::chrono::floor<std::chrono::seconds>(state.now("", call.wall()));
  text.append("cvmsim_clock_seconds ")
      .append(std::to_string(now.time_since_epoch().count()))
      .append("\n");
  HttpResponse response{200, text};
  response.content_type = "text/plain; version=0.0.4";
  return response;
}

HttpResponse get_coverage(AdminCall& call) {
  const auto produced = call.admin.metrics.codes();
  Json actions = Json::object();
  for (const auto& [name, action] : call.control().model().actions()) {
    const auto own = produced.find(name);
    actions[name] = {{"implemented", call.control().registry().find(name) != nullptr},
                     {"documented", action.errors},
                     {"produced", own == produced.end() ? Json::array() : Json(own->second)}};
  }
  return answer({{"actions", actions}});
}

}  // namespace

const Routes journal_routes = {
    {.method = "GET",
     .path = "requests",
     .function = get_requests,
     .summary = "The journal: what clients sent, newest last.",
     .query = {"action", "code", "region", "account", "since", "limit"},
     .locked = false},
    {.method = "GET",
     .path = "requests/{RequestId}",
     .function = get_request,
     .summary = "One request explained.",
     .locked = false},
    {.method = "DELETE",
     .path = "requests",
     .function = delete_requests,
     .summary = "Empties the journal.",
     .query = {"account"}},
    {.method = "POST",
     .path = "verify",
     .function = post_verify,
     .summary = "Whether requests were made, how often, or in which order.",
     .query = {"account"},
     .fields = {"action", "params", "count", "code", "region", "sequence"},
     .locked = false},
    {.method = "GET",
     .path = "metrics",
     .function = get_metrics,
     .summary = "Counters in the text format of Prometheus."},
    {.method = "GET",
     .path = "coverage",
     .function = get_coverage,
     .summary = "By action: documented error codes, and those that were answered."},
};

}  // namespace cvm
