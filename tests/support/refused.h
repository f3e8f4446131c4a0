// Refused requests, and what is said about them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/forensics/forensics.h"
#include "tests/support/raw_request.h"

namespace cvm::test {

constexpr std::int64_t now_s = 1795497312;  // 2026-11-24T05:15:12Z
constexpr Time now{std::chrono::seconds{now_s}};
inline Credential credential(const std::string& id, const std::string& key,
                             const std::string& token = "") {
  Credential one;
  one.secret_id = id;
  one.secret_key = key;
  one.token = token;
  return one;
}

inline const std::string other_key = "0therKeyOf2026";
inline const std::string other_token = "T0ken+of/the=temporary";

inline Json explain(const HttpRequest& request, const Credentials& credentials, Time wall = now) {
  const CommonParams common = read_common(request);
  const AuthOptions options;
  try {
    authenticate(request, common, credentials, options, wall);
  } catch (const Error& refusal) {
    Json told = explain_signature(request, common, credentials, options, wall, refusal);
    const std::string text = told.dump();
    EXPECT_LT(text.size(), 100000U);
    for (const std::string& hidden : {std::string("secret"), other_key, other_token})
      EXPECT_EQ(text.find(hidden), text.npos) << text;
    return told;
  }
  ADD_FAILURE() << "The request was accepted.";
  return {{"likely_cause", ""}};
}

struct SomeCredentials : Credentials {
  SomeCredentials() {
    add(credential("AKIDOTHER", other_key));
    add(credential("AKIDTEMPORARY", "k3yOfTheTemporary", other_token));
  }
};

inline std::string cause(const std::string& bytes, Time wall = now) {
  const RawRequest raw(bytes);
  const Json told = explain(raw.request(), SomeCredentials(), wall);
  return told["likely_cause"].get<std::string>();
}

// `class` and all `parts` must be told.
inline void expect_cause(const std::string& text, const std::string& name,
                         const std::vector<std::string>& parts = {}) {
  EXPECT_TRUE(text.starts_with(name + ": ")) << name << " <- " << text;
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), text.npos) << part << " " << text;
}

}  // namespace cvm::test
