// The table. To suspect clients of something new, add a row where its likelihood puts it.
#include "server/forensics/hypotheses.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <cstring>

#include "server/forensics/candidates.h"

namespace cvm::forensics {

namespace {

constexpr std::size_t varied_bytes_max = 1 << 20;
constexpr std::size_t search_bytes_max = 16 << 20;
constexpr std::size_t try_bytes = 1 << 10;  // What a try costs by itself, whatever its size.

// One row of the table: how a signature would have been made, and what is told if it was. It is
// either a habit, told together with the first line that came out differently; or candidates for a
// text of the signature, told as `signed <says> {signed}, but {arrived} arrived` or with what it
// names itself.
struct Hypothesis {
  enum Family { tc3, v1, both } family;
  enum Combination { alone, in_pairs } combination = alone;  // Is it common enough for pairs?
  std::string_view name;                                     // The class of the mistake.
  std::string_view says;

  using Habit = void (*)(ClientSignature&);
  using Places = std::vector<std::string*> (*)(ClientSignature&);  // All of them get the text.
  using Values = Candidates (*)(const Case&);
  Habit habit = nullptr;
  Places places = nullptr;
  Values values = nullptr;

  constexpr Hypothesis(Family whose, std::string_view kind, std::string_view sentence, Habit what,
                       Combination how = alone)
      : family(whose), combination(how), name(kind), says(sentence), habit(what) {}
  constexpr Hypothesis(Family whose, std::string_view kind, std::string_view sentence, Places where,
                       Values what, Combination how = alone)
      : family(whose), combination(how), name(kind), says(sentence), places(where), values(what) {}
};

using By = ClientSignature;
using Pair = Pairs::value_type;

template <auto... members>
std::vector<std::string*> place(By& by) {
  return {&(by.*members)...};
}
std::vector<std::string*> host(By& by) {
  return by.tc3 ? by.named("host") : std::vector<std::string*>{&by.host};
}
std::vector<std::string*> content_type(By& by) { return by.named("content-type"); }
std::vector<std::string*> timestamp(By& by) {
  return by.tc3 ? std::vector<std::string*>{&by.timestamp} : by.named("Timestamp");
}

template <class Change>
void each_value(By& by, Change change) {
  for (auto& [name, value] : by.pairs) value = change(value);
}

void add_action(By& by, bool as_sent) {
  const std::string_view action = by.request->header("X-TC-Action");
  by.pairs.emplace_back("x-tc-action", as_sent ? std::string(action) : lower_case(action));
}

std::string form_encode(std::string_view text) {
  return boost::replace_all_copy(url_encode(text), "%20", "+");
}

std::string lower_case_escapes(std::string text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != text.npos; at += 3) {
    text.replace(at, 3, lower_case(text.substr(at, 3)));
  }
  return text;
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::replace(text.begin(), text.end(), from[i], to[i]);
  }
  return text;
}

// As the languages of clients write the two values of a boolean.
std::string boolean(const std::string& text, const char* yes, const char* no) {
  const std::string lower = lower_case(text);
  return lower == "true" ? yes : lower == "false" ? no : text;
}

bool ignoring_case(const Pair& one, const Pair& other) {
  return lower_case(one.first) < lower_case(other.first);
}

bool by_number(const Pair& one, const Pair& other) {
  return strverscmp(one.first.c_str(), other.first.c_str()) < 0;
}

constexpr auto tc3 = Hypothesis::tc3, v1 = Hypothesis::v1, both = Hypothesis::both;
constexpr auto in_pairs = Hypothesis::in_pairs;

