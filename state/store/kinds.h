// What kinds of resources there are, as data (fixtures/kinds.json): what their documents look like,
// what finds them, what they refer to, how their states and refusals are called. Whatever works on
// resources asks the kind; nothing below the handlers knows an instance from an image.
//
//   shape     the API's type of the document
//   id        the member that holds the id, and its form: `InstanceId ins-*8` (eight of [0-9a-z]),
//             or `… uuid`. Without it, the kind is only listed, never stored
//   missing   the error code for an id that does not exist
//   state     the member that holds the state; `states` are its values
//   operation what the members of the running operation begin with: `LatestOperation`, with
//             `…State`, `…RequestId` and `…ErrorMsg`
//   refusal   code for a state that an action does not take, `*` for the state's name; `refused`
//             are others for actions that do not document it, `busy` those for what has an
//             operation under way: the first that the action documents, else the first
//   filters   by name, where the values of a filter are in the document; `tag:*` takes any key
//   refers    where ids of other kinds are
//   reserves  other values that nobody else may get while an operation is going to give them
//   granted   another account may be let in
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/ids.h"
#include "state/base/json.h"
#include "state/catalog/fixtures.h"

namespace cvm {

// A value that is indexed. `path` leads through the document; `*` walks a list, and `A|B` joins a
// member to each value of the path that goes on behind it (a tag's key and value).
struct Attribute {
  std::string name;
  std::string path;
  bool reserved = false;  // What an operation under way is going to make of it is indexed, too.
  std::string refers;     // The kind whose ids the values are; empty: none.
};

struct Kind {
  std::string name;           // "instance"
  std::string shape;          // "Instance"
  std::string id_member;      // "InstanceId"; empty: never stored.
  std::string id_start;       // "ins-"
  std::size_t id_length = 0;  // 8, behind that; 0: ids are UUIDs.
  std::string missing;        // "InvalidInstanceId.NotFound"
  std::string state;          // "InstanceState"; empty: it has no states, and no steps.
  std::vector<std::string> states;
  std::string operation;  // "LatestOperation"; empty: its documents do not tell of operations.
  std::string refusal;    // "UnsupportedOperation.InstanceState*"
  std::vector<std::string> refused, busy;
  std::vector<Attribute> attributes;
  bool granted = false;

  bool is_id(std::string_view text) const;
  std::string new_id(RandomStream& random) const;

  // The number of an attribute. Throws std::logic_error for a name that the kind does not have.
  int attribute(std::string_view name) const;
};

// Joins the two parts of an `A|B` attribute.
inline constexpr char joint = '\x1f';

class Kinds {
 public:
  explicit Kinds(const Fixtures& fixtures);  // Throws ConfigError.

  const Kind* find(std::string_view name) const;  // nullptr: there is none.
  const Kind& get(std::string_view name) const;   // Throws std::logic_error.
  const std::vector<std::unique_ptr<const Kind>>& all() const { return kinds_; }

  // Tells one set of kinds from another: an index that was made for others has to be made anew.
  std::string signature() const;

 private:
  std::vector<std::unique_ptr<const Kind>> kinds_;
};

}  // namespace cvm
