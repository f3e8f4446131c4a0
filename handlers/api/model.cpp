// Reads the notation described in model.h.
#include "handlers/api/model.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "state/base/error.h"
#include "state/base/text.h"

namespace cvm {

namespace {

// Codes that any action may answer: those without a dot of the common list are told apart by the
// page of every action referring to it.
constexpr std::string_view common_codes[] = {
    "FailedOperation",      "InternalError",       "InvalidParameter",      "InvalidParameterValue",
    "LimitExceeded",        "MissingParameter",    "ResourceInUse",         "ResourceInsufficient",
    "ResourceNotFound",     "ResourceUnavailable", "UnauthorizedOperation", "UnknownParameter",
    "UnsupportedOperation", "DryRunOperation"};

// Words of a line; a word in double quotes may hold spaces.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any || !word.empty()) words.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word += c;
    }
  }
  if (any || !word.empty()) words.push_back(word);
  return words;
}

bool is_keyword(const std::string& word) {
  static const std::vector<std::string> keywords = {
      "null",    "required",  "required-if", "required-unless", "blank",  "default",
      "in",      "size",      "length",      "bytes",           "id",     "format",
      "pattern", "conflicts", "else",        "optional",        "partial"};
  return std::find(keywords.begin(), keywords.end(), word) != keywords.end();
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Range> parse_range(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == text.npos) return std::nullopt;
  const std::string low = text.substr(0, dots), high = text.substr(dots + 2);
  Range range{whole(low), whole(high)};
  if ((!low.empty() && !range.low) || (!high.empty() && !range.high)) return std::nullopt;
  return range;
}

Json parse_default(Type type, const std::string& text) {
  if (type == Type::integer) return whole(text).value();
  if (type == Type::boolean) return text == "true";
  return text;
}

// Reads the words after the type, one keyword with its operands at a time.
class LineReader {
 public:
  LineReader(Member& member, std::vector<std::string> words)
      : member_(member), words_(std::move(words)) {}

  // False if the line is not in the notation.
  bool read() {
    while (at_ < words_.size()) {
      const std::string keyword = words_[at_++];
      if (!flag(keyword) && !constraint(keyword)) return false;
      if (at_ + 1 < words_.size() && words_[at_] == "else") {
        if (code_ == nullptr) return false;
        *code_ = words_[at_ + 1];
        at_ += 2;
      }
      code_ = nullptr;
    }
    return true;
  }

 private:
  std::string operand() { return at_ < words_.size() ? words_[at_++] : std::string(); }
  std::vector<std::string> operands() {
    std::vector<std::string> all;
    while (at_ < words_.size() && !is_keyword(words_[at_])) all.push_back(words_[at_++]);
    return all;
  }
  bool range(std::optional<Range>& into, std::string& code) {
    code_ = &code;
    into = parse_range(operand());
    return into.has_value();
  }

  bool flag(const std::string& keyword) {
    if (keyword == "null") return member_.nullable = true;
    if (keyword == "required") return member_.required = true;
    if (keyword == "optional") return member_.optional = true;
    if (keyword == "partial") return member_.partial = true;
    if (keyword == "blank") return member_.blank = true;
    if (keyword == "required-if") {
      const std::string condition = operand();
      const std::size_t equals = condition.find('=');
      if (equals == condition.npos) return false;
      member_.required_if = {condition.substr(0, equals), condition.substr(equals + 1)};
      return true;
    }
    if (keyword == "required-unless") return !(member_.required_unless = operands()).empty();
    if (keyword == "conflicts") return !(member_.conflicts = operands()).empty();
    if (keyword == "default") {
      member_.fallback = parse_default(member_.type, operand());
      return true;
    }
    return false;
  }

  bool constraint(const std::string& keyword) {
    if (keyword == "size") return range(member_.size, member_.size_code);
    if (keyword == "length") return range(member_.length, member_.length_code);
    if (keyword == "bytes") return range(member_.bytes, member_.bytes_code);
    if (keyword == "in") {
      code_ = &member_.in_code;
      if (at_ < words_.size() && (member_.range = parse_range(words_[at_]))) return ++at_ > 0;
      return !(member_.values = operands()).empty();
    }
    if (keyword == "id") {
      code_ = &member_.id_code;
      member_.id_prefix = operand();
      if (const auto bar = member_.id_prefix.find('|'); bar != std::string::npos) {
        member_.id_word = member_.id_prefix.substr(bar + 1);
        member_.id_prefix.resize(bar);
      }
      return !member_.id_prefix.empty();
    }
    if (keyword == "format") {
      code_ = &member_.format_code;
      return !(member_.format = operand()).empty();
    }
    if (keyword == "pattern") {
      code_ = &member_.pattern_code;
      member_.pattern_text = operand();
      member_.pattern = CharacterClass::read(member_.pattern_text);
      return member_.pattern.has_value();
    }
    return false;
  }

  Member& member_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::string* code_ = nullptr;
};

// What clients sent comes back in messages, but not at any length.
constexpr std::size_t told_bytes_max = 200;

