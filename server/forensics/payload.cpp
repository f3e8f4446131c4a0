// The same body as other writers of JSON, other line ends and other hashes would spell it.
#include "server/forensics/payload.h"

#include "server/auth/crypto.h"
#include "server/forensics/search.h"
#include "state/base/json.h"

namespace cvm::forensics {

namespace {

constexpr std::size_t rewritten_max = 64 << 10;
constexpr std::size_t unhashed_max = 4 << 10;
constexpr int depth_max = 32;  // Writing JSON recurses, and an indented one grows with its depth.

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from)) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

// `{"a":1,"b":2}` as `{"a": 1, "b": 2}`, with the blanks outside of texts that are asked for.
std::string spaced(std::string_view compact, bool after_comma) {
  std::string out;
  bool quotes = false;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    out += c;
    if (quotes && c == '\\' && i + 1 < compact.size()) {
      out += compact[++i];
    } else if (c == '"') {
      quotes = !quotes;
    } else if (!quotes && (c == ':' || (c == ',' && after_comma))) {
      out += ' ';
    }
  }
  return out;
}

struct Writing {
  std::string how, text;
};

template <class Tree>
void write(std::vector<Writing>& all, const Tree& tree, const std::string& keys) {
  const auto replace = Tree::error_handler_t::replace;
  for (const bool ascii : {false, true}) {
    const std::string compact = tree.dump(-1, ' ', ascii, replace);
    const std::string how = keys + (ascii ? ", with everything but ASCII as \\u escapes" : "");
    all.push_back({"written without blanks" + how, compact});
    all.push_back({"written with a blank after each `:` and `,`" + how, spaced(compact, true)});
    all.push_back({"written with a blank after each `:`" + how, spaced(compact, false)});
    all.push_back(
        {"written without blanks, with `/` as `\\/`" + how, replaced(compact, "/", "\\/")});
  }
  const std::string compact = tree.dump(-1, ' ', false, replace);
  all.push_back(
      {"written without blanks, with `<`, `>` and `&` as \\u escapes" + keys,
       replaced(replaced(replaced(compact, "&", "\\u0026"), "<", "\\u003c"), ">", "\\u003e")});
  for (const int indent : {2, 4}) {
    all.push_back({"indented by " + std::to_string(indent) + " blanks" + keys,
                   tree.dump(indent, ' ', false, replace)});
  }
}

std::vector<Writing> writings(const std::string& body) {
  std::vector<Writing> all;
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= depth_max; };
  const Json tree = Json::parse(body, shallow, false);
  if (!tree.is_discarded()) {
    write(all, tree, "");
    write(all, nlohmann::json(tree), ", with sorted keys");
  }
  const std::string unix_lines = replaced(body, "\r\n", "\n");
  all.push_back({"with line feeds in place of CR LF", unix_lines});
  all.push_back({"with CR LF in place of line feeds", replaced(unix_lines, "\n", "\r\n")});
  all.push_back({"with a line feed behind it", body + "\n"});
  all.push_back({"with its URL encoding undone", url_decode(body)});
  all.push_back({"URL-encoded", url_encode(body)});
  if (body.starts_with("\xef\xbb\xbf")) {
    all.push_back({"without its byte order mark", body.substr(3)});
  }
  return all;
}

}  // namespace

std::vector<PayloadCandidate> payload_candidates(const HttpRequest& request) {
  std::vector<PayloadCandidate> all;
  const auto hashed = [&](const std::string& says, std::string_view text) {
    all.push_back({says, sha256_hex(text)});
  };
  hashed("the hash of an empty body", "");
  hashed("the hash of the body `{}`", "{}");
  hashed("the hash of the body `null`", "null");
  hashed("the hash of `UNSIGNED-PAYLOAD`, without a header X-TC-Content-SHA256 that says so",
         "UNSIGNED-PAYLOAD");
  all.push_back({"`UNSIGNED-PAYLOAD` itself", "UNSIGNED-PAYLOAD"});
  all.push_back({"no payload hash at all", ""});
  hashed("the hash of the query", request.query());
  hashed("the hash of the body", request.body);
  const std::string counted = request.method == "GET" ? sha256_hex("") : all.back().hash;
  std::string upper = counted;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  all.push_back({"the payload hash in upper-case digits", upper});
  hashed("the hash of the payload's hash", counted);

  std::string_view stripped = request.body;
  while (stripped.ends_with('\n') || stripped.ends_with('\r') || stripped.ends_with(' ')) {
    stripped.remove_suffix(1);
  }
  if (stripped.size() < request.body.size()) {
    hashed("the hash of the body without the line end or blanks behind it", stripped);
  }
  if (request.body.size() > rewritten_max) return all;
  const std::string body(request.body);
  for (const Writing& one : writings(body)) {
    if (one.text == body) continue;
    hashed("the hash of the body " + one.how + ", " + quote(one.text), one.text);
  }
  if (body.size() <= unhashed_max) all.push_back({"the body itself instead of its hash", body});
  return all;
}

}  // namespace cvm::forensics
