// What a client may have signed in place of our source string, with HmacSHA1 or HmacSHA256.
#include <algorithm>
#include <cctype>

#include "server/auth/crypto.h"
#include "server/forensics/search.h"

namespace cvm::forensics {

namespace {

constexpr std::size_t dropped_max = 64;

using Pair = Pairs::value_type;
enum class Order { by_name, as_sent, ignoring_case, by_number };

// Everything that enters a signature, as one client understands it.
struct V1Signed {
  std::string method, host, path;
  Pairs pairs;  // As sent.
  Order order = Order::by_name;
  bool question_mark = true;
  Digest digest = Digest::sha1;
  std::string secret_key;
  std::string (*encode)(std::string_view mac) = base64;
  std::size_t pairs_size = 0;

  std::size_t size() const { return method.size() + host.size() + path.size() + pairs_size; }
  std::string source() const;
  std::string text() const {
    std::string lines = source();
    for (char& c : lines) c = c == '&' || c == '?' ? '\n' : c;
    return method + " " + host + path + "\n" + lines + "\n" + signature();
  }
  std::string signature() const { return encode(hmac(digest, secret_key, source())); }
};
using Variations = std::vector<Variation<V1Signed>>;

// The parts of a name between its dots, places in lists as numbers.
bool before_by_number(const Pair& one, const Pair& other) {
  std::string_view a = one.first, b = other.first;
  while (!a.empty() && !b.empty()) {
    const std::string_view left = a.substr(0, a.find('.')), right = b.substr(0, b.find('.'));
    if (left != right) {
      const auto digits = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
      };
      const bool shorter = left.size() != right.size() && digits(left) && digits(right);
      return shorter ? left.size() < right.size() : left < right;
    }
    a.remove_prefix(std::min(left.size() + 1, a.size()));
    b.remove_prefix(std::min(right.size() + 1, b.size()));
  }
  return a.size() < b.size();
}

std::string V1Signed::source() const {
  std::string all;
  if (order == Order::by_name) {
    all = v1_source(method, host, path, pairs);
  } else {
    Pairs sorted = pairs;
    if (order == Order::by_number) {
      std::stable_sort(sorted.begin(), sorted.end(), before_by_number);
    } else if (order == Order::ignoring_case) {
      std::stable_sort(sorted.begin(), sorted.end(), [](const Pair& a, const Pair& b) {
        return lower_case(a.first) < lower_case(b.first);
      });
    }
    all = v1_source_in_order(method, host, path, sorted);
  }
  if (!question_mark) all.erase(method.size() + host.size() + path.size(), 1);
  return all;
}

void each_value(V1Signed& text, std::string (*change)(std::string_view)) {
  for (Pair& pair : text.pairs) pair.second = change(pair.second);
}

std::string form_encode(std::string_view text) {
  std::string out = url_encode(text);
  for (std::size_t at = 0; (at = out.find("%20", at)) != out.npos;) out.replace(at, 3, "+");
  return out;
}

std::string json_bool(std::string_view text) {
  return text == "True" || text == "TRUE"     ? "true"
         : text == "False" || text == "FALSE" ? "false"
                                              : std::string(text);
}
std::string python_bool(std::string_view text) {
  return text == "true" ? "True" : text == "false" ? "False" : std::string(text);
}
std::string php_bool(std::string_view text) {
  const std::string plain = json_bool(text);
  return plain == "true" ? "1" : plain == "false" ? "" : plain;
}

struct Habit {
  std::string_view name, says;
  void (*apply)(V1Signed&);
  bool in_pairs = false;
};

constexpr Habit habits[] = {
    {"encoding", "each `+` of the signature arrived as a blank: it was not URL-encoded when sent",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) {
         std::string out = base64(mac);
         std::replace(out.begin(), out.end(), '+', ' ');
         return out;
       };
     },
     true},
    {"encoding", "the signature was URL-encoded twice when it was sent",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) { return url_encode(base64(mac)); };
     },
     true},
    {"encoding", "the signature was URL-encoded twice when it was sent, once in lower case",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) {
         std::string out = url_encode(base64(mac));
         for (std::size_t at = 0; (at = out.find('%', at)) != out.npos; at += 3) {
           out.replace(at, 3, lower_case(out.substr(at, 3)));
         }
         return out;
       };
     }},
    {"encoding", "the signature is in hexadecimal digits, expected is base64",
     [](V1Signed& text) { text.encode = hex; }, true},
    {"encoding", "the signature is in upper-case hexadecimal digits, expected is base64",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) {
         std::string out = hex(mac);
         for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
         return out;
       };
     }},
    {"encoding", "the signature is its hexadecimal digits in base64, expected are its bytes",
     [](V1Signed& text) { text.encode = [](std::string_view mac) { return base64(hex(mac)); }; },
     true},
    {"encoding", "the signature is in base64 without the `=` behind it",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) {
         std::string out = base64(mac);
         return out.substr(0, out.find('='));
       };
     }},
    {"encoding", "the signature is in base64 with `-` and `_`, expected are `+` and `/`",
     [](V1Signed& text) {
       text.encode = [](std::string_view mac) {
         std::string out = base64(mac);
         std::replace(out.begin(), out.end(), '+', '-');
         std::replace(out.begin(), out.end(), '/', '_');
         return out;
       };
     }},
    {"encoding", "a line feed follows the signature",
     [](V1Signed& text) { text.encode = [](std::string_view mac) { return base64(mac) + "\n"; }; }},
    {"encoding", "the client seems to have signed URL-encoded values, expected are decoded ones",
     [](V1Signed& text) { each_value(text, url_encode); }, true},
    {"encoding",
     "the client seems to have signed URL-encoded values with `+` for a blank, expected are "
     "decoded ones",
     [](V1Signed& text) { each_value(text, form_encode); }, true},
    {"encoding", "the values were URL-encoded twice when they were sent",
     [](V1Signed& text) { each_value(text, url_decode); }, true},
    {"query", "the client seems not to have sorted the parameters by name",
     [](V1Signed& text) { text.order = Order::as_sent; }, true},
    {"query", "the client seems to have sorted the parameters without regard to case",
     [](V1Signed& text) { text.order = Order::ignoring_case; }, true},
    {"query", "the client seems to have sorted places in lists as numbers, `2` before `10`",
     [](V1Signed& text) { text.order = Order::by_number; }, true},
    {"query", "the client seems to have left out parameters without a value",
     [](V1Signed& text) {
       std::erase_if(text.pairs, [](const Pair& pair) { return pair.second.empty(); });
     }},
    {"query", "the client seems to have signed `true` and `false`, but sent them otherwise",
     [](V1Signed& text) { each_value(text, json_bool); }},
    {"query", "the client seems to have signed `True` and `False`, but sent them otherwise",
     [](V1Signed& text) { each_value(text, python_bool); }},
    {"query", "the client seems to have signed `1` and an empty text, but sent `true` and `false`",
     [](V1Signed& text) { each_value(text, php_bool); }},
    {"path", "the client seems to have left out the `?` before the parameters",
     [](V1Signed& text) { text.question_mark = false; }},
    {"path", "the client seems to have left out the path and the `?` before the parameters",
     [](V1Signed& text) { text.path.clear(), text.question_mark = false; }},
};

