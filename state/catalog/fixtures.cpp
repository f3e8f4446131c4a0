// Finds embedded files in the table that the build generates, and merges the user's over them.
#include "state/catalog/fixtures.h"

#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>

#include "state/base/error.h"
#include "state/base/parse_json.h"
#include "state/catalog/embedded.h"

namespace cvm {

namespace fs = std::filesystem;

std::optional<std::string> read_file(const std::string& path) {
  std::error_code failure;  // A directory opens like an empty file.
  if (std::filesystem::is_directory(path, failure)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

Fixtures::Fixtures(std::string directory) : directory_(std::move(directory)) {
  if (directory_.empty()) return;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(directory_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (!entry->is_regular_file()) continue;
    const std::string name = fs::relative(entry->path(), directory_).generic_string();
    if (!builtin(name)) {
      throw ConfigError{"fixtures: " + entry->path().string() + " replaces no built-in file"};
    }
  }
  if (failure) throw ConfigError{"fixtures: cannot read the directory " + directory_};
}

Json Fixtures::load(const std::string& name) const {
  const auto text = builtin(name);
  if (!text) throw std::logic_error("no built-in file " + name);
  Json content = Json::parse(*text);
  if (directory_.empty()) return content;
  const fs::path path = fs::path(directory_) / name;
  if (!fs::exists(path)) return content;
  const std::string own = read_file(path.string()).value_or("");
  const ParsedJson patch = parse_json(own, file_limits);
  if (!patch.problem.empty())
    throw ConfigError{"fixtures: " + path.string() + ": it " + patch.problem};
  if (!patch.value.is_object())
    throw ConfigError{"fixtures: " + path.string() + ": must be a JSON object"};
  content.merge_patch(patch.value);
  return content;
}

std::optional<std::string_view> Fixtures::builtin(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file.content;
  }
  return std::nullopt;
}

std::vector<std::string_view> Fixtures::names(std::string_view prefix) {
  std::vector<std::string_view> found;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.starts_with(prefix)) found.push_back(file.name);
  }
  return found;
}

}  // namespace cvm