constexpr Hypothesis table[] = {
    {v1, "algorithm", "the client seems to have signed with {told}", place<&By::algorithm>,
     algorithms, in_pairs},
    {both, "host", "the host", host, hosts, in_pairs},
    {v1, "method", "the method", place<&By::method>, methods, in_pairs},
    {tc3, "content-type", "the content type", content_type, content_types, in_pairs},
    {tc3, "payload",
     "the client seems to have signed {told}, {signed}; expected is {arrived}, the hash of what "
     "arrived, {size}",
     place<&By::payload>, payloads, in_pairs},
    {tc3, "query", "the query", place<&By::query>, queries, in_pairs},
    {both, "path", "the path", place<&By::path>, paths, in_pairs},

    {tc3, "encoding",
     "the signature is in upper-case hexadecimal digits, expected are lower-case ones",
     [](By& by) { by.encode = [](auto mac) { return boost::to_upper_copy(hex(mac)); }; }},
    {tc3, "encoding", "the signature is in base64, expected are lower-case hexadecimal digits",
     [](By& by) { by.encode = base64; }},
    {tc3, "encoding", "the signature is its hexadecimal digits in base64, expected are the digits",
     [](By& by) { by.encode = [](auto mac) { return base64(hex(mac)); }; }},
    {tc3, "encoding", "the signature is in quotes, expected are the hexadecimal digits alone",
     [](By& by) { by.encode = [](auto mac) { return "\"" + hex(mac) + "\""; }; }},
    {tc3, "encoding",
     "the string to sign seems to hold the canonical request's hash in upper-case digits",
     [](By& by) {
       by.request_hash = [](auto text) { return boost::to_upper_copy(sha256_hex(text)); };
     }},
    {tc3, "encoding",
     "the string to sign seems to hold the canonical request itself instead of its SHA-256",
     [](By& by) { by.request_hash = [](auto text) { return std::string(text); }; }},
    {tc3, "encoding", "the lines of the signed texts seem to end with CR LF, expected is LF",
     [](By& by) { by.line_end = "\r\n"; }},
    {tc3, "encoding", "the canonical request seems to end with a line feed",
     [](By& by) { by.request_end = "\n"; }},
    {tc3, "encoding", "the string to sign seems to end with a line feed",
     [](By& by) { by.text_end = "\n"; }},
    {tc3, "method", "the client seems to have signed a POST, a GET arrived",
     [](By& by) {
       if (by.method != "GET") return;
       by.method = "POST";
       by.query.clear();
       by.payload = sha256_hex(by.request->body);
     },
     in_pairs},
    {tc3, "method", "the client seems to have signed a GET, a POST arrived",
     [](By& by) {
       if (by.method != "POST") return;
       by.method = "GET";
       by.query = by.request->query();
       by.payload = sha256_hex("");
     },
     in_pairs},
    {tc3, "method", "the client seems to have signed the other method's name",
     [](By& by) { by.method = by.method == "GET" ? "POST" : "GET"; }, in_pairs},
    {tc3, "method", "the client seems to have signed the method in lower case",
     [](By& by) { boost::to_lower(by.method); }},
    {tc3, "header",
     "the client seems to have signed the headers in the opposite order of SignedHeaders",
     [](By& by) { std::reverse(by.pairs.begin(), by.pairs.end()); }},
    {tc3, "header", "the client seems to have signed the names of headers not in lower case",
     [](By& by) {
       for (const auto& [sent, value] : by.request->headers) {
         for (auto& line : by.pairs) {
           if (equal_ignoring_case(sent, line.first)) line.first = sent;
         }
       }
     }},
    {tc3, "header", "the client seems to have signed header values not in lower case",
     [](By& by) {
       for (auto& [name, value] : by.pairs) {
         if (name != "host") value = by.request->header(name);
       }
     }},
    {tc3, "header", "the client seems to have signed all header values in lower case",
     [](By& by) { each_value(by, lower_case); }},
    {tc3, "header",
     "the client seems to have written a blank after the colons of canonical headers",
     [](By& by) { by.colon = ": "; }},
    {tc3, "header", "the client seems to have left out the empty line after the canonical headers",
     [](By& by) { by.empty_line = false; }},
    {tc3, "header",
     "the client seems to have signed x-tc-action, which SignedHeaders does not name",
     [](By& by) { add_action(by, false); }},
    {tc3, "header",
     "the client seems to have signed X-TC-Action, which SignedHeaders does not name",
     [](By& by) { add_action(by, true); }},
    {tc3, "header",
     "the client seems to have signed x-tc-action, SignedHeaders was sent without it",
     [](By& by) { add_action(by, false), by.signed_headers += ";x-tc-action"; }},
    {tc3, "header",
     "the client seems to have signed X-TC-Action, SignedHeaders was sent without it",
     [](By& by) { add_action(by, true), by.signed_headers += ";x-tc-action"; }},
    {tc3, "key", "the key seems to be derived without `TC3` before the SecretKey",
     [](By& by) { by.key_prefix = ""; }, in_pairs},
    {tc3, "key", "the key seems to be derived with `AWS4` before the SecretKey, expected is `TC3`",
     [](By& by) { by.key_prefix = "AWS4"; }},
    {tc3, "key", "the key seems to be derived with `tc3` before the SecretKey, expected is `TC3`",
     [](By& by) { by.key_prefix = "tc3"; }},
    {tc3, "key", "the key seems to be derived through hexadecimal digits, expected are raw bytes",
     [](By& by) { by.derivation = By::Derivation::hex_steps; }, in_pairs},
    {tc3, "key", "the SecretKey itself seems to be used, expected is the key derived from it",
     [](By& by) { by.derivation = By::Derivation::none, by.key_prefix = ""; }, in_pairs},
    {tc3, "key", "the SecretKey with `TC3` before it seems to be used, expected is the derived key",
     [](By& by) { by.derivation = By::Derivation::none; }},
    {tc3, "key", "the key seems to be derived with `aws4_request`, expected is `tc3_request`",
     [](By& by) { by.key_end = "aws4_request"; }},

    {v1, "encoding",
     "each `+` of the signature arrived as a blank: it was not URL-encoded when sent",
     [](By& by) { by.encode = [](auto mac) { return with(base64(mac), "+", " "); }; }, in_pairs},
    {v1, "encoding", "the signature was URL-encoded twice when it was sent",
     [](By& by) { by.encode = [](auto mac) { return url_encode(base64(mac)); }; }, in_pairs},
    {v1, "encoding", "the signature was URL-encoded twice when it was sent, once in lower case",
     [](By& by) {
       by.encode = [](auto mac) { return lower_case_escapes(url_encode(base64(mac))); };
     }},
    {v1, "encoding", "the signature is in hexadecimal digits, expected is base64",
     [](By& by) { by.encode = hex; }, in_pairs},
    {v1, "encoding", "the signature is in upper-case hexadecimal digits, expected is base64",
     [](By& by) { by.encode = [](auto mac) { return boost::to_upper_copy(hex(mac)); }; }},
    {v1, "encoding", "the signature is its hexadecimal digits in base64, expected are its bytes",
     [](By& by) { by.encode = [](auto mac) { return base64(hex(mac)); }; }, in_pairs},
    {v1, "encoding", "the signature is in base64 without the `=` behind it",
     [](By& by) { by.encode = [](auto mac) { return boost::erase_all_copy(base64(mac), "="); }; }},
    {v1, "encoding", "the signature is in base64 with `-` and `_`, expected are `+` and `/`",
     [](By& by) { by.encode = [](auto mac) { return with(base64(mac), "+/", "-_"); }; }},
    {v1, "encoding", "a line feed follows the signature",
     [](By& by) { by.encode = [](auto mac) { return base64(mac) + "\n"; }; }},
    {v1, "encoding",
     "the client seems to have signed URL-encoded values, expected are decoded ones",
     [](By& by) { each_value(by, url_encode); }, in_pairs},
    {v1, "encoding",
     "the client seems to have signed URL-encoded values with `+` for a blank, expected are "
     "decoded ones",
     [](By& by) { each_value(by, form_encode); }, in_pairs},
    {v1, "encoding", "the values were URL-encoded twice when they were sent",
     [](By& by) { each_value(by, url_decode); }, in_pairs},
    {v1, "query", "the client seems not to have sorted the parameters by name",
     [](By& by) { by.before = nullptr; }, in_pairs},
    {v1, "query", "the client seems to have sorted the parameters without regard to case",
     [](By& by) { by.before = ignoring_case; }, in_pairs},
    {v1, "query", "the client seems to have sorted places in lists as numbers, `2` before `10`",
     [](By& by) { by.before = by_number; }, in_pairs},
    {v1, "query", "the client seems to have left out parameters without a value",
     [](By& by) { std::erase_if(by.pairs, [](const Pair& one) { return one.second.empty(); }); }},
    {v1, "query", "the client seems to have signed `true` and `false`, but sent them otherwise",
     [](By& by) { each_value(by, [](auto& text) { return boolean(text, "true", "false"); }); }},
    {v1, "query", "the client seems to have signed `True` and `False`, but sent them otherwise",
     [](By& by) { each_value(by, [](auto& text) { return boolean(text, "True", "False"); }); }},
    {v1, "query",
     "the client seems to have signed `1` and an empty text, but sent `true` and `false`",
     [](By& by) { each_value(by, [](auto& text) { return boolean(text, "1", ""); }); }},
    {v1, "path", "the client seems to have left out the `?` before the parameters",
     [](By& by) { by.question_mark = false; }},
    {v1, "path", "the client seems to have left out the path and the `?` before the parameters",
     [](By& by) { by.path = "", by.question_mark = false; }},
    {v1, "query",
     "the client seems not to have signed the parameter {signed}, which arrived with the others",
     place<&By::left_out>, signature_method, in_pairs},
    {v1, "query",
     "the client seems not to have signed the parameter {signed}, which arrived with the others",
     place<&By::left_out>, parameters},

    {both, "key", "the client seems to have signed with {told}", place<&By::secret_key>,
     misspelt_keys, in_pairs},
    {v1, "key", "the client seems to have put {told} before the SecretKey", place<&By::secret_key>,
     prefixed_key, in_pairs},
    {tc3, "date", "the date", place<&By::date, &By::key_date>, dates},
    {tc3, "date", "with a key derived for the date", place<&By::key_date>, dates},
    {tc3, "date", "in the string to sign the date", place<&By::date>, dates},
    {tc3, "service", "the service", place<&By::service, &By::key_service>, services},
    {tc3, "service", "with a key derived for the service", place<&By::key_service>, services},
    {tc3, "service", "in the string to sign the service", place<&By::service>, services},
    {both, "key", "the client seems to have signed with {told}", place<&By::secret_key>,
     other_keys},
    {both, "clock", "the timestamp", timestamp, timestamps},
};

