// Admin calls about the whole state: reset, export and import, snapshots, scenarios, forced states.
#include <algorithm>

#include "handlers/api/conform.h"
#include "server/admin/admin_call.h"

namespace cvm {

namespace {

// A whole state holds what came in by smaller bodies, some levels further down, and has objects
// with a member for each account.
constexpr JsonLimits state_limits{.depth = 64, .members = 1'000'000, .values = 20'000'000};
constexpr std::size_t snapshots_max = 100, snapshot_bytes_max = 1 << 30;

HttpResponse post_reset(AdminCall& call) {
  const std::string account = call.account();
  call.control().reset(account);
  if (account.empty()) call.admin.rate_limit.clear();
  call.admin.journal.clear(account);
  return answer({{"reset", true}});
}

HttpResponse get_state(AdminCall& call) { return {200, call.state().dump()}; }

// The documents must be what handlers write and clients are promised, and what is hidden with them
// what the model says of their kind.
void load(AdminCall& call, const Json& saved) {
  const Model& model = call.control().model();
  const auto require = [](const std::string& what, const Json& object, const Shape& shape) {
    const std::string wrong = stored_mismatch(object, shape);
    if (!wrong.empty())
      throw ConfigError{what + (wrong.starts_with("lacks ") ? " " : ": ") + wrong};
  };
  call.state().load(saved, [&](const Kind& kind, const Json& doc, const Json& hidden) {
    static const Shape nothing;
    const Shape* shape = model.shape("Hidden" + kind.shape);
    require("the document", doc, *model.shape(kind.shape));
    require("`hidden`", hidden, shape == nullptr ? nothing : *shape);
  });
}

Json counted(const AdminCall& call) {
  return {{"resources", call.state().count("resource")},
          {"pending", call.state().count("transition")}};
}

HttpResponse put_state(AdminCall& call) {
  load(call, call.body);
  return answer(counted(call));
}

HttpResponse get_snapshots(AdminCall& call) {
  Json list = Json::array();
  for (const auto& [name, snapshot] : call.admin.snapshots) {
    list.push_back({{"name", name},
                    {"taken_at", iso8601_ms(snapshot.taken)},
                    {"bytes", snapshot.text.size()}});
  }
  return answer({{"snapshots", list}});
}

HttpResponse post_snapshot(AdminCall& call) {
  auto& snapshots = call.admin.snapshots;
  if (!is_key_name(call.part, 64))
    throw ConfigError{"a snapshot's name must be up to 64 of [A-Za-z0-9_-]"};
  std::string text = call.state().dump();
  std::size_t bytes = text.size();
  for (const auto& [name, snapshot] : snapshots)
    bytes += name == call.part ? 0 : snapshot.text.size();
  if (bytes > snapshot_bytes_max ||
      (snapshots.size() >= snapshots_max && !snapshots.contains(call.part))) {
    throw ConfigError{"there can be 100 snapshots and 1 GB of them at most: delete some"};
  }
  const std::size_t taken = text.size();
  snapshots.insert_or_assign(call.part, Admin::Snapshot{call.wall(), std::move(text)});
  return answer({{"name", call.part}, {"bytes", taken}});
}

auto require_snapshot(AdminCall& call) {
  const auto found = call.admin.snapshots.find(call.part);
  if (found == call.admin.snapshots.end())
    throw AdminError{404, "NotFound", "no snapshot `" + call.part + "`"};
  return found;
}

HttpResponse restore_snapshot(AdminCall& call) {
  load(call, Json::parse(require_snapshot(call)->second.text));
  Json told = counted(call);
  told["restored"] = call.part;
  return answer(told);
}

HttpResponse delete_snapshot(AdminCall& call) {
  call.admin.snapshots.erase(require_snapshot(call));
  return answer({{"deleted", call.part}});
}

HttpResponse post_scenario(AdminCall& call) {
  return answer({{"calls", call.control().apply(call.body)}});
}

HttpResponse post_resource_state(AdminCall& call) {
  const Kind* kind = call.state().kind_of(call.part);
  if (kind == nullptr || kind->state.empty())
    throw AdminError{404, "NotFound", "nothing with a state has the id `" + call.part + "`"};
  State::Forced to;
  to.state = text_field(call.body, "state", true);
  if (!contains(kind->states, to.state)) {
    throw ConfigError{"`state`: there is no state `" + to.state + "` of a resource of the kind " +
                      kind->name};
  }
  to.operation_state = text_field(call.body, "latest_operation_state", false);
  if (to.operation_state.empty()) to.operation_state = "SUCCESS";
  if (!one_of(to.operation_state, {"SUCCESS", "FAILED", "OPERATING"})) {
    throw ConfigError{"`latest_operation_state` must be SUCCESS, FAILED or OPERATING, not `" +
                      to.operation_state + "`"};
  }
  to.error_message = text_field(call.body, "error_message", false);
  return answer(change_json(call.state().force(call.part, to, call.wall())));
}

}  // namespace

const Routes state_routes = {
    {.method = "POST",
     .path = "reset",
     .function = post_reset,
     .summary = "Back to the fixtures and scenarios of the start.",
     .query = {"account"},
     .applies_due = false},
    {.method = "GET",
     .path = "state",
     .function = get_state,
     .summary = "The whole state as one document; credentials aside."},
    {.method = "PUT",
     .path = "state",
     .function = put_state,
     .summary = "Puts a state back that was read before.",
     .body_limits = state_limits,
     .body_bytes_max = 256 << 20,
     .any_body = true,
     .applies_due = false},
    {.method = "GET",
     .path = "snapshots",
     .function = get_snapshots,
     .summary = "The named copies of the state."},
    {.method = "POST",
     .path = "snapshots/{name}",
     .function = post_snapshot,
     .summary = "Keeps a copy of the state."},
    {.method = "POST",
     .path = "snapshots/{name}/restore",
     .function = restore_snapshot,
     .summary = "Puts the copy back.",
     .applies_due = false},
    {.method = "DELETE",
     .path = "snapshots/{name}",
     .function = delete_snapshot,
     .summary = "Forgets the copy."},
    {.method = "POST",
     .path = "scenarios",
     .function = post_scenario,
     .summary = "Applies a scenario; answers what its named calls answered.",
     .fields = scenario_fields,
     .body_bytes_max = 12 << 20},
    {.method = "POST",
     .path = "resources/{id}/state",
     .function = post_resource_state,
     .summary = "Puts a resource into a state and ends its operations.",
     .fields = {"state", "latest_operation_state", "error_message"}},
    {.method = "POST",
     .path = "instances/{id}/state",
     .function = post_resource_state,
     .summary = "The same, by its older name.",
     .fields = {"state", "latest_operation_state", "error_message"}},
};

}  // namespace cvm
