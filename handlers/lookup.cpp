// Loading, refusing, and lookups in the catalogue.
#include "handlers/lookup.h"

#include <algorithm>
#include <set>

namespace cvm {

void refuse(const Call& call, std::initializer_list<std::string_view> codes, std::string parameter,
            std::string value, std::string detail) {
  throw Error{std::string(call.action.choose(codes)), std::move(parameter), std::move(value),
              std::move(detail)};
}

bool well_formed_type(std::string_view name) {
  const std::size_t dot = name.find('.');
  const auto word = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
  };
  return dot != name.npos && word(name.substr(0, dot)) && word(name.substr(dot + 1));
}

bool chinese(const Call& call) { return call.language.starts_with("zh"); }

std::vector<Resource> load(Call& call, std::string_view kind, std::string_view list) {
  const std::vector<std::string> ids = call.args.texts(list);
  std::set<std::string_view> seen;
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) {
      refuse(call, {"InvalidParameterValue.Duplicate", "InvalidParameterValue"}, std::string(list),
             id, "It is given more than once.");
    }
  }
  std::vector<Resource> loaded;
  loaded.reserve(ids.size());
  for (const std::string& id : ids) loaded.push_back(call.store.get(kind, id));
  return loaded;
}

const Zone& require_zone(const Call& call, const std::string& zone, std::string_view parameter) {
  const Zone* found = call.region.zone(zone);
  if (found == nullptr) {
    refuse(call, {"InvalidZone.MismatchRegion", "InvalidParameterValue"}, std::string(parameter),
           zone, "The region is `" + call.region.id + "`.");
  }
  return *found;
}

std::shared_ptr<const Image> find_image(const Call& call, const std::string& id) {
  if (const auto stored = call.store.find_visible("image", id))
    return Image::stored(stored->doc, stored->hidden);
  return call.catalog.image(id);
}

std::shared_ptr<const Image> require_image(const Call& call, const std::string& id,
                                           std::string_view parameter) {
  if (auto stored = call.store.find_visible("image", id))
    call.lifecycle.prepare("image.launch", *stored);
  auto found = find_image(call, id);
  if (found == nullptr)
    refuse(call, {"InvalidImageId.NotFound", "InvalidParameterValue"}, std::string(parameter), id);
  return found;
}

std::string default_id(const Call& call, std::string_view prefix, std::string_view where) {
  const std::string scope = "default/" + std::string(prefix) + "/" + call.store.tenant().account +
                            "/" + call.region.id + "/" + std::string(where);
  return call.store.named_stream(scope).id(std::string(prefix) + "-");
}

}  // namespace cvm
