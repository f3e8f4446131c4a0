// One walk over the parameters; of all violations the one that comes first in the order wins.
#include "handlers/api/validate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "handlers/api/formats.h"
#include "state/base/error.h"
#include "state/base/ids.h"
#include "state/base/text.h"

namespace cvm {

namespace {

enum class Rank { unknown, missing, type, range, value, combination };

// Where the API tells no limit: handlers may store a value for each of a hundred instances, or look
// through a list for each.
constexpr Range otherwise_bytes{0, 64 << 10}, otherwise_size{0, 1000};
constexpr std::size_t named_values_max = 30;  // Longer lists of valid values are not told.

const char* name_of(Type type) {
  switch (type) {
    case Type::integer:
      return "an integer";
    case Type::number:
      return "a number";
    case Type::boolean:
      return "a boolean";
    case Type::object:
      return "an object";
    default:
      return "a string";
  }
}

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Makes `value` the number that the whole of a text spells.
template <class Number>
bool read_number(const std::string& text, Json& value) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return false;
  value = number;
  return true;
}

// Makes `value` what `type` says, if it is that or a text that converts to it exactly.
bool convert(Type type, Json& value) {
  const std::string* text = value.is_string() ? &value.get_ref<const std::string&>() : nullptr;
  switch (type) {
    case Type::integer:
      if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= INT64_MAX;
      return value.is_number_integer() ||
             (text != nullptr && read_number<std::int64_t>(*text, value));
    case Type::number:
      return value.is_number() || (text != nullptr && read_number<double>(*text, value));
    case Type::boolean: {
      if (value.is_boolean()) return true;
      if (text == nullptr) return false;
      const std::string lower = lower_case(*text);
      if (lower != "true" && lower != "false") return false;
      value = lower == "true";
      return true;
    }
    case Type::object:
      return value.is_object();
    default:
      return text != nullptr;
  }
}

// One pass for all of them: erasing them one by one would look for each, and move what follows.
void erase(Json::object_t& members, const std::vector<const std::string*>& names) {
  Json::object_t kept;
  auto next = names.begin();
  for (auto& [name, value] : members) {
    if (next != names.end() && *next == &name) {
      ++next;
    } else {
      kept.emplace_back(name, std::move(value));
    }
  }
  members = std::move(kept);
}

class Walk {
 public:
  Walk(const Action& action, ValidateOptions options) : action_(action), options_(options) {}

  void object(Json& value, const Shape& shape, const std::string& path) {
    std::vector<const std::string*> dropped;
    auto& members = value.get_ref<Json::object_t&>();
    for (auto& [name, given] : members) {
      const Member* member = shape.find(name);
      if (member == nullptr) {
        // One that is refused stays: the journal shows what was sent.
        if (options_.ignore_unknown) {
          dropped.push_back(&name);
        } else {
          refuse(Rank::unknown, "UnknownParameter", path + name, "");
        }
      } else if (absent(given, *member)) {
        dropped.push_back(&name);
      } else {
        this->member(given, *member, path + name);
      }
    }
    if (!dropped.empty()) erase(members, dropped);
    for (const Member& member : shape.members) presence(value, member, path);
  }

  void filters(const Json& params) {
    const auto given = params.find("Filters");
    if (action_.filters.members.empty() || given == params.end() || !given->is_array()) return;
    for (std::size_t i = 0; i < given->size(); ++i) {
      const Json& filter = (*given)[i];
      if (!filter.is_object() || !filter.contains("Name") || !filter["Name"].is_string()) continue;
      one_filter(filter, "Filters." + std::to_string(i));
    }
  }

  void body_missing() {
    if (options_.body_missing) {
      refuse(Rank::type, "InvalidParameter", "request body", "",
             "The body is empty; send a JSON object.");
    }
  }

  std::optional<Error> found() && { return std::move(found_); }

 private:
  static bool absent(const Json& given, const Member& member) {
    if (given.is_null()) return true;
    if (given.is_array()) return given.empty();
    return given.is_string() && given.get_ref<const std::string&>().empty() && !member.blank;
  }

  void refuse(Rank rank, std::string_view code, const std::string& parameter, std::string value,
              std::string detail = {}) {
    if (found_ && rank_ <= rank) return;
    rank_ = rank;
    found_ = Error{std::string(code), parameter, std::move(value), std::move(detail)};
  }

  void member(Json& given, const Member& member, const std::string& path) {
    if (!member.list) return element(given, member, path);
    if (!given.is_array()) {
      return refuse(Rank::type, "InvalidParameter", path, shown(given),
                    "A list of values is expected.");
    }
    const auto size = static_cast<std::int64_t>(given.size());
    const Range& allowed = member.size ? *member.size : otherwise_size;
    if (!allowed.holds(size)) {
      return refuse(Rank::range,
                    action_.choose({member.size_code, "InvalidParameterValue.LimitExceeded",
                                    "InvalidParameterValue"}),
                    path, std::to_string(size),
                    "Number of values allowed: " + allowed.text() + ".");
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
      element(given[i], member, path + "." + std::to_string(i));
    }
  }

  void element(Json& value, const Member& member, const std::string& path) {
    if (!convert(member.type, value)) {
      return refuse(Rank::type, "InvalidParameter", path, shown(value),
                    std::string("It must be ") + name_of(member.type) + ".");
    }
    if (member.type == Type::object) return object(value, *member.shape, path + ".");
    if (member.type == Type::integer && member.range &&
        !member.range->holds(value.get<std::int64_t>())) {
      refuse(
          Rank::range,
          action_.choose({member.in_code, "InvalidParameterValue.Range", "InvalidParameterValue"}),
          path, shown(value), "Allowed range: " + member.range->text() + ".");
    }
    if (!member.values.empty()) one_of(value, member, path);
    if (value.is_string()) text(value.get_ref<const std::string&>(), member, path);
  }

