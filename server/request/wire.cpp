// Decoding of queries, forms, JSON and multipart bodies, and the two envelopes of answers.
#include "server/request/wire.h"

#include <algorithm>
#include <boost/url/pct_string_view.hpp>
#include <charconv>
#include <map>

#include "handlers/api/formats.h"
#include "handlers/api/reply.h"
#include "server/request/multipart.h"
#include "state/base/error.h"
#include "state/base/parse_json.h"

namespace cvm {

namespace {

// Of JSON bodies: the deepest shape needs 6 levels, the longest lists some hundred values.
constexpr JsonLimits json_limits{.depth = 32, .members = 1000, .values = 50'000};
constexpr std::size_t path_depth_max = 12;
constexpr std::size_t pairs_max = 20000;

[[noreturn]] void bad(std::string parameter, std::string value, std::string detail) {
  throw Error{"InvalidParameter", std::move(parameter), std::move(value), std::move(detail)};
}

std::string percent_decode(std::string_view text) {
  const auto encoded = boost::urls::make_pct_string_view(text);
  if (!encoded)
    bad("query", std::string(text), "A `%` must be followed by two hexadecimal digits.");
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  std::string decoded = encoded->decode(options);
  if (!is_utf8(decoded)) bad("query", "", "The parameters must be UTF-8.");
  return decoded;
}

// Takes the common parameters of the v1 family out of the pairs.
void read_v1(CommonParams& common, Pairs pairs) {
  common.signing = Signing::v1;
  const std::map<std::string, std::string*, std::less<>> places = {
      {"Action", &common.action},       {"Version", &common.version},
      {"Region", &common.region},       {"Timestamp", &common.timestamp},
      {"Token", &common.token},         {"Language", &common.language},
      {"SecretId", &common.secret_id},  {"Signature", &common.signature},
      {"Nonce", &common.nonce},         {"SignatureMethod", &common.signature_method},
      {"RequestClient", &common.client}};
  for (auto& pair : pairs) {
    if (pair.first != "Signature") common.signed_pairs.push_back(pair);
    if (const auto place = places.find(pair.first); place != places.end()) {
      *place->second = std::move(pair.second);
    } else {
      common.pairs.push_back(std::move(pair));
    }
  }
}

void read_tc3(CommonParams& common, const HttpRequest& request) {
  const std::pair<std::string_view, std::string*> places[] = {
      {"X-TC-Action", &common.action},       {"X-TC-Version", &common.version},
      {"X-TC-Region", &common.region},       {"X-TC-Timestamp", &common.timestamp},
      {"X-TC-Token", &common.token},         {"X-TC-Language", &common.language},
      {"X-TC-RequestClient", &common.client}};
  for (const auto& [header, value] : request.headers) {
    for (const auto& [name, place] : places) {
      if (place->empty() && equal_ignoring_case(header, name)) *place = value;
    }
  }
  for (const auto& [name, place] : places) {
    if (!is_utf8(*place)) bad(std::string(name), "", "Header values must be UTF-8.");
  }
}

bool content_is(std::string_view content_type, std::string_view media) {
  return content_type.size() >= media.size() &&
         equal_ignoring_case(content_type.substr(0, media.size()), media);
}

ParsedJson read_json(std::string_view text, const std::string& what, const JsonLimits& limits) {
  ParsedJson parsed = parse_json(text, limits);
  if (!parsed.problem.empty()) bad(what, "", "It " + parsed.problem + ".");
  return parsed;
}

struct Node {
  std::map<std::string, Node, std::less<>> children;
  const std::string* value = nullptr;
};

void insert(Node& root, const std::string& name, const std::string& value) {
  Node* at = &root;
  std::string_view rest = name;
  for (std::size_t depth = 0; !rest.empty(); ++depth) {
    if (depth == path_depth_max) throw Error{"UnknownParameter", name, "", {}};
    const std::size_t dot = rest.find('.');
    if (at->value != nullptr)
      bad(name, value, "Another parameter gives a value to a part of this name.");
    at = &at->children[std::string(rest.substr(0, dot))];
    rest = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
  }
  if (!at->children.empty()) bad(name, value, "Other parameters name parts of it.");
  at->value = &value;
}

Json element_of(const Node& node, const Member* member);

Json object_of(const Node& node, const Shape* shape) {
  Json object = Json::object();
  // The names differ already: assigning by name would look for each among those before it.
  auto& members = object.get_ref<Json::object_t&>();
  for (const auto& [name, child] : node.children) {
    const Member* member = shape == nullptr ? nullptr : shape->find(name);
    if (member == nullptr || !member->list || child.value != nullptr) {
      members.emplace_back(name, element_of(child, member));
      continue;
    }
    std::map<std::size_t, const Node*> places;
    bool numbers = true;
    for (const auto& [index, element] : child.children) {
      std::size_t place = 0;
      const char* end = index.data() + index.size();
      const auto [stop, failure] = std::from_chars(index.data(), end, place);
      numbers = numbers && failure == std::errc{} && stop == end;
      places.emplace(place, &element);
    }
    // `InstanceIds.x=1`: not a list; the validator says so by the member's name.
    Json list = numbers ? Json::array() : Json::object();
    if (numbers) {
      for (const auto& [place, element] : places) list.push_back(element_of(*element, member));
    }
    members.emplace_back(name, std::move(list));
  }
  return object;
}

Json element_of(const Node& node, const Member* member) {
  if (node.value != nullptr) return *node.value;
  return object_of(node, member == nullptr ? nullptr : member->shape);
}

Json multipart_tree(const HttpRequest& request, const Action& action) {
  Pairs pairs;
  Json parsed = Json::object();
  JsonLimits limits = json_limits;
  for (const Part& part : parse_multipart(request.body, request.header("Content-Type"))) {
    if (!is_utf8(part.name)) throw Error{"InvalidRequest", "name", "", {}};
    if (content_is(part.content_type, "application/json")) {
      ParsedJson json = read_json(part.content, part.name, limits);
      limits.values -= json.values;  // They are bounded for all parts together.
      parsed[part.name] = std::move(json.value);
    } else if (is_utf8(part.content)) {
      pairs.emplace_back(part.name, part.content);
    } else if (action.in.find(part.name) == nullptr) {
      throw Error{"UnknownParameter", part.name, "", {}};
    } else {
      bad(part.name, "", "It must be text in UTF-8.");
    }
  }
  Json tree = tree_of(pairs, action.in);
  tree.update(parsed);
  return tree;
}

}  // namespace

Pairs parse_query(std::string_view text) {
  Pairs pairs;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (item.empty()) continue;
    if (pairs.size() == pairs_max) bad("query", "", "There are too many parameters.");
    const std::size_t equals = item.find('=');
    pairs.emplace_back(
        percent_decode(item.substr(0, equals)),
        equals == item.npos ? std::string() : percent_decode(item.substr(equals + 1)));
  }
  return pairs;
}

CommonParams read_common(const HttpRequest& request) {
  CommonParams common;
  const bool tc3 =
      !request.header("X-TC-Action").empty() || content_is(request.header("Authorization"), "TC3-");
  if (tc3) {
    read_tc3(common, request);
    if (request.method == "GET") common.pairs = parse_query(request.query());
  } else if (request.method == "GET") {
    read_v1(common, parse_query(request.query()));
  } else if (content_is(request.header("Content-Type"), "application/x-www-form-urlencoded")) {
    read_v1(common, parse_query(request.body));
  }
  if (common.region == "null") common.region.clear();
  return common;
}

Json tree_of(const Pairs& pairs, const Shape& shape) {
  Node root;
  for (const auto& [name, value] : pairs) insert(root, name, value);
  return object_of(root, &shape);
}

Params read_params(const HttpRequest& request, const CommonParams& common, const Action& action) {
  Params params;
  const std::string_view type = request.header("Content-Type");
  if (common.signing == Signing::v1 || request.method == "GET") {
    params.tree = tree_of(common.pairs, action.in);
  } else if (content_is(type, "multipart/form-data")) {
    params.tree = multipart_tree(request, action);
  } else if (content_is(type, "application/x-www-form-urlencoded")) {
    params.tree = tree_of(parse_query(request.body), action.in);
  } else if (request.body.empty()) {
    params.body_missing = true;
  } else {
    params.tree = read_json(request.body, "request body", json_limits).value;
    if (!params.tree.is_object()) bad("request body", "", "It must be a JSON object.");
    params.text = request.body;
  }
  return params;
}

std::string finish_body(std::string opened, std::string_view request_id) {
  if (opened.size() > Reply::opening.size()) opened += ',';
  return std::move(opened.append("\"RequestId\":\"").append(request_id).append("\"}}"));
}

std::string error_body(std::string_view code, std::string_view message,
                       std::string_view request_id) {
  const Json error = {{"Code", code}, {"Message", message}};
  std::string opened(Reply::opening);
  opened.append("\"Error\":").append(error.dump(-1, ' ', false, Json::error_handler_t::replace));
  return finish_body(std::move(opened), request_id);
}

}  // namespace cvm
