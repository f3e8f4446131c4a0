// The whole state as one JSON document, for GET/PUT /_cvmsim/state and for snapshots. Documents are
// spliced in as they are stored. Left out are credentials: keys are never shown.
#include <algorithm>
#include <set>

#include "state/error.h"
#include "state/ids.h"
#include "state/saved.h"
#include "state/state.h"

namespace cvm {

namespace {

constexpr std::int64_t format = 1;

[[noreturn]] void wrong(const std::string& where, const std::string& reason) {
  throw ConfigError{"state: " + where + ": " + reason};
}

std::string quoted(std::string_view text) { return Json(text).dump(); }

Tenant tenant_of(const Json& entry, const std::string& where, const Catalog& catalog) {
  Tenant tenant{entry.at("account").get<std::string>(), entry.at("region").get<std::string>()};
  if (tenant.account.empty()) wrong(where, "`account` is empty");
  if (catalog.region(tenant.region) == nullptr)
    wrong(where, "there is no region `" + tenant.region + "`");
  return tenant;
}

std::string place(const char* name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

// Runs `read`, and tells where it failed.
template <class Read>
void each(const Json& saved, const char* name, std::initializer_list<std::string_view> fields,
          Read read) {
  const Json& entries = list_member(saved, name, "state");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string where = place(name, i);
    require_members(entries[i], "state: " + where, fields);
    try {
      read(entries[i], where);
    } catch (const Json::exception& problem) {
      wrong(where, problem.what());
    }
  }
}

}  // namespace

std::string State::dump() const {
  Json accounts = Json::object();
  const auto account = [&](const std::string& uin) -> Json& {
    if (!accounts.contains(uin))
      accounts[uin] = {{"account", uin}, {"counter", 0}, {"requests", 0}, {"clock", nullptr}};
    return accounts[uin];
  };
  {
    Statement rows = database_.prepare("select account, counter, clock from account");
    while (rows.step()) {
      Json& one = account(std::string(rows.text(0)));
      one["counter"] = rows.integer(1);
      if (!rows.text(2).empty()) one["clock"] = Json::parse(rows.text(2));
    }
  }
  for (const auto& [uin, requests] : setup_.requests) account(uin)["requests"] = requests;
  std::vector<Json> sorted;
  for (const auto& item : accounts.items()) sorted.push_back(item.value());
  std::sort(sorted.begin(), sorted.end(),
            [](const Json& a, const Json& b) { return a["account"] < b["account"]; });

  Json head = {{"format", format},
               {"seed", setup_.seed},
               {"starts", setup_.starts},
               {"clock", setup_.clock.dump()},
               {"lifecycle", setup_.steps.delays()},
               {"quotas", setup_.quotas.dump()},
               {"capacity", setup_.capacity.dump()},
               {"faults", setup_.faults.dump()},
               {"accounts", sorted}};
  std::string text = head.dump();
  text.back() = ',';
  const auto rows = [&](const char* name, const char* sql, auto row) {
    text.append(text.back() == ',' ? "\"" : ",\"").append(name).append("\":[");
    Statement found = database_.prepare(sql);
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
       "select p.kind, p.account, p.region, r.id, r.doc, r.hidden from resource r"
       " join partition p on p.part=r.part order by r.rid",
       [&](Statement& row) {
         text += '{';
         member("kind", quoted(row.text(0)));
         member("account", quoted(row.text(1)));
         member("region", quoted(row.text(2)));
         member("id", quoted(row.text(3)));
         member("doc", row.text(4));
         member("hidden", row.text(5));
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
  const auto version = saved.is_object() ? saved.find("format") : saved.end();
  if (version == saved.end() || !version->is_number_integer())
    wrong("format", "it is missing: this is no state of cvmsim");
  if (*version != format) {
    wrong("format", "it is of version " + version->dump() + ", this cvmsim reads version " +
                        std::to_string(format));
  }
  require_members(saved, "state: the document",
                  {"format", "seed", "starts", "clock", "lifecycle", "quotas", "capacity", "faults",
                   "accounts", "resources", "transitions", "tokens"});
  Overhaul work(*this);
  erase_all();
  std::string part = "the settings";
  try {
    load_setup(saved);
    part = "resources";
    load_resources(saved, check);
    part = "transitions";
    load_transitions(saved, check);
    part = "tokens";
    load_tokens(saved);
  } catch (const Json::exception& problem) {
    wrong(part, problem.what());
  }
  save_setup();
  work.keep();
  events_.clear();
}

void State::load_setup(const Json& saved) {
  setup_.seed = natural_member(saved, "seed", "state");
  setup_.starts = natural_member(saved, "starts", "state");
  setup_.clock = Clock::load(saved.at("clock"));
  setup_.steps.change(saved.at("lifecycle"));
  setup_.quotas.load(saved.at("quotas"), catalog_);
  setup_.capacity.load(saved.at("capacity"), catalog_);
  setup_.faults.load(saved.at("faults"), fault_names());
  setup_.requests.clear();
  setup_.own_clocks.clear();
  std::set<std::string> seen;
  each(saved, "accounts", {"account", "counter", "requests", "clock"},
       [&](const Json& entry, const std::string& where) {
         const auto uin = entry.at("account").get<std::string>();
         if (!seen.insert(uin).second) wrong(where, "the account `" + uin + "` is there twice");
         const std::uint64_t requests = natural_member(entry, "requests", where);
         if (requests > 0) setup_.requests[uin] = requests;
         const std::uint64_t counter = natural_member(entry, "counter", where);
         // Requests without a valid caller are counted under no name; it has nothing else.
         if (uin.empty() && (counter > 0 || !entry.at("clock").is_null()))
           wrong(where, "`account` is empty");
         if (counter > 0) set_counter(uin, static_cast<std::int64_t>(counter));
         if (entry.at("clock").is_null()) return;
         setup_.own_clocks.insert_or_assign(uin, Clock::load(entry.at("clock")));
         save_clock(uin);
       });
}

void State::load_resources(const Json& saved, const DocumentCheck& check) {
  each(saved, "resources", {"kind", "account", "region", "id", "doc", "hidden"},
       [&](const Json& entry, const std::string& where) {
         const Kind* kind = find_kind(entry.at("kind").get_ref<const std::string&>());
         if (kind == nullptr) wrong(where, "there is no kind " + entry.at("kind").dump());
         const auto id = entry.at("id").get<std::string>();
         const Json& doc = entry.at("doc");
         if (!is_id(id, kind->id_prefix)) wrong(where, "`" + id + "` is no id");
         if (!doc.is_object() || doc.value(std::string(kind->id_member), Json()) != id)
           wrong(where, "the document is not that of `" + id + "`");
         if (!entry.at("hidden").is_object()) wrong(where, "`hidden` must be an object");
         if (Store::locate(database_, id)) wrong(where, "`" + id + "` is there twice");
         try {
           check(*kind, doc);
         } catch (const ConfigError& mistake) {
           wrong(where, mistake.message);
         }
         store(tenant_of(entry, where, catalog_)).restore(*kind, id, doc, entry.at("hidden"));
       });
}

void State::load_transitions(const Json& saved, const DocumentCheck& check) {
  each(saved, "transitions",
       {"account", "due_ms", "id", "operation", "step", "request_id", "patch"},
       [&](const Json& entry, const std::string& where) {
         const auto id = entry.at("id").get<std::string>();
         const auto& account = entry.at("account").get_ref<const std::string&>();
         const auto owner = Store::locate(database_, id);
         if (!owner || owner->first.account != account)
           wrong(where, "the account has no resource `" + id + "`");
         const std::int64_t operation = integer_member(entry, "operation", where);
         if (operation < 0 || operation > 2) wrong(where, "`operation` must be 0, 1 or 2");
         const auto& step = entry.at("step").get_ref<const std::string&>();
         if (!setup_.steps.contains(step)) wrong(where, "there is no step `" + step + "`");
         if (!entry.at("patch").is_object()) wrong(where, "`patch` must be an object");
         // What the document will be then has to be right, too.
         Resource resource = store(owner->first).get(*owner->second, id);
         resource.doc.update(entry.at("patch"), true);
         try {
           check(*owner->second, resource.doc);
         } catch (const ConfigError& mistake) {
           wrong(where, "`patch`: " + mistake.message);
         }
         const std::string patch = entry.at("patch").dump();
         database_
             .prepare(
                 "insert into transition (account, due, id, operation, step, request_id, patch)"
                 " values (?,?,?,?,?,?,?)")
             .bind(account)
             .bind(integer_member(entry, "due_ms", where))
             .bind(id)
             .bind(operation)
             .bind(step)
             .bind(entry.at("request_id").get_ref<const std::string&>())
             .bind(patch)
             .run();
       });
}

void State::load_tokens(const Json& saved) {
  each(saved, "tokens", {"account", "region", "action", "token", "digest", "reply", "expires_ms"},
       [&](const Json& entry, const std::string& where) {
         const Time expires{Milliseconds{integer_member(entry, "expires_ms", where)}};
         const Tenant tenant = tenant_of(entry, where, catalog_);
         const auto& reply = entry.at("reply").get_ref<const std::string&>();
         const auto& action = entry.at("action").get_ref<const std::string&>();
         const auto& actions = fault_names().actions;
         if (std::find(actions.begin(), actions.end(), action) == actions.end())
           wrong(where, "there is no action `" + action + "`");
         const Json answer = Json::parse(reply + "}}", nullptr, false);
         if (answer.is_discarded() || !answer.is_object() || !answer.contains("Response"))
           wrong(where, "`reply` is no answer");
         put_token(tenant, entry.at("action").get<std::string>(),
                   entry.at("token").get<std::string>(),
                   {entry.at("digest").get<std::string>(), reply}, expires);
       });
}

}  // namespace cvm