  void one_of(const Json& value, const Member& member, const std::string& path) {
    if (std::find(member.values.begin(), member.values.end(), shown(value)) !=
        member.values.end()) {
      return;
    }
    std::string valid;
    if (member.values.size() <= named_values_max) {
      for (const std::string& allowed : member.values)
        valid += (valid.empty() ? "`" : ", `") + allowed + "`";
      valid = "Valid values: " + valid + ".";
    }
    refuse(Rank::value, action_.choose({member.in_code, "InvalidParameterValue"}), path,
           shown(value), valid);
  }

  // What is too long is not looked at any further.
  void text(const std::string& value, const Member& member, const std::string& path) {
    const auto bytes = static_cast<std::int64_t>(value.size());
    const bool bounded = member.length || !member.id_prefix.empty() || !member.values.empty();
    const Range allowed = member.bytes.value_or(bounded ? Range{} : otherwise_bytes);
    if (!allowed.holds(bytes)) {
      return refuse(Rank::range,
                    action_.choose({member.bytes_code, "InvalidParameterValue.TooLong",
                                    "InvalidParameterValue"}),
                    path, value, "Bytes allowed: " + allowed.text() + ".");
    }
    if (member.length && !member.length->holds(utf8_length(value))) {
      return refuse(Rank::range,
                    action_.choose({member.length_code, "InvalidParameterValue.TooLong",
                                    "InvalidParameterValue"}),
                    path, value, "Characters allowed: " + member.length->text() + ".");
    }
    if (!member.id_prefix.empty() && !is_id(value, member.id_prefix) &&
        (member.id_word.empty() || value != member.id_word)) {
      const bool instance = member.id_prefix == "ins";
      refuse(Rank::value,
             action_.choose({member.id_code,
                             instance ? "InvalidParameterValue.InstanceIdMalformed" : "",
                             "InvalidParameterValue"}),
             path, value);
    }
    if (!member.format.empty() && !has_format(value, member.format)) {
      refuse(Rank::value,
             action_.choose({member.format_code, "InvalidParameterValue.IncorrectFormat",
                             "InvalidParameterValue"}),
             path, value, "Expected format: " + member.format + ".");
    }
    const bool blank = value.empty() && member.blank;
    if (member.pattern && !blank && !member.pattern->holds(value)) {
      refuse(Rank::value, action_.choose({member.pattern_code, "InvalidParameterValue"}), path,
             value, "Expected pattern: `" + member.pattern_text + "`.");
    }
  }

  void presence(const Json& object, const Member& member, const std::string& path) {
    const bool given = object.contains(member.name);
    bool needed = member.required;
    if (member.required_if) {
      const auto other = object.find(member.required_if->first);
      needed = needed || (other != object.end() && other->is_string() &&
                          *other == member.required_if->second);
    }
    if (!member.required_unless.empty()) {
      needed = (needed || !member.required_if) &&
               std::none_of(member.required_unless.begin(), member.required_unless.end(),
                            [&](const std::string& other) { return object.contains(other); });
    }
    if (needed && !given) refuse(Rank::missing, "MissingParameter", path + member.name, "");
    if (!given) return;
    for (const std::string& other : member.conflicts) {
      if (!object.contains(other)) continue;
      refuse(Rank::combination,
             action_.choose({"InvalidParameter.InvalidParameterCoexistImageIdsFilters",
                             "InvalidParameterCombination", "InvalidParameterConflict",
                             "InvalidParameter"}),
             path + member.name, "", "It cannot be given together with `" + path + other + "`.");
    }
  }

  void one_filter(const Json& filter, const std::string& path) {
    const std::string name = filter["Name"];
    const Member* rule = action_.filters.find(name);
    if (rule == nullptr && name.starts_with("tag:") && name.size() > 4)
      rule = action_.filters.find("tag:*");
    if (rule == nullptr) {
      return refuse(Rank::value, action_.choose({"InvalidFilter", "InvalidParameterValue"}),
                    path + ".Name", name);
    }
    const auto values = filter.find("Values");
    if (values == filter.end() || !values->is_array()) return;
    if (values->size() > action_.filter_values_max) {
      refuse(Rank::range,
             action_.choose({"InvalidFilterValue.LimitExceeded",
                             "InvalidParameterValue.LimitExceeded", "InvalidParameterValue"}),
             path + ".Values", std::to_string(values->size()),
             "Values allowed in one filter: " + std::to_string(action_.filter_values_max) + ".");
    }
    for (std::size_t i = 0; i < values->size(); ++i) {
      Json value = (*values)[i];
      if (!value.is_string()) continue;
      const std::string at = path + ".Values." + std::to_string(i);
      // What does not even convert is a wrong value here: every filter value is sent as text.
      if (!convert(rule->type, value)) {
        refuse(Rank::value, "InvalidParameterValue", at, shown(value));
      } else {
        element(value, *rule, at);
      }
    }
  }

  const Action& action_;
  ValidateOptions options_;
  std::optional<Error> found_;
  Rank rank_{};
};

}  // namespace

std::optional<Error> validate(const Action& action, Json& params, ValidateOptions options) {
  Walk walk(action, options);
  walk.object(params, action.in, "");
  walk.body_missing();
  walk.filters(params);
  return std::move(walk).found();
}

}  // namespace cvm
