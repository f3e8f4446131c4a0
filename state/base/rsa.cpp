// Primes come from a stream of ours, not from OpenSSL's own randomness, which no seed sets; whether
// a number is one, and everything else about keys, OpenSSL knows.
#include "state/base/rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "state/base/crypto.h"
#include "state/base/ids.h"

namespace cvm {

namespace {

constexpr std::string_view algorithm = "ssh-rsa";
constexpr BN_ULONG exponent = 65537;
constexpr std::size_t prime_bytes = 128;
constexpr int modulus_bits_min = 1024, modulus_bits_max = 16384;

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Release<BN_clear_free>>;
using NumberContext = std::unique_ptr<BN_CTX, Release<BN_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Release<BIO_free>>;

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refused a key");
}

// With both top bits set, so that the product of two has twice as many bits.
Number next_prime(RandomStream& random, BN_CTX* context) {
  for (;;) {
    std::array<unsigned char, prime_bytes> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t bits = random.next();
      for (std::size_t k = i; k < i + 8; ++k, bits >>= 8U)
        bytes[k] = static_cast<unsigned char>(bits & 0xFFU);
    }
    bytes.front() |= 0xC0U;
    bytes.back() |= 1U;
    Number candidate(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    // One less than the prime must have no factor in common with the exponent, which is a prime.
    if (BN_check_prime(candidate.get(), context, nullptr) == 1 &&
        BN_mod_word(candidate.get(), exponent) != 1) {
      return candidate;
    }
  }
}

struct Numbers {
  Number p, q, n, e, d, d_p, d_q, q_inverse;
};

Number minus_one(const Number& number) {
  Number less(BN_dup(number.get()));
  require(BN_sub_word(less.get(), 1) == 1);
  return less;
}

Numbers rsa_numbers(RandomStream& random) {
  const NumberContext context(BN_CTX_new());
  Numbers of{next_prime(random, context.get()),
             next_prime(random, context.get()),
             Number(BN_new()),
             Number(BN_new()),
             Number(BN_new()),
             Number(BN_new()),
             Number(BN_new()),
             Number(BN_new())};
  if (BN_cmp(of.p.get(), of.q.get()) < 0) std::swap(of.p, of.q);
  const Number p_1 = minus_one(of.p), q_1 = minus_one(of.q), both(BN_new());
  require(BN_mul(of.n.get(), of.p.get(), of.q.get(), context.get()) == 1 &&
          BN_mul(both.get(), p_1.get(), q_1.get(), context.get()) == 1 &&
          BN_set_word(of.e.get(), exponent) == 1 &&
          BN_mod_inverse(of.d.get(), of.e.get(), both.get(), context.get()) != nullptr &&
          BN_mod(of.d_p.get(), of.d.get(), p_1.get(), context.get()) == 1 &&
          BN_mod(of.d_q.get(), of.d.get(), q_1.get(), context.get()) == 1 &&
          BN_mod_inverse(of.q_inverse.get(), of.q.get(), of.p.get(), context.get()) != nullptr);
  return of;
}

std::string private_pem(const Numbers& of) {
  const Builder builder(OSSL_PARAM_BLD_new());
  const auto push = [&](const char* name, const Number& number) {
    require(OSSL_PARAM_BLD_push_BN(builder.get(), name, number.get()) == 1);
  };
  push(OSSL_PKEY_PARAM_RSA_N, of.n);
  push(OSSL_PKEY_PARAM_RSA_E, of.e);
  push(OSSL_PKEY_PARAM_RSA_D, of.d);
  push(OSSL_PKEY_PARAM_RSA_FACTOR1, of.p);
  push(OSSL_PKEY_PARAM_RSA_FACTOR2, of.q);
  push(OSSL_PKEY_PARAM_RSA_EXPONENT1, of.d_p);
  push(OSSL_PKEY_PARAM_RSA_EXPONENT2, of.d_q);
  push(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, of.q_inverse);
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  require(EVP_PKEY_fromdata_init(context.get()) == 1 &&
          EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, parameters.get()) == 1);
  const Key key(made);
  const Memory pem(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey_traditional(pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                               nullptr) == 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(pem.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

// A string of the SSH protocol (RFC 4251): its length in four bytes, then itself.
std::string ssh_string(std::string_view bytes) {
  std::string text;
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    text += static_cast<char>((bytes.size() >> shift) & 0xFFU);
  return text.append(bytes);
}

// A positive number likewise: in as few bytes as can be, without a sign.
std::string ssh_number(const BIGNUM* number) {
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  if ((static_cast<unsigned char>(bytes[0]) & 0x80U) != 0) bytes.insert(bytes.begin(), '\0');
  return ssh_string(bytes);
}

std::string public_text(const BIGNUM* e, const BIGNUM* n) {
  return base64(ssh_string(algorithm) + ssh_number(e) + ssh_number(n));
}

// Takes a string of the SSH protocol off the front.
std::optional<std::string_view> take_string(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i)
    length = length << 8U | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  bytes.remove_prefix(4);
  if (length > bytes.size()) return std::nullopt;
  const std::string_view taken = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return taken;
}

Number number_of(std::string_view bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

std::string decoded(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return {};
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace

RsaKeyPair make_rsa_key_pair(std::uint64_t number) {
  RandomStream random(number, "rsa", 0);
  const Numbers numbers = rsa_numbers(random);
  return {private_pem(numbers), public_text(numbers.e.get(), numbers.n.get())};
}

std::optional<std::string> read_rsa_public_key(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (!text.starts_with("ssh-rsa ") || text.find_first_of("\r\n") != text.npos) return std::nullopt;
  text.remove_prefix(algorithm.size() + 1);
  text = text.substr(0, text.find(' '));
  if (text.size() % 4 != 0 || text.empty()) return std::nullopt;
  const std::string bytes = decoded(text);
  std::string_view rest = bytes;
  const auto name = take_string(rest), e = take_string(rest), n = take_string(rest);
  if (!name || *name != algorithm || !e || !n || !rest.empty()) return std::nullopt;
  const Number exponent_given = number_of(*e), modulus = number_of(*n);
  const int bits = BN_num_bits(modulus.get());
  if (BN_is_odd(exponent_given.get()) == 0 || BN_is_one(exponent_given.get()) == 1 ||
      BN_is_odd(modulus.get()) == 0 || bits < modulus_bits_min || bits > modulus_bits_max) {
    return std::nullopt;
  }
  // Written any other way than this, it would not be the same text for the same key.
  if (public_text(exponent_given.get(), modulus.get()) != text) return std::nullopt;
  return std::string(text);
}

}  // namespace cvm
