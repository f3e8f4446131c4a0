// RSA key pairs for SSH: made from a number, and read from the text that OpenSSH writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cvm {

struct RsaKeyPair {
  std::string private_key;  // PEM, PKCS #1.
  std::string public_key;   // What stands between `ssh-rsa ` and the comment.
};

// Of 2048 bits. The same number always gives the same pair. Takes tens of milliseconds.
RsaKeyPair make_rsa_key_pair(std::uint64_t number);

// What stands between `ssh-rsa ` and the comment, if the text is one public RSA key of OpenSSH.
std::optional<std::string> read_rsa_public_key(std::string_view text);

}  // namespace cvm