void add_algorithm(Variations& all, const V1Signed& base, const std::string& arrived) {
  const char* other = base.digest == Digest::sha1 ? "HmacSHA256" : "HmacSHA1";
  const char* usual = base.digest == Digest::sha1 ? "HmacSHA1" : "HmacSHA256";
  all.push_back({"algorithm",
                 std::string("the client seems to have signed with ") + other +
                     ", but SignatureMethod is " + (arrived.empty() ? "missing" : quote(arrived)) +
                     ", which means " + usual,
                 [](V1Signed& text) {
                   text.digest = text.digest == Digest::sha1 ? Digest::sha256 : Digest::sha1;
                 },
                 true});
}

// A parameter that was added after the request had been signed.
void add_dropped(Variations& all, const V1Signed& base) {
  const std::size_t count = std::min(base.pairs.size(), dropped_max);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = base.pairs[i].first;
    all.push_back({"query",
                   "the client seems not to have signed the parameter " + quote(name) +
                       ", which arrived with the others",
                   [name](V1Signed& text) {
                     std::erase_if(text.pairs,
                                   [&](const Pair& pair) { return pair.first == name; });
                   },
                   name == "SignatureMethod"});
  }
}

void set_pair(V1Signed& text, std::string_view name, const std::string& value) {
  for (Pair& pair : text.pairs) {
    if (pair.first == name) pair.second = value;
  }
}

