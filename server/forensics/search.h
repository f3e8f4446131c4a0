// How a cause is searched: what a client signs is a struct of texts, each variation changes some.
// Internal to server/forensics*.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/signature.h"

namespace cvm::forensics {

// One request, and what is known about who sent it.
struct Case {
  const HttpRequest& request;
  const CommonParams& common;
  const Credentials& credentials;
  const std::optional<Credential> credential;  // Nothing if its SecretId is unknown.
};

// What comes out for either signature family. `cause` is empty if nothing was searched or found.
struct Finding {
  std::string canonical_request, string_to_sign, expected_signature;
  std::string cause;
  bool as_expected = false;  // The given signature is right, in one of the accepted spellings.
};
Finding examine_tc3(const Case& about, const Authorization& authorization, bool search);
Finding examine_v1(const Case& about, bool search);

// Something that clients get wrong. `name` is the class of the cause, as the answer names it.
template <class Signed>
struct Variation {
  std::string_view name;
  std::string says;
  std::function<void(Signed&)> apply;
  bool in_pairs = false;     // CommonParams enough to be tried together with another one.
  bool names_values = true;  // Else the line of the texts that differs is told as well.
};

// Work is counted in bytes that are built and hashed; what a try costs by itself is a guess.
class Budget {
 public:
  bool spend(std::size_t bytes) {
    constexpr std::size_t per_try = 1 << 10;
    const bool enough = left_ >= bytes + per_try;
    left_ = enough ? left_ - bytes - per_try : 0;
    return enough;
  }

 private:
  std::size_t left_ = 16 << 20;
};

// `text` in back quotes, cut, and with its line ends made visible.
std::string quote(std::string_view text);
std::string count_of(std::size_t number, std::string_view what);  // `1 byte`, `2 bytes`.

// The first line in which two texts differ: what was signed, and what was expected.
std::string difference(std::string_view signed_text, std::string_view expected_text);

// Hosts that a client may have signed instead of the Host header that arrived.
std::vector<std::string> host_candidates(const Case& about);

// Those that were added, and the built-in ones.
std::vector<Credential> known_credentials(const Credentials& credentials);

// Keys that are not the credential's: misspellings of it first, then those of other credentials.
struct KeyCandidate {
  std::string key, says;
  bool misspelt = false;
};
std::vector<KeyCandidate> key_candidates(const Case& about);

// In seconds, of the years 1970 to 9999 whatever the text is.
std::int64_t timestamp_of(std::string_view text);

std::string url_encode(std::string_view text);  // All but letters, digits and `-._~`.
std::string url_decode(std::string_view text);  // As it is where the encoding is broken.

// A candidate for each value that may have been in `arrived`'s place.
template <class Signed, class Set>
void vary(std::vector<Variation<Signed>>& all, std::string_view name, std::string_view what,
          const std::string& arrived, const std::vector<std::string>& candidates, bool in_pairs,
          Set set) {
  for (const std::string& candidate : candidates) {
    if (candidate == arrived) continue;
    std::string says = "the client seems to have signed ";
    says.append(what).append(" ").append(quote(candidate)).append(", but ");
    says.append(quote(arrived)).append(" arrived");
    all.push_back(
        {name, std::move(says), [set, candidate](Signed& one) { set(one, candidate); }, in_pairs});
  }
}

template <class Signed>
void vary_keys(std::vector<Variation<Signed>>& all, const Case& about, bool misspelt) {
  for (KeyCandidate& one : key_candidates(about)) {
    if (one.misspelt != misspelt) continue;
    all.push_back({"key", std::move(one.says),
                   [key = std::move(one.key)](Signed& text) { text.secret_key = key; }, misspelt});
  }
}

template <class Signed>
struct Found {
  const Signed* base = nullptr;  // The accepted spelling that the client deviates from.
  std::string cause;             // Empty: in nothing.
};

// Tries the accepted spellings as they are, then with one variation, then with two of the common
// ones. `Signed` gives size(), signature() and text().
template <class Signed>
std::optional<Found<Signed>> search_cause(const std::vector<Signed>& bases,
                                          const std::vector<Variation<Signed>>& variations,
                                          std::string_view given) {
  using One = Variation<Signed>;
  Budget budget;
  const auto sentence = [](const Signed& base, const One& variation) {
    std::string text(variation.name);
    text.append(": ").append(variation.says);
    if (variation.names_values) return text;
    Signed changed = base;
    variation.apply(changed);
    return text + difference(changed.text(), base.text());
  };
  const auto matches = [&](const Signed& base, const One* first, const One* second) {
    if (!budget.spend(base.size())) return false;
    Signed changed = base;
    if (first != nullptr) first->apply(changed);
    if (second != nullptr) second->apply(changed);
    return changed.signature() == given;
  };
  for (const Signed& base : bases) {
    if (matches(base, nullptr, nullptr)) return Found<Signed>{&base, ""};
  }
  for (const One& one : variations) {
    for (const Signed& base : bases) {
      if (matches(base, &one, nullptr)) return Found<Signed>{&base, sentence(base, one) + "."};
    }
  }
  for (const One& one : variations) {
    if (!one.in_pairs) continue;
    for (const One* other = &one + 1; other < variations.data() + variations.size(); ++other) {
      if (!other->in_pairs || other->name == one.name) continue;
      for (const Signed& base : bases) {
        if (!matches(base, &one, other)) continue;
        return Found<Signed>{&base, sentence(base, one) + "; and " + sentence(base, *other) + "."};
      }
    }
  }
  return std::nullopt;
}

}  // namespace cvm::forensics
