// Key pairs for logging in, and binding them to instances. Which instances have a key is in their
// documents. A private key is shown once, by the answer that made it, and kept nowhere.
#include <iterator>
#include <map>
#include <mutex>

#include "handlers/describe.h"
#include "handlers/instances/checks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"
#include "state/base/rsa.h"

namespace cvm {

namespace {

constexpr const char* bind_step = "instance.change_key_pairs";

// Pairs that are made and wait for the handler that asked for them, by the number they follow from.
class MadeKeys {
 public:
  RsaKeyPair take(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = made_.find(number);
    if (found == made_.end()) throw NotReady{[this, number] { make(number); }};
    RsaKeyPair pair = std::move(found->second);
    made_.erase(found);
    return pair;
  }

 private:
  // Others wait for theirs at the same time; one that nobody comes back for is let go.
  static constexpr std::size_t waiting_max = 1000;

  void make(std::uint64_t number) {
    RsaKeyPair pair = make_rsa_key_pair(number);
    const std::lock_guard lock(mutex_);
    if (made_.size() >= waiting_max) made_.erase(made_.begin());
    made_.insert_or_assign(number, std::move(pair));
  }

  std::mutex mutex_;
  std::map<std::uint64_t, RsaKeyPair> made_;
};

MadeKeys& made_keys() {
  static MadeKeys keys;
  return keys;
}

// As it is shown: with a comment of the service's own, the same for the same key.
std::string public_text(const std::string& key) {
  return "ssh-rsa " + key + " skey_" + std::to_string(stable_hash(key) % 1'000'000);
}

void require_free_name(const Call& call, const std::string& name) {
  if (call.store.taken("key_pair", "key-name", name))
    throw Error{"InvalidKeyPairName.Duplicate", "KeyName", name, {}};
}

// A key pair as CreateKeyPair and ImportKeyPair are asked for it, but for the key.
Json checked_key_pair(const Call& call) {
  const Args& args = call.args;
  const std::string name = args.text("KeyName");
  if (name.empty()) throw Error{"InvalidKeyPairNameEmpty", "KeyName", name, {}};
  require_project(args.integer("ProjectId"), "ProjectId");
  const Json tags = tags_for(call, args, "keypair");
  require_free_name(call, name);
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "key_pairs");
  if (call.store.count("key_pair") >= quota) {
    throw Error{"InvalidKeyPair.LimitExceeded", "KeyName", name,
                "The quota in this region is " + std::to_string(quota) + "."};
  }
  return {{"KeyId", ""},
          {"KeyName", name},
          {"ProjectId", args.integer("ProjectId")},
          {"Description", ""},
          {"PublicKey", ""},
          {"AssociatedInstanceIds", Json::array()},
          {"CreatedTime", iso8601(call.now)},
          {"Tags", tags}};
}

// The instances that have the key, and those that are going to have it.
References holders_of(const Call& call, const std::string& key) {
  return call.store.referring("instance", "LoginSettings/KeyIds/*", key);
}

// Images keep the keys of the instance that they were made of.
std::vector<std::string> keys_of_images(const Call& call) {
  std::vector<std::string> keys;
  Query all;
  all.limit = call.store.count("image");
  for (const std::string& id : call.store.page("image", all).ids) {
    const Json hidden = call.store.get("image", id).hidden;
    for (const Json& key : hidden.value("KeyIds", Json::array()))
      keys.push_back(key.get<std::string>());
  }
  return keys;
}

std::vector<std::string> keys_of(const Resource& instance) {
  return instance.doc.at("LoginSettings").at("KeyIds").get<std::vector<std::string>>();
}

// What the instances of the call are going to do: all of them can.
std::vector<Operation> checked_binding(Call& call, std::vector<Resource>& instances) {
  std::vector<Operation> operations;
  for (Resource& instance : instances) {
    operations.push_back(call.lifecycle.prepare(bind_step, instance));
    require_charged(instance);
    require_stopped(instance, call.args.flag("ForceStop"));
    if (is_windows(instance.doc))
      throw Error{"UnsupportedOperation.InstanceOsWindows", "InstanceIds", instance.id, {}};
  }
  return operations;
}

Json key_ids_patch(const std::vector<std::string>& keys) {
  return {{"LoginSettings", {{"KeyIds", keys}}}};
}

}  // namespace

