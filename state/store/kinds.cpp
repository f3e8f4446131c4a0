// Reads fixtures/kinds.json.
#include "state/store/kinds.h"

#include <algorithm>
#include <stdexcept>

#include "state/base/error.h"
#include "state/base/fields.h"
#include "state/base/text.h"

namespace cvm {

namespace {

// `InstanceId ins-*8`, or `… uuid`.
void read_id(const std::string& id, Kind& kind) {
  kind.id_member = id.substr(0, id.find(' '));
  const std::string form = id.substr(std::min(id.size(), kind.id_member.size() + 1));
  if (form == "uuid") return;
  const std::size_t star = form.find('*');
  if (star == form.npos || star + 2 != form.size() || form[star + 1] < '1' || form[star + 1] > '9')
    throw ConfigError{"`" + form + "` is no form of ids such as `ins-*8`, or `uuid`"};
  kind.id_start = form.substr(0, star);
  kind.id_length = static_cast<std::size_t>(form[star + 1] - '0');
}

// The attribute of this path, made if there is none: a filter, a reference and a reservation of the
// same value are one.
Attribute& at_path(Kind& kind, const std::string& path) {
  const auto found = std::find_if(kind.attributes.begin(), kind.attributes.end(),
                                  [&](const Attribute& one) { return one.path == path; });
  if (found != kind.attributes.end()) return *found;
  kind.attributes.push_back({path, path});
  return kind.attributes.back();
}

Kind read_kind(const std::string& name, const Json& facts) {
  only(facts, {"shape", "id", "missing", "state", "operation", "states", "refusal", "refused",
               "busy", "filters", "refers", "reserves", "granted"});
  const auto text = [&](const char* member) { return facts.value(member, ""); };
  const auto texts = [&](const char* member) {
    return facts.value(member, std::vector<std::string>{});
  };
  Kind kind;
  kind.name = name;
  kind.shape = facts.at("shape").get<std::string>();
  if (const std::string id = text("id"); !id.empty()) {
    read_id(id, kind);
    kind.missing = facts.at("missing").get<std::string>();
  }
  kind.state = text("state");
  kind.states = texts("states");
  kind.operation = text("operation");
  kind.refusal = text("refusal");
  kind.refused = texts("refused");
  kind.busy = texts("busy");
  kind.granted = facts.value("granted", false);
  if (kind.state.empty() != kind.states.empty())
    throw ConfigError{"`state` and `states` belong together"};
  const Json filters = facts.value("filters", Json::object());
  for (const auto& [filter, path] : filters.items())
    kind.attributes.push_back({filter, path.get<std::string>()});
  const Json refers = facts.value("refers", Json::object());
  for (const auto& [path, other] : refers.items()) {
    Attribute& attribute = at_path(kind, path);
    attribute.refers = other.get<std::string>();
    attribute.reserved = true;
  }
  for (const std::string& path : texts("reserves")) at_path(kind, path).reserved = true;
  return kind;
}

}  // namespace

bool Kind::is_id(std::string_view text) const {
  if (id_member.empty()) return false;
  return id_length > 0 ? is_id_like(text, id_start, id_length)
                       : is_uuid(text) && lower_case(text) == text;
}

std::string Kind::new_id(RandomStream& random) const {
  return id_length > 0 ? random.id(id_start, id_length) : random.uuid();
}

int Kind::attribute(std::string_view wanted) const {
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].name == wanted) return static_cast<int>(i);
  }
  throw std::logic_error("kind " + name + " has no attribute " + std::string(wanted));
}

Kinds::Kinds(const Fixtures& fixtures) {
  const Json content = fixtures.load("kinds.json");
  for (const auto& [name, facts] : content.items()) {
    told_at("fixtures: kinds.json: " + name,
            [&] { kinds_.push_back(std::make_unique<const Kind>(read_kind(name, facts))); });
  }
  for (const auto& kind : kinds_) {
    for (const Attribute& attribute : kind->attributes) {
      if (!attribute.refers.empty() && find(attribute.refers) == nullptr) {
        throw ConfigError{"fixtures: kinds.json: " + kind->name + ": " + attribute.path +
                          ": there is no kind `" + attribute.refers + "`"};
      }
    }
  }
}

const Kind* Kinds::find(std::string_view name) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(),
                                  [&](const auto& kind) { return kind->name == name; });
  return found == kinds_.end() ? nullptr : found->get();
}

const Kind& Kinds::get(std::string_view name) const {
  const Kind* found = find(name);
  if (found == nullptr) throw std::logic_error("there is no kind " + std::string(name));
  return *found;
}

std::string Kinds::signature() const {
  std::string text;
  for (const auto& kind : kinds_) {
    text.append(kind->name).append(":");
    for (const Attribute& attribute : kind->attributes) {
      text.append(attribute.name).append("=").append(attribute.path);
      text.append(attribute.reserved ? "!;" : ";");
    }
  }
  return text;
}

}  // namespace cvm
