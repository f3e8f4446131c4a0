// What a `given` line of a script makes, and how it gets it into a state: one row a kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"

namespace cvm::test {

struct GivenKind {
  std::string_view name;       // "instance"; with an s where a line names several.
  std::string_view action;     // Makes it,
  std::string_view params;     // with these, unless the line says otherwise.
  std::string_view id;         // Where its id, or a list of ids, stands in the reply.
  std::string_view made = {};  // The state it is made in; empty if it is at rest at once.
  struct State {
    std::string_view name;
    std::string_view action = {};  // Brings it there, asked with `ids`; none: time alone does.
  };
  std::vector<State> states = {};  // The first is where it comes to rest by itself.
  std::string_view ids = {};       // The parameter with ids of the actions of `states`.
};

// One line: `given instances $a $b STOPPED {"InstanceType": "S5.MEDIUM2"}`.
struct GivenLine {
  const GivenKind* kind = nullptr;
  std::vector<std::string> names;
  std::string state;             // Empty: where it comes to rest.
  Json params = Json::object();  // As the line has them.

  bool waits() const { return state != kind->made && !kind->made.empty(); }
  // The action that brings it into the state; empty if time alone does.
  std::string_view action() const;
};

// Throws std::runtime_error for what is no such line.
GivenLine read_given(const std::string& text);

}  // namespace cvm::test
