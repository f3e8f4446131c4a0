// Habits of clients in building a TC3-HMAC-SHA256 signature that differ from the documented way.
#include <algorithm>

#include "server/forensics/tc3.h"

namespace cvm::forensics {

namespace {

struct Habit {
  std::string_view name, says;
  void (*apply)(Tc3Signed&, const HttpRequest&);
  bool in_pairs = false;
};

void sort_lines(Tc3Signed& text) { std::sort(text.headers.begin(), text.headers.end()); }

void sort_list(Tc3Signed& text) {
  std::vector<std::string_view> names = split(text.signed_headers, ';');
  std::sort(names.begin(), names.end());
  text.signed_headers = joined(names, ';');
}

void respell_values(Tc3Signed& text, const HttpRequest& request, bool lower) {
  for (auto& [name, value] : text.headers) {
    if (name == "host" && !lower) continue;
    const std::string_view sent = name == "host" ? std::string_view(value) : request.header(name);
    value = lower ? lower_case(sent) : std::string(sent);
  }
}

void add_action(Tc3Signed& text, const HttpRequest& request, bool lower) {
  const std::string_view action = request.header("X-TC-Action");
  text.headers.emplace_back("x-tc-action", lower ? lower_case(action) : std::string(action));
}

std::string upper_hex(std::string_view mac) { return upper_case(hex(mac)); }
std::string base64_of_hex(std::string_view mac) { return base64(hex(mac)); }
std::string upper_sha256(std::string_view text) { return upper_case(sha256_hex(text)); }
std::string not_hashed(std::string_view text) { return std::string(text); }

constexpr Habit habits[] = {
    {"encoding", "the signature is in upper-case hexadecimal digits, expected are lower-case ones",
     [](Tc3Signed& text, const HttpRequest&) { text.encode = upper_hex; }},
    {"encoding", "the signature is in base64, expected are lower-case hexadecimal digits",
     [](Tc3Signed& text, const HttpRequest&) { text.encode = base64; }},
    {"encoding", "the signature is its hexadecimal digits in base64, expected are the digits",
     [](Tc3Signed& text, const HttpRequest&) { text.encode = base64_of_hex; }},
    {"encoding", "the signature is in quotes, expected are the hexadecimal digits alone",
     [](Tc3Signed& text, const HttpRequest&) {
       text.encode = [](std::string_view mac) { return "\"" + hex(mac) + "\""; };
     }},
    {"encoding",
     "the string to sign seems to hold the canonical request's hash in upper-case digits",
     [](Tc3Signed& text, const HttpRequest&) { text.request_hash = upper_sha256; }},
    {"encoding",
     "the string to sign seems to hold the canonical request itself instead of its SHA-256",
     [](Tc3Signed& text, const HttpRequest&) { text.request_hash = not_hashed; }},
    {"encoding", "the lines of the signed texts seem to end with CR LF, expected is LF",
     [](Tc3Signed& text, const HttpRequest&) { text.line_end = "\r\n"; }},
    {"encoding", "the canonical request seems to end with a line feed",
     [](Tc3Signed& text, const HttpRequest&) { text.request_end = "\n"; }},
    {"encoding", "the string to sign seems to end with a line feed",
     [](Tc3Signed& text, const HttpRequest&) { text.text_end = "\n"; }},
    {"method", "the client seems to have signed a POST, a GET arrived",
     [](Tc3Signed& text, const HttpRequest& request) {
       if (request.method != "GET") return;
       text.method = "POST";
       text.query.clear();
       text.payload = sha256_hex(request.body);
     },
     true},
    {"method", "the client seems to have signed a GET, a POST arrived",
     [](Tc3Signed& text, const HttpRequest& request) {
       if (request.method != "POST") return;
       text.method = "GET";
       text.query = request.query();
       text.payload = sha256_hex("");
     },
     true},
    {"method", "the client seems to have signed the other method's name",
     [](Tc3Signed& text, const HttpRequest&) {
       text.method = text.method == "GET" ? "POST" : "GET";
     },
     true},
    {"method", "the client seems to have signed the method in lower case",
     [](Tc3Signed& text, const HttpRequest&) { text.method = lower_case(text.method); }},
    {"header", "the client seems to have sorted the canonical headers and SignedHeaders",
     [](Tc3Signed& text, const HttpRequest&) { sort_lines(text), sort_list(text); }},
    {"header", "the client seems to have sorted the canonical headers, unlike SignedHeaders",
     [](Tc3Signed& text, const HttpRequest&) { sort_lines(text); }},
    {"header", "the client seems to have signed SignedHeaders sorted, but sent it unsorted",
     [](Tc3Signed& text, const HttpRequest&) { sort_list(text); }},
    {"header", "the client seems to have signed the headers in the opposite order of SignedHeaders",
     [](Tc3Signed& text, const HttpRequest&) {
       std::reverse(text.headers.begin(), text.headers.end());
     }},
    {"header", "the client seems to have signed SignedHeaders in lower case, but sent it otherwise",
     [](Tc3Signed& text, const HttpRequest&) {
       text.signed_headers = lower_case(text.signed_headers);
     }},
    {"header", "the client seems to have signed the names of headers not in lower case",
     [](Tc3Signed& text, const HttpRequest& request) {
       for (auto& line : text.headers) {
         for (const auto& [sent, value] : request.headers) {
           if (equal_ignoring_case(sent, line.first)) line.first = sent;
         }
       }
     }},
    {"header", "the client seems to have signed the names of headers as SignedHeaders spells them",
     [](Tc3Signed& text, const HttpRequest&) {
       const std::vector<std::string_view> names = split(text.signed_headers, ';');
       for (std::size_t i = 0; i < std::min(names.size(), text.headers.size()); ++i) {
         text.headers[i].first = names[i];
       }
     }},
    {"header", "the client seems to have signed header values not in lower case",
     [](Tc3Signed& text, const HttpRequest& request) { respell_values(text, request, false); }},
    {"header", "the client seems to have signed all header values in lower case",
     [](Tc3Signed& text, const HttpRequest& request) { respell_values(text, request, true); }},
    {"header", "the client seems to have written a blank after the colons of canonical headers",
     [](Tc3Signed& text, const HttpRequest&) { text.colon = ": "; }},
    {"header", "the client seems to have left out the empty line after the canonical headers",
     [](Tc3Signed& text, const HttpRequest&) { text.headers_end.clear(); }},
    {"header", "the client seems to have signed x-tc-action, which SignedHeaders does not name",
     [](Tc3Signed& text, const HttpRequest& request) { add_action(text, request, true); }},
    {"header", "the client seems to have signed X-TC-Action, which SignedHeaders does not name",
     [](Tc3Signed& text, const HttpRequest& request) { add_action(text, request, false); }},
    {"header", "the client seems to have signed x-tc-action, SignedHeaders was sent without it",
     [](Tc3Signed& text, const HttpRequest& request) {
       add_action(text, request, true);
       text.signed_headers += ";x-tc-action";
     }},
    {"header", "the client seems to have signed X-TC-Action, SignedHeaders was sent without it",
     [](Tc3Signed& text, const HttpRequest& request) {
       add_action(text, request, false);
       text.signed_headers += ";x-tc-action";
     }},
    {"key", "the key seems to be derived without `TC3` before the SecretKey",
     [](Tc3Signed& text, const HttpRequest&) { text.key_prefix.clear(); }, true},
    {"key", "the key seems to be derived with `AWS4` before the SecretKey, expected is `TC3`",
     [](Tc3Signed& text, const HttpRequest&) { text.key_prefix = "AWS4"; }},
    {"key", "the key seems to be derived with `tc3` before the SecretKey, expected is `TC3`",
     [](Tc3Signed& text, const HttpRequest&) { text.key_prefix = "tc3"; }},
    {"key", "the key seems to be derived through hexadecimal digits, expected are raw bytes",
     [](Tc3Signed& text, const HttpRequest&) { text.derivation = Derivation::hex_steps; }, true},
    {"key", "the SecretKey itself seems to be used, expected is the key derived from it",
     [](Tc3Signed& text, const HttpRequest&) {
       text.derivation = Derivation::none;
       text.key_prefix.clear();
     },
     true},
    {"key", "the SecretKey with `TC3` before it seems to be used, expected is the derived key",
     [](Tc3Signed& text, const HttpRequest&) { text.derivation = Derivation::none; }},
    {"key", "the key seems to be derived with `aws4_request`, expected is `tc3_request`",
     [](Tc3Signed& text, const HttpRequest&) { text.key_end = "aws4_request"; }},
};

}  // namespace

std::string upper_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return parts;
}

std::string joined(const std::vector<std::string_view>& parts, char separator) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

void add_habits(std::vector<Variation<Tc3Signed>>& all, const HttpRequest& request) {
  for (const Habit& habit : habits) {
    all.push_back({habit.name, std::string(habit.says),
                   [&habit, &request](Tc3Signed& text) { habit.apply(text, request); },
                   habit.in_pairs, false});
  }
}

}  // namespace cvm::forensics