void add_timestamps(Variations& all, const std::string& arrived) {
  const std::int64_t seconds = timestamp_of(arrived);
  std::vector<std::string> times;
  for (int drift = -5; drift <= 5; ++drift) times.push_back(std::to_string(seconds + drift));
  times.push_back(std::to_string(seconds * 1000));
  vary(all, "clock", "the timestamp", arrived, times, false,
       [](V1Signed& text, const std::string& value) { set_pair(text, "Timestamp", value); });
}

Variations variations(const Case& about, const V1Signed& base) {
  Variations all;
  add_algorithm(all, base, about.common.signature_method);
  vary(all, "host", "the host", base.host, host_candidates(about), true,
       [](V1Signed& text, const std::string& value) { text.host = value; });
  vary(all, "method", "the method", base.method, {"GET", "POST", lower_case(base.method), ""}, true,
       [](V1Signed& text, const std::string& value) { text.method = value; });
  const std::string path(about.request.path());
  vary(all, "path", "the path", base.path,
       {"", path + "/", url_decode(path), path.substr(1), "/v2/index.php",
        std::string(about.request.target)},
       true, [](V1Signed& text, const std::string& value) { text.path = value; });
  for (const Habit& habit : habits) {
    all.push_back({habit.name, std::string(habit.says), habit.apply, habit.in_pairs, false});
  }
  add_dropped(all, base);
  vary_keys(all, about, true);
  all.push_back({"key", "the client seems to have put `TC3` before the SecretKey",
                 [](V1Signed& text) { text.secret_key.insert(0, "TC3"); }, true});
  vary_keys(all, about, false);
  add_timestamps(all, about.common.timestamp);
  return all;
}

}  // namespace

Finding examine_v1(const Case& about, bool search) {
  std::vector<V1Signed> bases;
  for (const Tc3Spelling& spelling : accepted_spellings(about.request)) {
    V1Signed text;
    text.method = about.request.method;
    text.host = spelling.host;
    text.path = spelling.path;
    text.pairs = about.common.signed_pairs;
    for (const Pair& pair : text.pairs) {
      text.pairs_size += pair.first.size() + pair.second.size() + sizeof(Pair);
    }
    if (about.common.signature_method == "HmacSHA256") text.digest = Digest::sha256;
    if (about.credential) text.secret_key = about.credential->secret_key;
    bases.push_back(std::move(text));
  }
  Finding finding;
  const V1Signed* shown = &bases.front();
  if (about.credential) {
    const auto found = search_cause(bases, search ? variations(about, bases.front()) : Variations(),
                                    about.common.signature);
    if (found) {
      shown = found->base;
      finding.cause = found->cause;
      finding.as_expected = found->cause.empty();
    }
    finding.expected_signature = shown->signature();
  }
  V1Signed hidden = *shown;
  set_pair(hidden, "Token", "(hidden)");
  finding.canonical_request = finding.string_to_sign = hidden.source();
  return finding;
}

}  // namespace cvm::forensics
