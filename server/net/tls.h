// Certificates for the HTTPS listener.
#pragma once

#include <string>
#include <vector>

namespace cvm {

struct Certificate {
  std::string chain_file, key_file;  // PEM
};

// The certificate kept in `directory`: a CA (`ca.pem`, to be trusted by clients) and a leaf signed
// by it, made at the first call. It covers localhost, the loopback addresses, and the host names of
// Tencent Cloud's API with those of `regions`. Throws ConfigError.
Certificate kept_certificate(const std::string& directory, const std::vector<std::string>& regions);

}  // namespace cvm