constexpr char usual_sentence[] =
    "the client seems to have signed {} {{signed}}, but {{arrived}} arrived";

// A hypothesis with one of its candidates, if it has any.
struct Variation {
  const Hypothesis* hypothesis;
  Candidate signed_text;
  std::string arrived;

  void apply(ClientSignature& by) const {
    if (hypothesis->habit != nullptr) return hypothesis->habit(by);
    for (std::string* place : hypothesis->places(by)) *place = signed_text.text;
  }
};

std::vector<Variation> variations(const Case& about, ClientSignature arrived) {
  std::vector<Variation> all;
  for (const Hypothesis& one : table) {
    if (one.family == (about.tc3() ? Hypothesis::v1 : Hypothesis::tc3)) continue;
    if (one.habit != nullptr) {
      all.push_back({&one, "", ""});
      continue;
    }
    const std::vector<std::string*> places = one.places(arrived);
    if (places.empty()) continue;
    for (Candidate& candidate : one.values(about)) {
      if (candidate.text != *places[0]) all.push_back({&one, std::move(candidate), *places[0]});
    }
  }
  return all;
}

std::string sentence(const Case& about, const ClientSignature& base, const Variation& variation) {
  const Hypothesis& one = *variation.hypothesis;
  if (one.habit != nullptr) {
    ClientSignature changed = base;
    variation.apply(changed);
    return fmt::format("{}: {}{}", one.name, one.says, difference(changed.lines(), base.lines()));
  }
  const std::string says = one.says.find('{') != one.says.npos
                               ? std::string(one.says)
                               : fmt::format(usual_sentence, one.says);
  return fmt::format("{}: ", one.name) +
         fmt::format(fmt::runtime(says), fmt::arg("signed", quote(variation.signed_text.text)),
                     fmt::arg("arrived", quote(variation.arrived)),
                     fmt::arg("told", variation.signed_text.told),
                     fmt::arg("size", count_of(about.request.body.size(), "byte")));
}

}  // namespace

