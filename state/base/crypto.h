// Digests and their spellings. OpenSSL's algorithms are fetched once: fetching takes a global lock.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_mac_ctx_st;

namespace cvm {

enum class Digest { sha1, sha256 };

std::string sha256_hex(std::string_view data);
// HMAC-SHA256 with a key that is used again and again: it is taken in once.
class KeyedMac {
 public:
  explicit KeyedMac(std::string_view key);
  std::string operator()(std::string_view data) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

std::string hmac(Digest digest, std::string_view key, std::string_view data);  // Raw bytes.
std::string hex(std::string_view bytes);                                       // Lower case.
std::string base64(std::string_view bytes);

// Takes the same time wherever the texts differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace cvm
