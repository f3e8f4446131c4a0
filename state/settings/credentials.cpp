// The built-in credentials are a rule, not a list: nothing is stored for them. Others are added.
#include "state/settings/credentials.h"

#include <algorithm>
#include <mutex>

#include "state/base/error.h"
#include "state/base/ids.h"

namespace cvm {

namespace {

constexpr std::string_view main_id = "AKIDEXAMPLE";
constexpr std::string_view secret_key = "secret";
constexpr std::size_t label_max = 64;
constexpr std::size_t added_max = 1000;

}  // namespace

Account account_of(std::string_view secret_id) {
  if (secret_id == main_id) return {"100000000001", 1250000000};
  // 36 bits of the name's hash: with a thousand accounts, two meet once in 130,000 servers.
  const std::uint64_t hash = stable_hash(secret_id);
  return {std::to_string(200000000000U + (hash >> 28U)),
          static_cast<std::int64_t>(1300000000U + hash % 90000000U)};
}

bool is_key_name(std::string_view text, std::size_t longest) {
  static constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !text.empty() && text.size() <= longest &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

namespace {

std::optional<Credential> built_in(std::string_view secret_id) {
  if (secret_id != main_id) {
    if (!secret_id.starts_with(main_id)) return std::nullopt;
    const std::string_view label = secret_id.substr(main_id.size());
    if (!label.starts_with('-') || !is_key_name(label.substr(1), label_max)) return std::nullopt;
  }
  Credential credential;
  credential.secret_id = secret_id;
  credential.secret_key = secret_key;
  credential.account = account_of(secret_id);
  return credential;
}

}  // namespace

std::optional<Credential> Credentials::find(std::string_view secret_id) const {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = added_.find(secret_id); found != added_.end()) return found->second;
  }
  return built_in(secret_id);
}

bool Credentials::is_key(std::string_view text) const {
  const std::shared_lock lock(mutex_);
  return std::any_of(added_.begin(), added_.end(),
                     [&](const auto& one) { return one.second.secret_key == text; });
}

Account Credentials::account(std::string_view secret_id) const {
  const auto known = find(secret_id);
  return known ? known->account : account_of(secret_id);
}

void Credentials::add(Credential credential) {
  const std::unique_lock lock(mutex_);
  if (added_.size() >= added_max && !added_.contains(credential.secret_id)) {
    throw ConfigError{"credentials: there can be " + std::to_string(added_max) + " at most"};
  }
  const std::string name = credential.secret_id;
  added_.insert_or_assign(name, std::move(credential));
}

bool Credentials::erase(std::string_view secret_id) {
  const std::unique_lock lock(mutex_);
  const auto found = added_.find(secret_id);
  if (found == added_.end()) return false;
  added_.erase(found);
  return true;
}

void Credentials::clear() {
  const std::unique_lock lock(mutex_);
  added_.clear();
}

void Credentials::replace(std::vector<Credential> all) {
  const std::unique_lock lock(mutex_);
  added_.clear();
  for (Credential& one : all) {
    std::string name = one.secret_id;
    added_.emplace(std::move(name), std::move(one));
  }
}

std::vector<Credential> Credentials::added() const {
  const std::shared_lock lock(mutex_);
  std::vector<Credential> all;
  all.reserve(added_.size());
  for (const auto& [name, credential] : added_) all.push_back(credential);
  return all;
}

Json Credentials::dump() const {
  Json saved = Json::array();
  for (const Credential& one : added()) {
    saved.push_back({{"secret_id", one.secret_id},
                     {"secret_key", one.secret_key},
                     {"uin", one.account.uin},
                     {"app_id", one.account.app_id},
                     {"token", one.token},
                     {"expires_at", one.expires_at ? Json(iso8601(*one.expires_at)) : Json()},
                     {"enabled", one.enabled},
                     {"read_only", one.read_only}});
  }
  return saved;
}

void Credentials::load(const Json& saved) {
  clear();
  for (const Json& one : saved) {
    Credential credential;
    credential.secret_id = one.at("secret_id").get<std::string>();
    credential.secret_key = one.at("secret_key").get<std::string>();
    credential.account = {one.at("uin").get<std::string>(), one.at("app_id").get<std::int64_t>()};
    credential.token = one.at("token").get<std::string>();
    if (one.at("expires_at").is_string()) {
      credential.expires_at = parse_iso8601(one.at("expires_at").get<std::string>());
    }
    credential.enabled = one.at("enabled").get<bool>();
    credential.read_only = one.at("read_only").get<bool>();
    add(std::move(credential));
  }
}

}  // namespace cvm