static Reply CreateKeyPair(Call& call) {
  Json doc = checked_key_pair(call);
  RandomStream random = call.store.random_stream();
  const RsaKeyPair pair = made_keys().take(random.next());
  doc["PublicKey"] = public_text(pair.public_key);
  Json shown = call.store.create("key_pair", random, std::move(doc)).doc;
  shown["PrivateKey"] = pair.private_key;
  return Reply().add("KeyPair", shown);
}

static Reply ImportKeyPair(Call& call) {
  Json doc = checked_key_pair(call);
  const std::string given = call.args.text("PublicKey");
  const auto key = read_rsa_public_key(given);
  // It may be the private key, by mistake: that is not shown.
  const std::string told = given.starts_with("ssh-") ? given : "***";
  if (!key) throw Error{"InvalidPublicKey.Malformed", "PublicKey", told, {}};
  doc["PublicKey"] = public_text(*key);
  if (call.store.taken("key_pair", "PublicKey", doc["PublicKey"].get<std::string>()))
    throw Error{"InvalidPublicKey.Duplicate", "PublicKey", told, {}};
  RandomStream random = call.store.random_stream();
  return Reply().add("KeyId", call.store.create("key_pair", random, std::move(doc)).id);
}

static Reply DescribeKeyPairs(Call& call) {
  return describe(
      call, {.kind = "key_pair", .ids = "KeyIds", .set = "KeyPairSet", .compute = [&](Json& key) {
               const References holders = holders_of(call, key.at("KeyId").get<std::string>());
               key["AssociatedInstanceIds"] = holders.ids;
               // Who waits for a key to be bound waits for these.
               call.lifecycle.show(holders.ids);
               call.lifecycle.show(holders.pending);
             }});
}

static Reply ModifyKeyPairAttribute(Call& call) {
  const Args& args = call.args;
  Resource key = call.store.get("key_pair", args.text("KeyId"));
  if (!args.given("KeyName") && !args.given("Description")) {
    throw Error{"MissingParameter", "KeyName`, `Description", "", "One of them must be given."};
  }
  if (args.given("KeyName") && key.doc["KeyName"] != args.text("KeyName")) {
    require_free_name(call, args.text("KeyName"));
    key.doc["KeyName"] = args.text("KeyName");
  }
  if (args.given("Description")) key.doc["Description"] = args.text("Description");
  call.store.save(key);
  return {};
}

static Reply DeleteKeyPairs(Call& call) {
  const std::vector<std::string> of_images = keys_of_images(call);
  for (const Resource& key : load(call, "key_pair", "KeyIds")) {
    const bool by_instance = holders_of(call, key.id).count() > 0;
    if (by_instance || contains(of_images, key.id)) {
      throw Error{"InvalidParameterValue.KeyPairNotSupported", "KeyIds", key.id,
                  by_instance ? "An instance uses it." : "An image uses it."};
    }
    call.store.erase(key);
  }
  return {};
}

// The keys take the place of those that an instance has.
static Reply AssociateInstancesKeyPairs(Call& call) {
  load(call, "key_pair", "KeyIds");
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  for (Operation& operation : checked_binding(call, instances))
    operation.begin(key_ids_patch(call.args.texts("KeyIds")));
  return {};
}

static Reply DisassociateInstancesKeyPairs(Call& call) {
  load(call, "key_pair", "KeyIds");
  const std::vector<std::string> unbound = call.args.texts("KeyIds");
  std::vector<Resource> instances = load(call, "instance", "InstanceIds");
  for (Operation& operation : checked_binding(call, instances)) {
    std::vector<std::string> keys = keys_of(operation.resource());
    if (std::erase_if(keys, [&](const auto& key) { return contains(unbound, key); }) == 0) {
      throw Error{"InvalidParameterValue", "KeyIds", Json(unbound).dump(),
                  "The instance `" + operation.resource().id + "` has none of them."};
    }
    operation.begin(key_ids_patch(keys));
  }
  return {};
}

const Actions key_pair_actions = {
    {"CreateKeyPair", CreateKeyPair},
    {"ImportKeyPair", ImportKeyPair},
    {"DescribeKeyPairs", DescribeKeyPairs},
    {"ModifyKeyPairAttribute", ModifyKeyPairAttribute},
    {"DeleteKeyPairs", DeleteKeyPairs},
    {"AssociateInstancesKeyPairs", AssociateInstancesKeyPairs},
    {"DisassociateInstancesKeyPairs", DisassociateInstancesKeyPairs},
};

}  // namespace cvm
