// Who may call: SecretIds, their keys, and the accounts behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "state/base/json.h"
#include "state/base/time.h"

namespace cvm {

struct Account {
  std::string uin;  // Everything an account owns is kept under its uin.
  std::int64_t app_id = 0;
};

struct Credential {
  std::string secret_id;
  std::string secret_key;
  Account account;
  std::string token;               // Of temporary credentials; they are used with it alone.
  std::optional<Time> expires_at;  // Machine time, like everything about signatures.
  bool enabled = true;
  bool read_only = false;
};

// The account that any SecretId stands for where nothing else is known of it.
Account account_of(std::string_view secret_id);

// 1 to `longest` characters of [A-Za-z0-9_-].
bool is_key_name(std::string_view text, std::size_t longest);

// All credentials. May be asked from any thread without the state's lock.
class Credentials {
 public:
  // One that was added; else the built-in `AKIDEXAMPLE`, or `AKIDEXAMPLE-<label>` with a label of 1
  // to 64 characters of [A-Za-z0-9_-], each label an account of its own. Nothing for any other.
  std::optional<Credential> find(std::string_view secret_id) const;

  // The account it calls for: its own, or for one that is not known here the one its name makes.
  Account account(std::string_view secret_id) const;

  // Whether the text is a SecretKey that was added: who exchanges id and key must not see it shown.
  bool is_key(std::string_view text) const;

  // Adds or replaces. Throws ConfigError if there would be too many.
  void add(Credential credential);
  bool erase(std::string_view secret_id);  // False if it was not added before.
  void clear();
  void replace(std::vector<Credential> all);
  std::vector<Credential> added() const;  // By SecretId.

  // With keys: for the state file, never for a client.
  Json dump() const;
  void load(const Json& saved);

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Credential, std::less<>> added_;
};

}  // namespace cvm
