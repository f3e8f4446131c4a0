// The kinds that `given` lines know.
#include "tests/support/given.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace cvm::test {

namespace {

const std::vector<GivenKind>& given_kinds() {
  static const std::vector<GivenKind> kinds = {
      {.name = "instance",
       .action = "RunInstances",
       .params = R"({"ImageId": "img-487zeit5", "Placement": {"Zone": "ap-guangzhou-3"}})",
       .id = "/InstanceIdSet",
       .made = "PENDING",
       .states = {{"RUNNING"}, {"STOPPED", "StopInstances"}, {"SHUTDOWN", "TerminateInstances"}},
       .ids = "InstanceIds"},
      {.name = "placement_group",
       .action = "CreateDisasterRecoverGroup",
       .params = R"({"Name": "group", "Type": "HOST"})",
       .id = "/DisasterRecoverGroupId"},
      {.name = "key_pair",
       .action = "CreateKeyPair",
       .params = R"({"KeyName": "key", "ProjectId": 0})",
       .id = "/KeyPair/KeyId"},
      {.name = "launch_template",
       .action = "CreateLaunchTemplate",
       .params = R"({"LaunchTemplateName": "template", "ImageId": "img-487zeit5",
                     "Placement": {"Zone": "ap-guangzhou-3"}})",
       .id = "/LaunchTemplateId"},
      {.name = "image",  // Of an instance that the line names.
       .action = "CreateImage",
       .params = R"({"ImageName": "image"})",
       .id = "/ImageId",
       .made = "CREATING",
       .states = {{"NORMAL"}}},
  };
  return kinds;
}

}  // namespace

std::string_view GivenLine::action() const {
  for (const GivenKind::State& known : kind->states) {
    if (known.name == state) return known.action;
  }
  return {};
}

GivenLine read_given(const std::string& text) {
  const std::size_t json = text.find('{');
  std::istringstream words(text.substr(0, json));
  std::string name, word;
  words >> name;
  GivenLine line;
  for (const GivenKind& kind : given_kinds()) {
    if (name == kind.name || name == std::string(kind.name) + "s") line.kind = &kind;
  }
  if (line.kind == nullptr) throw std::runtime_error("no kind: " + name);
  while (words >> word && word.starts_with("$")) line.names.push_back(word);
  if (line.names.empty() || (line.names.size() > 1) == (name == line.kind->name))
    throw std::runtime_error("one name, or the kind with an s and several");
  if (!word.starts_with("$")) line.state = word;
  const auto& states = line.kind->states;
  const bool known = line.state.empty() || line.state == line.kind->made ||
                     std::any_of(states.begin(), states.end(),
                                 [&](const auto& state) { return state.name == line.state; });
  if (!known || words >> word) throw std::runtime_error("no state: " + word);
  if (json != text.npos) line.params = Json::parse(text.substr(json));
  return line;
}

}  // namespace cvm::test
