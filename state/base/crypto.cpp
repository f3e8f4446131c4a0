// OpenSSL 3 with contexts kept for each thread: a re-initialised HMAC costs a quarter of a new one.
#include "state/base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace cvm {

namespace {

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Release<EVP_MAC_CTX_free>>;

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refused a digest");
}

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

MacContext new_mac(const char* digest) {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacContext context(EVP_MAC_CTX_new(algorithm));
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1);
  return context;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void take_key(EVP_MAC_CTX* context, std::string_view key) {
  // An empty key would mean "the key of the last time".
  static constexpr unsigned char zero = 0;
  const bool no_key = key.empty();
  require(EVP_MAC_init(context, no_key ? &zero : bytes(key), no_key ? 1 : key.size(), nullptr) ==
          1);
}

std::string mac_of(EVP_MAC_CTX* context, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  std::size_t length = 0;
  require(EVP_MAC_update(context, bytes(data), data.size()) == 1 &&
          EVP_MAC_final(context, out.data(), &length, out.size()) == 1);
  return {reinterpret_cast<const char*>(out.data()), length};
}

}  // namespace

std::string sha256_hex(std::string_view data) {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  require(EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
          EVP_DigestFinal_ex(context.get(), out.data(), &length) == 1);
  return hex({reinterpret_cast<const char*>(out.data()), length});
}

std::string hmac(Digest digest, std::string_view key, std::string_view data) {
  thread_local const MacContext sha1 = new_mac("SHA1"), sha256 = new_mac("SHA256");
  EVP_MAC_CTX* const context = (digest == Digest::sha1 ? sha1 : sha256).get();
  take_key(context, key);
  return mac_of(context, data);
}

KeyedMac::KeyedMac(std::string_view key) : context_(new_mac("SHA256").release()) {
  take_key(context_.get(), key);
}

std::string KeyedMac::operator()(std::string_view data) const {
  require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  return mac_of(context_.get(), data);
}

void KeyedMac::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

std::string hex(std::string_view raw) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text(raw.size() * 2, '\0');
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    text[2 * i] = digits[byte >> 4U];
    text[2 * i + 1] = digits[byte & 15U];
  }
  return text;
}

std::string base64(std::string_view raw) {
  std::string text((raw.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes(raw),
                  static_cast<int>(raw.size()));
  return text;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cvm