void replace(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

std::string Range::text() const {
  return (low ? std::to_string(*low) : "") + ".." + (high ? std::to_string(*high) : "");
}

const Member* Shape::find(std::string_view member) const {
  for (const Member& candidate : members) {
    if (candidate.name == member) return &candidate;
  }
  return nullptr;
}

bool Action::documents(std::string_view code) const {
  return std::binary_search(errors.begin(), errors.end(), code) ||
         std::find(std::begin(common_codes), std::end(common_codes), code) !=
             std::end(common_codes);
}

std::string_view Action::choose(std::initializer_list<std::string_view> candidates) const {
  for (const std::string_view code : candidates) {
    if (!code.empty() && documents(code)) return code;
  }
  return *(candidates.end() - 1);
}

Model::Model(const Fixtures& fixtures) {
  try {
    read_shapes(fixtures.load("api/shapes.json"));
    for (const std::string_view file : Fixtures::names("api/")) {
      const std::string name(file);
      if (name.starts_with("api/errors") || name == "api/shapes.json") continue;
      read_category(name.substr(4, name.size() - 9), fixtures.load(name));
    }
    read_shapes(fixtures.load("hidden.json"));
    errors_ = fixtures.load("api/errors.json").get<decltype(errors_)>();
    errors_zh_ = fixtures.load("api/errors.zh-CN.json").get<decltype(errors_zh_)>();
  } catch (const Json::exception& problem) {
    throw ConfigError{std::string("fixtures: api: ") + problem.what()};
  }
}

void Model::read_shapes(const Json& content) {
  for (const auto& [name, members] : content.items()) {
    shapes_.emplace(name, std::make_unique<Shape>());
  }
  for (const auto& [name, members] : content.items()) {
    *shapes_.find(name)->second = read_shape(name, members);
  }
}

void Model::read_category(const std::string& category, const Json& content) {
  for (const auto& [name, facts] : content.items()) {
    Action action;
    action.name = name;
    action.category = category;
    action.rate = facts.at("rate").get<int>();
    action.needs_region = facts.value("region", true);
    action.answers_dry_run = facts.value("answers_dry_run", false);
    action.in = read_shape(name, facts.at("in"));
    action.out = read_shape(name, facts.at("out"));
    action.filters = read_shape(name + " filters", facts.value("filters", Json::object()));
    action.filter_values_max = facts.value("filter_values", std::size_t{0});
    action.errors = facts.at("errors").get<std::vector<std::string>>();
    std::sort(action.errors.begin(), action.errors.end());
    const std::string prepares = facts.value("prepares", "");
    if (!prepares.empty() && (action.prepares = find(prepares)) == nullptr)
      throw ConfigError{"fixtures: api: " + name + ": there is no action `" + prepares + "`"};
    actions_.emplace(name, std::move(action));
  }
}

Shape Model::read_shape(const std::string& name, const Json& members) {
  Shape shape;
  shape.name = name;
  for (const auto& [member, line] : members.items()) {
    shape.members.push_back(read_member(name, member, line.get<std::string>()));
  }
  return shape;
}

Member Model::read_member(const std::string& where, const std::string& name,
                          const std::string& line) {
  static const std::map<std::string, Type> types = {
      {"string", Type::string}, {"int", Type::integer}, {"float", Type::number},
      {"bool", Type::boolean},  {"time", Type::time},   {"datetime", Type::datetime}};
  Member member;
  member.name = name;
  std::vector<std::string> words = split(line);
  const std::string bad = "fixtures: api: " + where + "." + name + ": `" + line + "`: ";
  if (words.empty()) throw ConfigError{bad + "no type"};
  std::string type = words.front();
  words.erase(words.begin());
  if (type.ends_with("[]")) {
    member.list = true;
    type.resize(type.size() - 2);
  }
  if (const auto scalar = types.find(type); scalar != types.end()) {
    member.type = scalar->second;
  } else {
    member.type = Type::object;
    member.shape = shape(type);
    if (member.shape == nullptr) throw ConfigError{bad + "unknown type"};
  }
  try {
    if (LineReader(member, std::move(words)).read()) return member;
  } catch (const std::exception&) {
    // A bad number: told below like any other mistake in the line.
  }
  throw ConfigError{bad + "cannot be read"};
}

const Action* Model::find(std::string_view action) const {
  const auto found = actions_.find(action);
  return found == actions_.end() ? nullptr : &found->second;
}

const Shape* Model::shape(std::string_view name) const {
  if (const auto found = shapes_.find(name); found != shapes_.end()) return found->second.get();
  constexpr std::string_view end = "Request";
  const Action* action =
      name.ends_with(end) ? find(name.substr(0, name.size() - end.size())) : nullptr;
  return action == nullptr ? nullptr : &action->in;
}

std::string Model::message(std::string_view code, std::string_view parameter,
                           std::string_view value, std::string_view detail,
                           std::string_view language) const {
  auto found = errors_zh_.end();
  if (language.starts_with("zh")) found = errors_zh_.find(code);
  if (found == errors_zh_.end()) {
    found = errors_.find(code);
    if (found == errors_.end()) throw std::logic_error("unlisted error code " + std::string(code));
  }
  std::string text = found->second;
  parameter = shorten(parameter, told_bytes_max);
  value = shorten(value, told_bytes_max);
  const bool names_parameter = text.find("{parameter}") != text.npos;
  const bool names_value = text.find("{value}") != text.npos;
  // A text without room for them gets them behind it: every message names its culprit.
  if (!parameter.empty() && !names_parameter && !(names_value && !value.empty())) {
    text.append(" (`").append(parameter).append("`");
    if (!value.empty()) text.append(": `").append(value).append("`");
    text += ")";
  }
  replace(text, "{parameter}", parameter);
  replace(text, "{value}", value);
  if (!detail.empty()) text.append(" ").append(detail);
  return text;
}

}  // namespace cvm