std::optional<ClientMistake> find_mistake(const Case& about,
                                          const std::vector<ClientSignature>& accepted,
                                          std::string_view given, bool search) {
  for (const ClientSignature& base : accepted) {
    if (base.signature() == given) return ClientMistake{&base, ""};
  }
  if (!search) return std::nullopt;
  const ClientSignature& usual = accepted.front();
  const std::size_t bytes =
      usual.canonical_request().size() + usual.pairs.size() * sizeof(Pairs::value_type) + try_bytes;
  if (bytes > varied_bytes_max) return std::nullopt;
  std::size_t tries = search_bytes_max / bytes;
  const auto matches = [&](const ClientSignature& base, const Variation& first,
                           const Variation* second) {
    if (tries == 0) return false;
    --tries;
    ClientSignature changed = base;
    first.apply(changed);
    if (second != nullptr) second->apply(changed);
    return changed.signature() == given;
  };
  const std::vector<Variation> all = variations(about, usual);
  for (const Variation& one : all) {
    for (const ClientSignature& base : accepted) {
      if (matches(base, one, nullptr)) {
        return ClientMistake{&base, sentence(about, base, one) + "."};
      }
    }
  }
  std::vector<const Variation*> common;
  for (const Variation& one : all) {
    if (one.hypothesis->combination == Hypothesis::in_pairs) common.push_back(&one);
  }
  for (auto one = common.begin(); one != common.end(); ++one) {
    for (auto other = one + 1; other != common.end(); ++other) {
      if ((*one)->hypothesis->name == (*other)->hypothesis->name) continue;
      for (const ClientSignature& base : accepted) {
        if (!matches(base, **one, *other)) continue;
        return ClientMistake{
            &base, sentence(about, base, **one) + "; and " + sentence(about, base, **other) + "."};
      }
    }
  }
  return std::nullopt;
}

}  // namespace cvm::forensics
