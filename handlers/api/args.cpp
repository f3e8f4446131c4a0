// Typed access; the validator has made sure of the types.
#include "handlers/api/args.h"

#include <stdexcept>

namespace cvm {

const Member& Args::member(std::string_view name) const {
  const Member* found = shape_->find(name);
  if (found == nullptr) {
    throw std::logic_error(shape_->name + " has no member " + std::string(name));
  }
  return *found;
}

const Json* Args::find(const Member& member) const {
  if (const auto given = params_->find(member.name); given != params_->end()) return &*given;
  return member.fallback ? &*member.fallback : nullptr;
}

bool Args::given(std::string_view name) const { return params_->contains(member(name).name); }

std::string Args::text(std::string_view name) const {
  const Json* value = find(member(name));
  return value == nullptr ? std::string() : value->get<std::string>();
}

std::int64_t Args::integer(std::string_view name) const {
  const Json* value = find(member(name));
  return value == nullptr ? 0 : value->get<std::int64_t>();
}

bool Args::flag(std::string_view name) const {
  const Json* value = find(member(name));
  return value != nullptr && value->get<bool>();
}

std::vector<std::string> Args::texts(std::string_view name) const {
  const Json* value = find(member(name));
  return value == nullptr ? std::vector<std::string>() : value->get<std::vector<std::string>>();
}

Args Args::object(std::string_view name) const {
  static const Json nothing = Json::object();
  const Member& described = member(name);
  const Json* value = find(described);
  return {value == nullptr ? nothing : *value, *described.shape};
}

std::vector<Args> Args::objects(std::string_view name) const {
  const Member& described = member(name);
  std::vector<Args> all;
  if (const Json* value = find(described)) {
    for (const Json& element : *value) all.emplace_back(element, *described.shape);
  }
  return all;
}

}  // namespace cvm
