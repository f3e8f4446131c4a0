// The built-in credentials are a rule, not a list: nothing is stored for them.
#include "state/credentials.h"

#include "state/ids.h"

namespace cvm {

namespace {

constexpr std::string_view main_id = "AKIDEXAMPLE";
constexpr std::string_view secret_key = "secret";
constexpr std::size_t label_max = 64;

}  // namespace

Account account_of(std::string_view secret_id) {
  if (secret_id == main_id) return {"100000000001", 1250000000};
  // 36 bits of the name's hash: with a thousand accounts, two meet once in 130,000 servers.
  const std::uint64_t hash = stable_hash(secret_id);
  return {std::to_string(200000000000U + (hash >> 28U)),
          static_cast<std::int64_t>(1300000000U + hash % 90000000U)};
}

std::optional<Credential> find_credential(std::string_view secret_id) {
  if (secret_id != main_id) {
    if (!secret_id.starts_with(main_id)) return std::nullopt;
    std::string_view label = secret_id.substr(main_id.size());
    if (label.size() < 2 || label.front() != '-' || label.size() > label_max + 1)
      return std::nullopt;
    label.remove_prefix(1);
    if (label.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != label.npos) {
      return std::nullopt;
    }
  }
  return Credential{std::string(secret_id), std::string(secret_key), account_of(secret_id)};
}

}  // namespace cvm
