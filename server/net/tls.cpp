// Makes a CA and a leaf with OpenSSL, once; afterwards they are read from the directory.
#include "server/net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "state/base/error.h"

namespace cvm {

namespace {

namespace fs = std::filesystem;

constexpr long validity_s = 10L * 365 * 86400;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using X509Certificate = std::unique_ptr<X509, Free>;

void require(bool done, const std::string& what) {
  if (!done) throw ConfigError{"tls: cannot " + what};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
          "make a certificate");
}

X509Certificate make_certificate(EVP_PKEY* key, const std::string& name, X509* issuer,
                                 EVP_PKEY* issuer_key, const std::string& alternative_names) {
  X509Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
          "random a serial number");
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity_s);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* const signer = issuer == nullptr ? certificate.get() : issuer;
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  if (issuer == nullptr) {
    add_extension(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    add_extension(certificate.get(), signer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), signer, NID_ext_key_usage, "serverAuth");
    add_extension(certificate.get(), signer, NID_subject_alt_name, alternative_names);
  }
  add_extension(certificate.get(), signer, NID_subject_key_identifier, "hash");
  require(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0, "sign a certificate");
  return certificate;
}

std::unique_ptr<std::FILE, Free> create(const fs::path& path, mode_t mode) {
  std::unique_ptr<std::FILE, Free> file(std::fopen(path.c_str(), "w"));
  require(file != nullptr && ::chmod(path.c_str(), mode) == 0, "write " + path.string());
  return file;
}

void write(const fs::path& path, X509* certificate) {
  require(PEM_write_X509(create(path, 0644).get(), certificate) == 1, "write " + path.string());
}

void write(const fs::path& path, EVP_PKEY* key) {
  require(PEM_write_PrivateKey(create(path, 0600).get(), key, nullptr, nullptr, 0, nullptr,
                               nullptr) == 1,
          "write " + path.string());
}

std::string alternative_names(const std::vector<std::string>& regions) {
  std::string names =
      "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1,DNS:cvmsim,DNS:tencentcloudapi.com,"
      "DNS:*.tencentcloudapi.com,DNS:*.intl.tencentcloudapi.com";
  for (const std::string& region : regions) names += ",DNS:*." + region + ".tencentcloudapi.com";
  return names;
}

}  // namespace

Certificate kept_certificate(const std::string& directory,
                             const std::vector<std::string>& regions) {
  const fs::path at(directory);
  Certificate kept{(at / "cert.pem").string(), (at / "key.pem").string()};
  std::error_code failure;
  const auto there = [&] {
    return fs::exists(kept.chain_file, failure) && fs::exists(kept.key_file, failure);
  };
  if (there()) return kept;
  fs::create_directories(at, failure);
  require(!failure, "make the directory " + directory);
  // Of several that start at once, one makes it.
  const auto lock = create(at / "lock", 0600);
  require(::flock(::fileno(lock.get()), LOCK_EX) == 0, "lock " + directory);
  if (there()) return kept;
  const Key ca_key(EVP_EC_gen("P-256")), key(EVP_EC_gen("P-256"));
  require(ca_key != nullptr && key != nullptr, "make a key");
  const X509Certificate ca = make_certificate(ca_key.get(), "cvmsim CA", nullptr, ca_key.get(), "");
  const X509Certificate leaf =
      make_certificate(key.get(), "cvmsim", ca.get(), ca_key.get(), alternative_names(regions));
  write(at / "ca.pem", ca.get());
  write(at / "ca-key.pem", ca_key.get());
  write(kept.key_file, key.get());
  write(kept.chain_file, leaf.get());
  return kept;
}

}  // namespace cvm
