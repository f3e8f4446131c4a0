// Who may call: SecretIds, their keys, and the accounts behind them (contract, section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cvm {

struct Account {
  std::string uin;  // Everything an account owns is kept under its uin.
  std::int64_t app_id = 0;
};

struct Credential {
  std::string secret_id;
  std::string secret_key;
  Account account;
};

// The credential of `AKIDEXAMPLE`, or of `AKIDEXAMPLE-<label>` with a label of 1 to 64 characters
// of [A-Za-z0-9_-]; nothing for any other SecretId. Every label is an account of its own.
std::optional<Credential> find_credential(std::string_view secret_id);

// The account that any SecretId stands for where signatures are not verified.
Account account_of(std::string_view secret_id);

}  // namespace cvm
