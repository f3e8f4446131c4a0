// Builds the tree from what simdjson has read, or, if that is at odds with the text or the text is
// large, from the events of nlohmann's reader, which itself does not recurse: it knows where a text
// is wrong. nlohmann's own builder looks through all members of an object before it adds one.
#include "state/base/parse_json.h"

#include <simdjson.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace cvm {

namespace {

constexpr std::size_t searched_max = 32;  // Members that are looked through one by one.

// simdjson keeps memory for the longest text that a thread has read.
constexpr std::size_t quick_bytes_max = 256 << 10;
constexpr JsonLimits own_limits{.depth = 1000, .members = 1'000'000, .values = 100'000'000};

class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const JsonLimits& limits, ParsedJson& result)
      : text_(text), limits_(limits), result_(result) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const std::string& /*text*/) override {
    return add(value);
  }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // Not of JSON texts.

  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    auto& members = open_.back().container->get_ref<Json::object_t&>();
    member_ = &member(open_.back().places, members, name);
    return members.size() <= limits_.members ||
           refuse("has an object of more than " + std::to_string(limits_.members) + " members");
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const Json::exception& /*problem*/) override {
    const std::string_view before = text_.substr(0, position > 0 ? position - 1 : 0);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t column = before.size() - (before.rfind('\n') + 1);
    return refuse("is not valid JSON in UTF-8 (line " + std::to_string(lines + 1) + ", column " +
                  std::to_string(column + 1) + ")");
  }

 private:
  using Places = std::unordered_map<std::string, std::ptrdiff_t>;
  struct Open {
    Json* container;
    Places places;  // Of its members, once there are many.
  };

  bool refuse(std::string problem) {
    result_.problem = std::move(problem);
    return false;
  }

  // The member of that name: of two, the last one counts.
  static Json& member(Places& places, Json::object_t& members, std::string& name) {
    if (members.size() < searched_max) return members[name];
    if (places.empty()) {
      for (const auto& [known, value] : members)
        places.emplace(known, static_cast<std::ptrdiff_t>(places.size()));
    }
    const auto [at, added] = places.emplace(name, static_cast<std::ptrdiff_t>(members.size()));
    if (added) members.emplace_back(std::move(name), Json());
    return (members.begin() + at->second)->second;
  }

  bool add(Json value) { return place(std::move(value)) != nullptr; }

  bool open(Json container) {
    if (open_.size() == limits_.depth)
      return refuse("is nested more than " + std::to_string(limits_.depth) + " deep");
    Json* placed = place(std::move(container));
    if (placed == nullptr) return false;
    open_.push_back({placed, {}});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // Null: there are too many.
  Json* place(Json value) {
    if (++result_.values > limits_.values) {
      refuse("has more than " + std::to_string(limits_.values) + " values");
      return nullptr;
    }
    Json* into = &result_.value;
    if (!open_.empty() && open_.back().container->is_array()) {
      auto& elements = open_.back().container->get_ref<Json::array_t&>();
      into = &elements.emplace_back();
    } else if (!open_.empty()) {
      into = member_;
    }
    *into = std::move(value);
    return into;
  }

  std::string_view text_;
  const JsonLimits& limits_;
  ParsedJson& result_;
  std::vector<Open> open_;
  Json* member_ = nullptr;  // That the next value is for.
};

}  // namespace

namespace {

// Copies what simdjson has read. False: it is beyond a limit, or has a name twice.
class Copier {
 public:
  Copier(const JsonLimits& limits, std::size_t& values) : limits_(limits), values_(values) {}

  bool copy(const simdjson::dom::element& from, Json& to, std::size_t depth) {
    using Type = simdjson::dom::element_type;
    if (++values_ > limits_.values) return false;
    switch (from.type()) {
      case Type::ARRAY:
        return elements(from.get_array().value_unsafe(), to, depth + 1);
      case Type::OBJECT:
        return members(from.get_object().value_unsafe(), to, depth + 1);
      case Type::STRING:
        to = std::string(from.get_string().value_unsafe());
        return true;
      case Type::UINT64:
        to = from.get_uint64().value_unsafe();
        return true;
      case Type::DOUBLE:
        to = from.get_double().value_unsafe();
        return true;
      case Type::BOOL:
        to = from.get_bool().value_unsafe();
        return true;
      case Type::NULL_VALUE:
        to = nullptr;
        return true;
      case Type::INT64:
        break;
    }
    const std::int64_t number = from.get_int64().value_unsafe();
    // As nlohmann's reader has it.
    to = number < 0 ? Json(number) : Json(static_cast<std::uint64_t>(number));
    return true;
  }

 private:
  bool elements(const simdjson::dom::array& from, Json& to, std::size_t depth) {
    to = Json::array();
    if (depth > limits_.depth) return false;
    auto& list = to.get_ref<Json::array_t&>();
    for (const simdjson::dom::element& one : from) {
      if (!copy(one, list.emplace_back(), depth)) return false;
    }
    return true;
  }

  bool members(const simdjson::dom::object& from, Json& to, std::size_t depth) {
    to = Json::object();
    if (depth > limits_.depth || from.size() > std::min(limits_.members, own_members_max))
      return false;
    auto& list = to.get_ref<Json::object_t&>();
    list.reserve(from.size());
    for (const auto& [name, value] : from) {
      for (const auto& [known, ignored] : list) {
        if (known == name) return false;
      }
      list.emplace_back(std::string(name), Json());
      if (!copy(value, list.back().second, depth)) return false;
    }
    return true;
  }

  static constexpr std::size_t own_members_max =
      100;  // Of which each is looked for among the others.

  const JsonLimits& limits_;
  std::size_t& values_;
};

bool parse_quickly(std::string_view text, const JsonLimits& limits, ParsedJson& result) {
  thread_local simdjson::dom::parser parser;
  if (text.size() > quick_bytes_max) return false;
  const auto read = parser.parse(text.data(), text.size());
  if (read.error() == simdjson::SUCCESS &&
      Copier(limits, result.values).copy(read.value_unsafe(), result.value, 0))
    return true;
  result = {};
  return false;
}

}  // namespace

Json stored_json(std::string_view text) {
  ParsedJson parsed = parse_json(text, own_limits);
  if (!parsed.problem.empty()) throw std::invalid_argument("what is stored " + parsed.problem);
  return std::move(parsed.value);
}

ParsedJson parse_json(std::string_view text, const JsonLimits& limits) {
  ParsedJson result;
  if (parse_quickly(text, limits, result)) return result;
  Builder builder(text, limits, result);
  Json::sax_parse(text.begin(), text.end(), &builder);
  if (!result.problem.empty()) result.value = nullptr;
  return result;
}

}  // namespace cvm
