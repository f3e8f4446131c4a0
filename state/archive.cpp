// The whole state as one JSON document, for GET/PUT /_cvmsim/state and for snapshots. Documents are
// spliced in as they are stored. Left out are credentials: keys are never shown.
#include <map>
#include <set>

#include "state/base/fields.h"
#include "state/base/ids.h"
#include "state/state.h"
#include "state/store/records.h"

namespace cvm {

namespace {

constexpr std::int64_t format = 1;
// Both go into the number of a RequestId, 64 bits together.
constexpr std::uint64_t starts_max = (1U << 24U) - 1, requests_max = (std::uint64_t{1} << 40U) - 1;
// What a ClientToken stands for may be remembered until after the end of time.
constexpr Time token_end = time_end + std::chrono::days{1};

[[noreturn]] void wrong(const std::string& reason) { throw ConfigError{reason}; }

std::string quoted(std::string_view text) { return Json(text).dump(); }

Tenant tenant_of(const Json& entry, const Catalog& catalog) {
  Tenant tenant{entry.at("account").get<std::string>(), entry.at("region").get<std::string>()};
  if (tenant.account.empty()) wrong("`account` is empty");
  if (catalog.region(tenant.region) == nullptr) wrong("there is no region `" + tenant.region + "`");
  return tenant;
}

void check_document(const Kind& kind, const std::string& id, const Json& doc, const Json& hidden,
                    const State::DocumentCheck& check) {
  if (!doc.is_object() || doc.value(kind.id_member, Json()) != id)
    wrong("the document is not that of `" + id + "`");
  check(kind, doc, hidden);
}

// Merges the patch, and checks what comes of it.
void check_patch(const Json& patch, Resource& resource, const State::DocumentCheck& check) {
  if (!patch.is_object()) wrong("it must be an object");
  apply(patch, resource);
  check_document(*resource.kind, resource.id, resource.doc, resource.hidden, check);
}

// Timers begin only what is made for it; operations end only what takes time.
void require_step(const Steps& steps, const Kind& kind, const std::string& name, bool timer) {
  const bool known = name.starts_with(kind.name + ".") && steps.contains(name);
  const auto fits = [&](const Step& step) {
    return timer ? step.quiet || !step.timer_action.empty() : !step.quiet;
  };
  if (!known || !fits(steps.get(name))) {
    wrong("a resource of the kind " + kind.name + " has no step `" + name +
          (timer ? "` for a timer" : "`"));
  }
}

}  // namespace

std::vector<Json> State::dump_accounts() const {
  std::map<std::string, Json> accounts;
  const auto account = [&](const std::string& uin) -> Json& {
    Json& one = accounts[uin];
    if (one.is_null())
      one = {{"account", uin}, {"counter", 0}, {"requests", 0}, {"clock", nullptr}};
    return one;
  };
  {
    Statement rows = database().prepare("select account, counter, clock from account");
    while (rows.step()) {
      Json& one = account(std::string(rows.text(0)));
      one["counter"] = rows.integer(1);
      if (!rows.text(2).empty()) one["clock"] = Json::parse(rows.text(2));
    }
  }
  for (const auto& [uin, requests] : settings_.requests) account(uin)["requests"] = requests;
  std::vector<Json> sorted;
  for (auto& [uin, one] : accounts) sorted.push_back(std::move(one));
  return sorted;
}

std::string State::dump() const {
  Json head = {{"format", format},
               {"seed", settings_.seed},
               {"starts", settings_.starts},
               {"clock", settings_.clock.dump()},
               {"lifecycle", settings_.steps.delays()},
               {"quotas", settings_.quotas.dump()},
               {"capacity", settings_.capacity.dump()},
               {"faults", settings_.faults.dump()},
               {"accounts", dump_accounts()}};
  std::string text = head.dump();
  text.back() = ',';
  const auto rows = [&](const char* name, const char* sql, auto row) {
    text.append(text.back() == ',' ? "\"" : ",\"").append(name).append("\":[");
    Statement found = database().prepare(sql);
    for (bool first = true; found.step(); first = false) {
      if (!first) text += ',';
      row(found);
    }
    text += ']';
  };
  const auto member = [&](std::string_view name, std::string_view json) {
    text.append(text.back() == '{' ? "\"" : ",\"").append(name).append("\":").append(json);
  };
  rows("resources",
       "select p.kind, p.account, p.region, r.id, r.doc, r.hidden,"
       " (select json_group_array(account) from (select account from access_grant where rid=r.rid"
       " order by account)) from resource r join partition p on p.part=r.part order by r.rid",
       [&](Statement& row) {
         text += '{';
         member("kind", quoted(row.text(0)));
         member("account", quoted(row.text(1)));
         member("region", quoted(row.text(2)));
         member("id", quoted(row.text(3)));
         member("doc", row.text(4));
         member("hidden", row.text(5));
         if (row.text(6) != "[]") member("grants", row.text(6));
         text += '}';
       });
  rows("transitions",
       "select account, due, id, operation, step, request_id, patch from transition order by seq",
       [&](Statement& row) {
         text += '{';
         member("account", quoted(row.text(0)));
         member("due_ms", std::to_string(row.integer(1)));
         member("id", quoted(row.text(2)));
         member("operation", std::to_string(row.integer(3)));
         member("step", quoted(row.text(4)));
         member("request_id", quoted(row.text(5)));
         member("patch", row.text(6));
         text += '}';
       });
  rows("tokens",
       "select account, region, action, token, digest, reply, expires from token"
       " order by account, region, action, token",
       [&](Statement& row) {
         text += '{';
         static constexpr const char* names[] = {"account", "region", "action",
                                                 "token",   "digest", "reply"};
         for (int i = 0; i < 6; ++i) member(names[i], quoted(row.text(i)));
         member("expires_ms", std::to_string(row.integer(6)));
         text += '}';
       });
  return text + "}";
}

void State::load(const Json& saved, const DocumentCheck& check) {
  told_at("state", [&] {
    const auto version = saved.is_object() ? saved.find("format") : saved.end();
    if (version == saved.end() || !version->is_number_integer())
      wrong("format: it is missing: this is no state of cvmsim");
    if (*version != format) {
      wrong("format: it is of version " + version->dump() + ", this cvmsim reads version " +
            std::to_string(format));
    }
    exactly(saved, {"format", "seed", "starts", "clock", "lifecycle", "quotas", "capacity",
                    "faults", "accounts", "resources", "transitions", "tokens"});
    StateTransaction work(*this);
    records().erase_all();
    load_settings(saved);
    load_accounts(saved);
    load_resources(saved, check);
    load_transitions(saved, check);
    load_tokens(saved);
    save_settings();
    work.commit();
  });
  events_.clear();
}

void State::load_settings(const Json& saved) {
  settings_.seed = natural_member(saved, "seed", UINT64_MAX);
  settings_.starts = natural_member(saved, "starts", starts_max);
  told_at("clock", [&] { settings_.clock = Clock::load(saved.at("clock")); });
  settings_.steps.change(saved.at("lifecycle"));
  settings_.quotas.load(saved.at("quotas"), catalog_);
  told_at("capacity", [&] { settings_.capacity.load(saved.at("capacity"), catalog_); });
  told_at("faults", [&] { settings_.faults.load(saved.at("faults"), fault_names()); });
}

void State::load_accounts(const Json& saved) {
  settings_.requests.clear();
  settings_.own_clocks.clear();
  std::set<std::string> seen;
  each_member(saved, "accounts", [&](const Json& entry) {
    exactly(entry, {"account", "counter", "requests", "clock"});
    const auto uin = entry.at("account").get<std::string>();
    if (!seen.insert(uin).second) wrong("the account `" + uin + "` is there twice");
    const std::uint64_t requests = natural_member(entry, "requests", requests_max);
    if (requests > 0) settings_.requests[uin] = requests;
    const std::uint64_t counter = natural_member(entry, "counter");
    // Requests without a valid caller are counted under no name; it has nothing else.
    if (uin.empty() && (counter > 0 || !entry.at("clock").is_null())) wrong("`account` is empty");
    if (counter > 0) set_counter(uin, static_cast<std::int64_t>(counter));
    if (entry.at("clock").is_null()) return;
    told_at("clock",
            [&] { settings_.own_clocks.insert_or_assign(uin, Clock::load(entry.at("clock"))); });
    save_clock(uin);
  });
}

void State::load_resources(const Json& saved, const DocumentCheck& check) {
  each_member(saved, "resources", [&](const Json& entry) {
    std::vector<std::string_view> members = {"kind", "account", "region", "id", "doc", "hidden"};
    if (entry.contains("grants")) members.emplace_back("grants");  // Older exports know none.
    exactly(entry, members);
    const Kind* kind = kinds_.find(entry.at("kind").get_ref<const std::string&>());
    if (kind == nullptr) wrong("there is no kind " + entry.at("kind").dump());
    const auto id = entry.at("id").get<std::string>();
    const Json& doc = entry.at("doc");
    if (!kind->is_id(id)) wrong("`" + id + "` is no id");
    if (!entry.at("hidden").is_object()) wrong("`hidden` must be an object");
    if (Store::locate(records(), id)) wrong("`" + id + "` is there twice");
    check_document(*kind, id, doc, entry.at("hidden"), check);
    Store of = store(tenant_of(entry, catalog_));
    of.restore(kind->name, id, doc, entry.at("hidden"));
    if (!entry.contains("grants")) return;
    const Resource restored = of.get(kind->name, id);
    each_member(entry, "grants", [&](const Json& account) {
      if (!kind->granted) wrong("a resource of the kind " + kind->name + " is not granted");
      of.grant(restored, account.get_ref<const std::string&>());
    });
  });
}

void State::load_transitions(const Json& saved, const DocumentCheck& check) {
  each_member(saved, "transitions", [&](const Json& entry) {
    exactly(entry, {"account", "due_ms", "id", "operation", "step", "request_id", "patch"});
    const auto text = [&](const char* name) { return entry.at(name).get<std::string>(); };
    const Json& patch = entry.at("patch");
    const ScheduledTransition what{
        text("account"), time_member(entry, "due_ms"),
        text("id"),      static_cast<std::int64_t>(natural_member(entry, "operation", 2)),
        text("step"),    text("request_id"),
        patch.dump()};
    const auto owner = Store::locate(records(), what.id);
    if (!owner || owner->first.account != what.account)
      wrong("the account has no resource `" + what.id + "`");
    const Kind& kind = *owner->second;
    require_step(settings_.steps, kind, what.step, what.operation == 0);
    // What the document will be then has to be right, too.
    Store of = store(owner->first);
    const Resource now = of.get(kind.name, what.id);
    Resource then = now;
    told_at("`patch`", [&] {
      if (what.operation == 2) {
        then.doc.update(patch, true);
        return check_document(kind, what.id, then.doc, then.hidden, check);
      }
      check_patch(patch, then, check);
      if (!patch.contains("plan")) return;
      each_member(patch, "plan", [&](const Json& later) {
        exactly(later, {"at", "step", "patch"});
        const auto at = parse_iso8601(later.at("at").get_ref<const std::string&>());
        if (!at || *at < time_begin) wrong("`at` must be a time, not " + later.at("at").dump());
        require_step(settings_.steps, kind, later.at("step").get<std::string>(), true);
        if (later.at("patch").contains("plan")) wrong("a plan has no plans of its own");
        Resource changed = then;
        check_patch(later.at("patch"), changed, check);
      });
    });
    add_transition(records(), what);
    if (what.operation == 1) of.reserve(now, patch);
  });
}

void State::load_tokens(const Json& saved) {
  each_member(saved, "tokens", [&](const Json& entry) {
    exactly(entry, {"account", "region", "action", "token", "digest", "reply", "expires_ms"});
    const Time expires = time_member(entry, "expires_ms", token_end);
    const Tenant tenant = tenant_of(entry, catalog_);
    const auto& action = entry.at("action").get_ref<const std::string&>();
    const auto& actions = fault_names().actions;
    if (std::find(actions.begin(), actions.end(), action) == actions.end())
      wrong("there is no action `" + action + "`");
    const auto& reply = entry.at("reply").get_ref<const std::string&>();
    const Json answer = Json::parse(reply + "}}", nullptr, false);
    if (answer.is_discarded() || !answer.is_object() || !answer.contains("Response"))
      wrong("`reply` is no answer");
    put_token(tenant, action, entry.at("token").get<std::string>(),
              {entry.at("digest").get<std::string>(), reply}, expires);
  });
}

}  // namespace cvm
