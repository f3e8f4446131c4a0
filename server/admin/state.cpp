// Admin calls about the whole state: reset, export and import, snapshots, scenarios, forced states.
#include <algorithm>

#include "handlers/api/conform.h"
#include "server/admin/admin_call.h"
#include "server/control/scenario.h"

namespace cvm {

namespace {

constexpr std::size_t snapshots_max = 100, snapshot_bytes_max = 1 << 30;

HttpResponse post_reset(AdminCall& call) {
  reset(call.gateway, call.account());
  return answer({{"reset", true}});
}

HttpResponse get_state(AdminCall& call) { return {200, call.state().dump()}; }

// The documents must be what the API's clients are promised.
void load(AdminCall& call, const Json& saved) {
  const Model& model = call.gateway.model();
  call.state().load(saved, [&](const Kind& kind, const Json& doc) {
    const Shape& shape = *model.shape(kind.shape);
    for (const Member& member : shape.members) {
      if (!member.nullable && !doc.contains(member.name))
        throw ConfigError{"the document lacks " + member.name};
    }
    const std::string wrong = mismatch(doc, shape, "");
    if (!wrong.empty()) throw ConfigError{"the document: " + wrong};
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
  for (const auto& [name, snapshot] : call.gateway.snapshots) {
    list.push_back({{"name", name},
                    {"taken_at", iso8601_ms(snapshot.taken)},
                    {"bytes", snapshot.text.size()}});
  }
  return answer({{"snapshots", list}});
}

HttpResponse post_snapshot(AdminCall& call) {
  auto& snapshots = call.gateway.snapshots;
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
  snapshots.insert_or_assign(call.part, Gateway::Snapshot{call.wall(), std::move(text)});
  return answer({{"name", call.part}, {"bytes", taken}});
}

auto require_snapshot(AdminCall& call) {
  const auto found = call.gateway.snapshots.find(call.part);
  if (found == call.gateway.snapshots.end())
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
  call.gateway.snapshots.erase(require_snapshot(call));
  return answer({{"deleted", call.part}});
}

HttpResponse post_scenario(AdminCall& call) {
  return answer({{"calls", apply_scenario(call.gateway, call.body)}});
}

HttpResponse post_instance_state(AdminCall& call) {
  State::Forced to;
  to.state = text_field(call.body, "state", true);
  const auto& states = call.state().fault_names().states;
  if (std::find(states.begin(), states.end(), to.state) == states.end())
    throw ConfigError{"`state` must be a state of instances, not `" + to.state + "`"};
  to.operation_state = text_field(call.body, "latest_operation_state", false);
  if (to.operation_state.empty()) to.operation_state = "SUCCESS";
  if (to.operation_state != "SUCCESS" && to.operation_state != "FAILED" &&
      to.operation_state != "OPERATING") {
    throw ConfigError{"`latest_operation_state` must be SUCCESS, FAILED or OPERATING, not `" +
                      to.operation_state + "`"};
  }
  to.error_message = text_field(call.body, "error_message", false);
  const auto change = call.state().force(kinds::instance, call.part, to, call.wall());
  if (!change) throw AdminError{404, "NotFound", "no instance `" + call.part + "`"};
  return answer(change_json(*change));
}

}  // namespace

const Routes state_routes = {
    {.method = "POST",
     .path = "reset",
     .function = post_reset,
     .summary = "Back to the fixtures and scenarios of the start.",
     .query = {"account"}},
    {.method = "GET",
     .path = "state",
     .function = get_state,
     .summary = "The whole state as one document; credentials aside."},
    {.method = "PUT",
     .path = "state",
     .function = put_state,
     .summary = "Puts a state back that was read before.",
     .any_body = true},
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
     .summary = "Puts the copy back."},
    {.method = "DELETE",
     .path = "snapshots/{name}",
     .function = delete_snapshot,
     .summary = "Forgets the copy."},
    {.method = "POST",
     .path = "scenarios",
     .function = post_scenario,
     .summary = "Applies a scenario; answers what its named calls answered.",
     .fields = scenario_fields},
    {.method = "POST",
     .path = "instances/{id}/state",
     .function = post_instance_state,
     .summary = "Puts an instance into a state and ends its operations.",
     .fields = {"state", "latest_operation_state", "error_message"}},
};

}  // namespace cvm
