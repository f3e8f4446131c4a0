// Asks the index where it can, and documents where it must.
#include "handlers/describe.h"

#include <algorithm>
#include <limits>

#include "handlers/lookup.h"
#include "state/store/attributes.h"

namespace cvm {

namespace {

constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

// Whether the kind's own id is what the filter asks for: then it is a list of ids.
bool asks_for_id(const Kind& kind, const Filter& filter) {
  return kind.attributes[static_cast<std::size_t>(kind.attribute(filter.attribute))].path ==
         kind.id_member;
}

void keep_only(std::optional<std::vector<std::string>>& ids, std::vector<std::string> others) {
  if (!ids) {
    ids = std::move(others);
  } else {
    std::erase_if(*ids, [&](const std::string& id) { return !contains(others, id); });
  }
}

Query query_of(const Call& call, const Kind& kind, std::string_view ids) {
  Query query;
  const bool pages = call.action.in.find("Limit") != nullptr;
  query.offset = pages ? call.args.integer("Offset") : 0;
  query.limit = pages ? call.args.integer("Limit") : no_limit;
  if (!ids.empty() && call.args.given(ids)) query.ids = call.args.texts(ids);
  for (Filter& filter : filters_of(call, kind)) {
    if (asks_for_id(kind, filter)) {
      keep_only(query.ids, std::move(filter.values));
    } else {
      query.filters.push_back(std::move(filter));
    }
  }
  return query;
}

// The page as documents, where their text alone is not enough.
class Gathering {
 public:
  Gathering(const Description& what, const Kind& kind, const Query& query,
            const std::vector<Filter>& computed)
      : what_(what), kind_(kind), query_(query), computed_(computed) {}

  void take(Json doc) {
    if (!computed_.empty()) {
      what_.compute(doc);
      if (!passes(doc, kind_, computed_)) return;
    }
    if (what_.only && !what_.only(doc)) return;
    if (total_ >= query_.offset && total_ - query_.offset < query_.limit) show(std::move(doc));
    ++total_;
  }

  // Others than the account's own were not asked by the index.
  void consider(const Json& doc) {
    const bool named =
        !query_.ids || contains(*query_.ids, doc.at(kind_.id_member).get_ref<const std::string&>());
    if (named && passes(doc, kind_, query_.filters)) take(doc);
  }

  const std::vector<std::string>& ids() const { return ids_; }
  Reply answer() const {
    Reply reply;
    reply.add("TotalCount", total_).list(what_.set, shown_);
    return reply;
  }

 private:
  void show(Json doc) {
    ids_.push_back(doc.at(kind_.id_member).get<std::string>());
    if (what_.compute && computed_.empty()) what_.compute(doc);
    if (!what_.members.empty()) {
      Json part = Json::object();
      for (const std::string_view member : what_.members)
        part[std::string(member)] = doc.value(member, Json());
      doc = std::move(part);
    }
    shown_.push_back(doc.dump());
  }

  const Description& what_;
  const Kind& kind_;
  const Query& query_;
  const std::vector<Filter>& computed_;
  std::int64_t total_ = 0;
  std::vector<std::string> ids_, shown_;
};

}  // namespace

std::vector<Filter> filters_of(const Call& call, const Kind& kind) {
  std::vector<Filter> filters;
  if (call.action.filters.members.empty()) return filters;
  for (const Args& given : call.args.objects("Filters")) {
    Filter filter{given.text("Name"), given.texts("Values")};
    if (filter.attribute == "zone") {
      for (const std::string& zone : filter.values) require_zone(call, zone, "Filters");
    }
    if (filter.attribute == "instance-type" &&
        call.action.documents("InvalidInstanceType.Malformed")) {
      for (const std::string& type : filter.values) {
        if (!well_formed_type(type))
          throw Error{"InvalidInstanceType.Malformed", "Filters", type, {}};
      }
    }
    if (filter.attribute.starts_with("tag:")) {
      const std::string key = filter.attribute.substr(4);
      for (std::string& value : filter.values) value.insert(0, key + joint);
      filter.attribute = "tag:*";
    }
    kind.attribute(filter.attribute);  // A filter that the kind does not have is a bug of ours.
    filters.push_back(std::move(filter));
  }
  return filters;
}

bool passes(const Json& doc, const Kind& kind, const std::vector<Filter>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
    const auto number = static_cast<std::size_t>(kind.attribute(filter.attribute));
    const std::vector<std::string> values = values_at(doc, kind.attributes[number].path);
    return std::any_of(values.begin(), values.end(),
                       [&](const std::string& value) { return contains(filter.values, value); });
  });
}

Reply describe(Call& call, const Description& what) {
  const Kind& kind = call.store.kind(what.kind);
  Query query = query_of(call, kind, what.ids);
  const bool plain = !what.only && !what.compute && what.listed.empty() && !kind.granted;
  if (plain) {
    query.members = what.members;
    const Page page = call.store.page(what.kind, query);
    call.lifecycle.show(page.ids);
    Reply reply;
    reply.add("TotalCount", page.total).list(what.set, page.texts);
    return reply;
  }
  const auto computed =
      std::stable_partition(query.filters.begin(), query.filters.end(), [&](const Filter& filter) {
        return std::find(what.computed.begin(), what.computed.end(), filter.attribute) ==
               what.computed.end();
      });
  const std::vector<Filter> of_computed(computed, query.filters.end());
  query.filters.erase(computed, query.filters.end());
  Gathering gathering(what, kind, query, of_computed);
  Query everything = query;
  everything.offset = 0;
  everything.limit = no_limit;
  const Page own = call.store.page(what.kind, everything);
  for (Json& doc : Json::parse("[" + own.texts + "]")) gathering.take(std::move(doc));
  if (kind.granted) {
    for (const Resource& shared : call.store.granted(what.kind)) gathering.consider(shared.doc);
  }
  for (const Json* doc : what.listed) gathering.consider(*doc);
  call.lifecycle.show(gathering.ids());
  return gathering.answer();
}

}  // namespace cvm
