// The API as data: actions, their members, types, limits, filters and error codes, read from
// fixtures/api/*.json; and what is kept beside the API's documents (fixtures/hidden.json), as
// shapes named `Hidden` and the shape of the document. Immutable after loading, shared by all
// threads.
//
// A member is one line: a type, `[]` if it is a list, then words:
//   string int float bool time datetime, or the name of a shape (fixtures/api/shapes.json); in
//   fixtures/hidden.json also `RunInstancesRequest`, what that action is given
//   null                    may be null in replies
//   required                must be given; `required-if Name=VALUE`, `required-unless Name`,
//                           or both: the first unless the second
//   optional                may be missing in a document that is stored (conform.h)
//   partial                 likewise, anything in it may be
//   blank                   an empty text is a value; elsewhere it means "not given"
//   default V               what holds if it is not given
//   in A B C | in 1..100    allowed values, of each element if it is a list
//   size 1..100             number of elements
//   length 2..60            characters; `bytes 0..64` bytes
//   id ins                  `ins-` and eight of [0-9a-z]; `id vpc|DEFAULT` also that word
//   format base64           base64, ascii, ipv4, ipv6, uuid
//   pattern ^[a-z0-9_]+$    one or more characters of the class
//   conflicts A B           must not be given together with these
// After one of in, size, length, bytes, id, format, pattern: `else CODE`, the error it is refused
// with where the action documents that code.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/api/formats.h"
#include "state/base/json.h"
#include "state/catalog/fixtures.h"

namespace cvm {

enum class Type { string, integer, number, boolean, time, datetime, object };

struct Shape;

struct Range {
  std::optional<std::int64_t> low, high;
  bool holds(std::int64_t value) const {
    return (!low || value >= *low) && (!high || value <= *high);
  }
  std::string text() const;  // "1..100"
};

// What a value must be like, and the code of the refusal if it is not ("" for the usual one).
struct Member {
  std::string name;
  Type type = Type::string;
  const Shape* shape = nullptr;  // Of objects.
  bool list = false;
  bool nullable = false;
  bool required = false;
  bool optional = false;
  bool partial = false;
  bool blank = false;
  std::optional<std::pair<std::string, std::string>> required_if;
  std::vector<std::string> required_unless;
  std::optional<Json> fallback;  // The default.

  std::vector<std::string> values;
  std::optional<Range> range, size, length, bytes;
  std::string id_prefix, id_word, format, pattern_text;
  std::optional<CharacterClass> pattern;
  std::vector<std::string> conflicts;
  std::string in_code, size_code, length_code, bytes_code, id_code, format_code, pattern_code;
};

struct Shape {
  std::string name;
  std::vector<Member> members;
  const Member* find(std::string_view name) const;
};

struct Action {
  std::string name;
  std::string category;  // The stem of its file.
  int rate = 0;          // Requests in one second.
  bool needs_region = true;
  bool answers_dry_run = false;  // Its DryRun has an answer of its own instead of an error.
  // What it is given is kept for this one, and has to do for it, too; nullptr: none.
  const Action* prepares = nullptr;
  Shape in, out;
  Shape filters;  // By name; `tag:*` stands for `tag:` and any key.
  std::size_t filter_values_max = 0;
  std::vector<std::string> errors;  // Sorted: the codes of its page.

  bool only_reads() const { return name.starts_with("Describe") || name.starts_with("Inquir"); }
  // Whether its page lists the code, or every action may answer it.
  bool documents(std::string_view code) const;
  // The first of the candidates that it documents, else the last.
  std::string_view choose(std::initializer_list<std::string_view> candidates) const;
};

class Model {
 public:
  explicit Model(const Fixtures& fixtures);  // Throws ConfigError.

  static constexpr std::string_view version = "2017-03-12";

  const Action* find(std::string_view action) const;
  const std::map<std::string, Action, std::less<>>& actions() const { return actions_; }
  const Shape* shape(std::string_view name) const;

  // The text of an error code in the client's language (`zh-CN`, else English), with the names of
  // the parameter and its value filled in. Throws std::logic_error for a code that is not listed.
  std::string message(std::string_view code, std::string_view parameter, std::string_view value,
                      std::string_view detail, std::string_view language) const;
  const std::map<std::string, std::string, std::less<>>& errors() const { return errors_; }

 private:
  void read_shapes(const Json& content);
  void read_category(const std::string& category, const Json& content);
  Shape read_shape(const std::string& name, const Json& members);
  Member read_member(const std::string& where, const std::string& name, const std::string& line);

  std::map<std::string, std::unique_ptr<Shape>, std::less<>> shapes_;
  std::map<std::string, Action, std::less<>> actions_;
  std::map<std::string, std::string, std::less<>> errors_, errors_zh_;
};

}  // namespace cvm
