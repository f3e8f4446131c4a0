// The data files of fixtures/, built into the program, and the directory that may replace parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"

namespace cvm {

// A file's content; nothing if it cannot be read.
std::optional<std::string> read_file(const std::string& path);

class Fixtures {
 public:
  // `directory` is the value of --fixtures, or empty. Throws ConfigError if it cannot be read or
  // holds a file whose name no built-in file has.
  explicit Fixtures(std::string directory = {});

  // The built-in JSON file of this name (`regions.json`, `api/images.json`). A file of the same
  // name in the directory is merged over it (RFC 7396: members are added or replaced, null
  // removes). Throws ConfigError, with file and reason, if that file is not JSON.
  Json load(const std::string& name) const;

  // A built-in file as it is; nothing if there is none.
  static std::optional<std::string_view> builtin(std::string_view name);
  static std::vector<std::string_view> names(std::string_view prefix);

 private:
  std::string directory_;
};

}  // namespace cvm
