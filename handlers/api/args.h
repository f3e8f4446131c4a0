// The validated parameters, as a handler reads them: by names that the model knows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/api/model.h"
#include "state/base/json.h"

namespace cvm {

// A view; the Json and the Shape outlive it. Asking for a name that is not in the shape is a bug
// and throws std::logic_error. What was not given reads as the model's default, else as "", 0,
// false, an empty list, an empty object.
class Args {
 public:
  Args(const Json& params, const Shape& shape) : params_(&params), shape_(&shape) {}

  bool given(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  Args object(std::string_view name) const;
  std::vector<Args> objects(std::string_view name) const;

  const Json& json() const { return *params_; }

 private:
  const Member& member(std::string_view name) const;
  const Json* find(const Member& member) const;

  const Json* params_;
  const Shape* shape_;
};

}  // namespace cvm
