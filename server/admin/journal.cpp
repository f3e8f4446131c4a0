// Admin calls about what clients did: the journal, one request explained, checks on it, counters.
#include <algorithm>
#include <charconv>

#include "handlers/registry.h"
#include "server/admin/admin_call.h"
#include "server/forensics/forensics.h"

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
  filter.limit = number_query(call, "limit", SIZE_MAX);
  const std::string since = call.asked("since");
  if (since.empty()) return filter;
  filter.since = parse_iso8601_ms(since);
  if (filter.since) return filter;
  if (call.gateway.journal().find(since) == nullptr)
    throw ConfigError{"`since` must be a time or a known RequestId, not `" + since + "`"};
  filter.after = since;
  return filter;
}

HttpResponse get_requests(AdminCall& call) {
  const Journal::Found found = call.gateway.journal().find(filter_of(call));
  Json list = Json::array();
  for (const Journal::Entry& entry : found.entries) list.push_back(entry_json(*entry));
  return answer({{"requests", list}, {"total", found.total}, {"complete", found.complete}});
}

HttpResponse get_request(AdminCall& call) {
  const Journal::Entry entry = call.gateway.journal().find(call.part);
  if (entry == nullptr)
    throw AdminError{404, "NotFound", "the journal has no request `" + call.part + "`"};
  Json told = entry_json(*entry);
  told["error"] =
      entry->code.empty() ? Json() : Json{{"code", entry->code}, {"message", entry->message}};
  // Searching for the cause takes a while: not under the lock.
  told["signature"] = nullptr;
  if (entry->refused) {
    const HttpRequest request = entry->refused->view();
    told["signature"] =
        explain_signature(request, read_common(request), call.state().credentials(),
                          call.gateway.options().auth, entry->time, entry->refused->refusal);
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
  call.gateway.journal().clear(call.account());
  return answer({{"deleted", true}});
}

// What of `part` is not in `whole`, as {"path","expected","actual"}.
void differences(const Json& part, const Json& whole, const std::string& path, Json& found) {
  if (part.is_object() && whole.is_object()) {
    for (const auto& item : part.items()) {
      const std::string at = path.empty() ? item.key() : path + "." + item.key();
      const auto other = whole.find(item.key());
      differences(item.value(), other == whole.end() ? Json() : *other, at, found);
    }
  } else if (!is_part(part, whole)) {
    found.push_back({{"path", path}, {"expected", part}, {"actual", whole}});
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

Json differences(const Wanted& wanted, const JournalEntry& entry) {
  Json found = Json::array();
  differences(wanted.params, entry.params, "", found);
  const auto differs = [&](const char* name, const std::string& expected,
                           const std::string& actual) {
    found.push_back({{"path", name}, {"expected", expected}, {"actual", actual}});
  };
  if (!wanted.region.empty() && wanted.region != entry.region)
    differs("region", wanted.region, entry.region);
  const bool ok = wanted.code == "OK" ? entry.code.empty() : wanted.code == entry.code;
  if (wanted.code && !ok) differs("code", *wanted.code, entry.code);
  return found;
}

void require_action(const AdminCall& call, const std::string& action) {
  if (call.gateway.model().find(action) == nullptr)
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
  const Journal::Found journal = call.gateway.journal().find(filter_of(wanted));
  std::int64_t found = 0;
  std::vector<std::pair<std::size_t, Json>> misses;
  for (const Journal::Entry& entry : journal.entries) {
    const Json differ = differences(wanted, *entry);
    if (differ.empty()) {
      ++found;
    } else {
      misses.emplace_back(differ.size(), Json{{"request_id", entry->request_id},
                                              {"action", entry->action},
                                              {"differences", differ}});
    }
  }
  const bool ok = count ? found == *count : found > 0;
  Json near = Json::array();
  std::stable_sort(misses.begin(), misses.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; !ok && i < std::min(near_misses_max, misses.size()); ++i)
    near.push_back(misses[i].second);
  return answer(
      {{"ok", ok}, {"found", found}, {"near_misses", near}, {"complete", journal.complete}});
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
  const Journal::Found journal = call.gateway.journal().find(all);
  std::size_t found = 0;
  Json near = Json::array();
  for (const Journal::Entry& entry : journal.entries) {
    if (found == wanted.size()) break;
    if (entry->action != wanted[found].action) continue;
    const Json differ = differences(wanted[found], *entry);
    if (differ.empty()) {
      ++found;
      near = Json::array();
    } else if (near.size() < near_misses_max) {
      near.push_back(
          {{"request_id", entry->request_id}, {"action", entry->action}, {"differences", differ}});
    }
  }
  const bool ok = found == wanted.size();
  Json told = {{"ok", ok},
               {"found", found},
               {"near_misses", ok ? Json::array() : near},
               {"complete", journal.complete}};
  if (!ok) told["missing"] = wanted[found].action;
  return answer(told);
}

HttpResponse post_verify(AdminCall& call) {
  return call.body.contains("sequence") ? verify_sequence(call) : verify_count(call);
}

HttpResponse get_metrics(AdminCall& call) {
  State& state = call.state();
  std::string text = call.gateway.metrics().text();
  const auto gauge = [&](const std::string& name, const char* help) {
    text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text.append(name).append(" gauge\n");
  };
  gauge("cvmsim_resources", "What exists, by kind.");
  for (const auto& [kind, total] : Store::totals(state.database())) {
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
  const auto produced = call.gateway.metrics().codes();
  Json actions = Json::object();
  for (const auto& [name, action] : call.gateway.model().actions()) {
    const auto own = produced.find(name);
    actions[name] = {{"implemented", find_handler(name) != nullptr},
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
     .query = {"action", "code", "region", "account", "since", "limit"}},
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
     .fields = {"action", "params", "count", "code", "region", "sequence"}},
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
