// Changing, sharing and deleting the account's own images.
#include <algorithm>

#include "handlers/images/images.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"

namespace cvm {

namespace {

// Since when an account may use the image.
Json& shares_of(Resource& image) {
  Json& shares = image.hidden["SharedWith"];
  if (shares.is_null()) shares = Json::array();
  return shares;
}

void share(Call& call, Resource& image, const std::vector<std::string>& accounts) {
  const std::vector<std::string> before = call.store.grants(image);
  std::vector<std::string> all = before;
  for (const std::string& account : accounts) {
    if (account == call.store.tenant().account)
      throw Error{"FailedOperation.AccountIsYourSelf", "AccountIds", account, {}};
    if (contains(all, account)) {
      throw Error{"FailedOperation.AccountAlreadyExists", "AccountIds", account,
                  contains(before, account) ? "The image is shared with it already."
                                            : "It is given more than once."};
    }
    all.push_back(account);
  }
  const std::int64_t quota = call.quotas.get(call.store.tenant(), "image_shares");
  if (static_cast<std::int64_t>(all.size()) > quota) {
    throw Error{"OverQuota", "ImageId", image.id,
                "It can be shared with " + std::to_string(quota) + " accounts."};
  }
  for (const std::string& account : accounts) {
    call.store.grant(image, account);
    shares_of(image).push_back({{"CreatedTime", iso8601(call.now)}, {"AccountId", account}});
  }
}

void cancel(Call& call, Resource& image, const std::vector<std::string>& accounts) {
  Json& shares = shares_of(image);
  for (const std::string& account : accounts) {
    if (!contains(call.store.grants(image), account)) {
      throw Error{"InvalidAccountId.NotFound", "AccountIds", account,
                  "The image is not shared with it."};
    }
    call.store.revoke(image, account);
    shares.erase(std::remove_if(shares.begin(), shares.end(),
                                [&](const Json& one) { return one.at("AccountId") == account; }),
                 shares.end());
  }
}

// Unless another image holds them, too.
void delete_snapshots(Call& call, const Resource& image) {
  for (const Json& one : image.doc.at("SnapshotSet")) {
    const auto id = one.at("SnapshotId").get<std::string>();
    const auto snapshot = call.store.find("snapshot", id);
    if (snapshot && call.store.referring("image", "SnapshotSet/*/SnapshotId", id).count() == 1)
      call.store.erase(*snapshot);
  }
}

}  // namespace

static Reply ModifyImageAttribute(Call& call) {
  const Args& args = call.args;
  Resource image = require_own_image(call, args.text("ImageId"), "ImageId");
  prepare_image(call, "image.modify", image);
  const std::string name = args.text("ImageName");
  if (args.given("ImageName") && image.doc.at("ImageName") != name) {
    require_image_name(call.store, name);
    image.doc["ImageName"] = name;
  }
  for (const char* member : {"ImageDescription", "ImageFamily"}) {
    if (args.given(member)) image.doc[member] = args.text(member);
  }
  if (args.given("ImageDeprecated")) image.doc["ImageDeprecated"] = args.flag("ImageDeprecated");
  call.store.save(image);
  return {};
}

static Reply DeleteImages(Call& call) {
  for (const std::string& id : call.args.texts("ImageIds")) {
    Resource image = require_own_image(call, id, "ImageIds");
    Operation deletion = prepare_image(call, "image.delete", image);
    if (!call.store.grants(image).empty())
      throw Error{"InvalidImageId.InShared", "ImageIds", id, {}};
    if (call.args.flag("DeleteBindedSnap")) delete_snapshots(call, image);
    deletion.begin();
  }
  return {};
}

static Reply ModifyImageSharePermission(Call& call) {
  const std::string id = call.args.text("ImageId");
  Resource image = require_own_image(call, id, "ImageId");
  prepare_image(call, "image.share", image);
  if (image.hidden.value("Encrypted", false))
    throw Error{"UnsupportedOperation.EncryptedImagesNotSupported", "ImageId", id, {}};
  if (image.doc.at("LicenseType") == "BYOL")
    throw Error{"FailedOperation.BYOLImageShareFailed", "ImageId", id, {}};
  const std::vector<std::string> accounts = call.args.texts("AccountIds");
  call.args.text("Permission") == "SHARE" ? share(call, image, accounts)
                                          : cancel(call, image, accounts);
  call.store.save(image);
  return {};
}

// An account that was reset sees nothing any more.
static Reply DescribeImageSharePermission(Call& call) {
  Resource image = require_own_image(call, call.args.text("ImageId"), "ImageId");
  const std::vector<std::string> accounts = call.store.grants(image);
  Json shares = Json::array();
  for (const Json& one : shares_of(image)) {
    if (contains(accounts, one.at("AccountId").get_ref<const std::string&>()))
      shares.push_back(one);
  }
  return Reply().add("SharePermissionSet", shares);
}

const Actions image_manage_actions = {
    {"ModifyImageAttribute", ModifyImageAttribute},
    {"DeleteImages", DeleteImages},
    {"ModifyImageSharePermission", ModifyImageSharePermission},
    {"DescribeImageSharePermission", DescribeImageSharePermission},
};

}  // namespace cvm
