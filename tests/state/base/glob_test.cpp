// Patterns with stars, and that none of them is slow or deep.
#include <gtest/gtest.h>

#include "state/base/error.h"
#include "state/base/glob.h"

namespace cvm::test {

TEST(Glob, StarsStandForAnyText) {
  struct Case {
    const char *glob, *text;
    bool matches;
  };
  const Case cases[] = {{"S5.*", "S5.MEDIUM2", true},
                        {"S5.*", "SA2.MEDIUM2", false},
                        {"*-3", "ap-guangzhou-3", true},
                        {"*-3", "ap-guangzhou-3-", false},
                        {"a*b*c", "a-b-b-c", true},
                        {"a*b*c", "a-c-b", false},
                        {"a*b*c", "ac", false},
                        {"abc", "abc", true},
                        {"abc", "abcd", false},
                        {"", "", true},
                        {"", "a", false},
                        {"*", "", true},
                        {"**", "", true},
                        {"*", "anything", true},
                        {"a*a", "a", false},
                        {"a*a", "aa", true},
                        {"ab*bc", "abc", false},
                        {"*ab*ab*", "aab-ab", true},
                        {"*ab*ab*", "aab-a", false},
                        {"*aab*", "aaab", true}};
  for (const Case& one : cases)
    EXPECT_EQ(glob_matches(one.glob, one.text), one.matches) << one.glob << " " << one.text;
  EXPECT_TRUE(any_glob_matches({}, "a"));
  EXPECT_TRUE(any_glob_matches({"b", "a*"}, "a"));
  EXPECT_FALSE(any_glob_matches({"b"}, "a"));
  EXPECT_TRUE(matches_if_given("", "a"));
}

TEST(Glob, StarsDoNotMultiply) {
  std::string glob = "*";
  for (int i = 0; i < 100; ++i) glob += "a*";
  const std::string text(100'000, 'a');
  EXPECT_FALSE(glob_matches(glob + "b", text));
  EXPECT_TRUE(glob_matches(glob + "b", text + "b"));
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*b", text));
  const std::string stars(1'000'000, '*');
  EXPECT_TRUE(glob_matches(stars, text));
  EXPECT_FALSE(glob_matches(stars + "b", text));
  EXPECT_FALSE(glob_matches("*" + std::string(200, 'a') + "b*", std::string(10'000'000, 'a')));
}

TEST(Glob, IsRefusedAboveItsLength) {
  EXPECT_NO_THROW(check_glob(std::string(glob_bytes_max, '*'), ""));
  EXPECT_THROW(check_glob(std::string(glob_bytes_max + 1, '*'), ""), ConfigError);
}

}  // namespace cvm::test
