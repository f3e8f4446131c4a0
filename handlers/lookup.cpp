// Loading, paging, filtering, and lookups in the catalogue.
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

std::vector<Resource> load(Call& call, const Kind& kind, std::string_view list) {
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

std::vector<Filter> filters_of(const Call& call) {
  std::vector<Filter> filters;
  for (const Args& filter : call.args.objects("Filters")) {
    filters.push_back({filter.text("Name"), filter.texts("Values")});
    if (filters.back().attribute != "zone") continue;
    for (const std::string& zone : filters.back().values) require_zone(call, zone, "Filters");
  }
  return filters;
}

Query query_of(Call& call, std::string_view id_filter) {
  Query query;
  query.offset = call.args.integer("Offset");
  query.limit = call.args.integer("Limit");
  if (call.action.filters.members.empty()) return query;
  for (Filter& filter : filters_of(call)) {
    if (filter.attribute.starts_with("tag:")) {
      const std::string key = filter.attribute.substr(4);
      for (std::string& value : filter.values) value.insert(0, key + joint);
      filter.attribute = "tag";
    }
    if (!id_filter.empty() && filter.attribute == id_filter) {
      if (!query.ids) {
        query.ids = std::move(filter.values);
      } else {
        std::erase_if(*query.ids,
                      [&](const std::string& id) { return !contains(filter.values, id); });
      }
      continue;
    }
    query.filters.push_back(std::move(filter));
  }
  return query;
}

Reply describe(Call& call, const Kind& kind, const Description& what) {
  Query query = query_of(call, what.id_filter);
  query.members = what.members;
  if (call.args.given(what.ids)) query.ids = call.args.texts(what.ids);
  const Page page = call.store.page(kind, query);
  call.shown = page.ids;
  Reply reply;
  reply.add("TotalCount", page.total).list(what.set, page.texts);
  return reply;
}

const Zone& require_zone(const Call& call, const std::string& zone, std::string_view parameter) {
  const Zone* found = call.region.zone(zone);
  if (found == nullptr) {
    refuse(call,
           {"InvalidZone.MismatchRegion", "InvalidParameterValue.ZoneNotSupported",
            "InvalidParameterValue"},
           std::string(parameter), zone, "The region is `" + call.region.id + "`.");
  }
  return *found;
}

Stock stock_of(const Call& call) {
  return {call.state.capacity(), call.state.catalog(), call.store};
}

const PublicImage& require_image(const Call& call, const std::string& id,
                                 std::string_view parameter) {
  const PublicImage* found = call.state.catalog().image(id);
  if (found == nullptr)
    refuse(call, {"InvalidImageId.NotFound", "InvalidParameterValue"}, std::string(parameter), id);
  return *found;
}

std::string default_id(const Call& call, std::string_view prefix, std::string_view where) {
  const std::string scope = "default/" + std::string(prefix) + "/" + call.account.uin + "/" +
                            call.region.id + "/" + std::string(where);
  return RandomStream(call.state.seed(), scope, 0).id(std::string(prefix) + "-");
}

}  // namespace cvm
