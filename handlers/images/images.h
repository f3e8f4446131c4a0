// What the actions on images share: whose an image is, which state it is in, and making one.
#pragma once

#include <string>
#include <string_view>

#include "handlers/call.h"

namespace cvm {

// `ImageState` as clients see it: a NORMAL image is USING while an instance is being made from it,
// or reset to it.
std::string image_state(const Call& call, const Json& image);

// Writes what is true of an image at this moment, for the account that looks.
void complete_image(const Call& call, Json& image);

// An image that the account made. What it only sees, and what is not there, is refused by the code
// that the action documents.
Resource require_own_image(const Call& call, const std::string& id, std::string_view parameter);

// Lifecycle::prepare(), by the state that clients see.
Operation prepare_image(const Call& call, std::string_view step, Resource& image);

// Refuses a name that an image of the account has there, and one image more than its quota.
// InvalidImageName.Duplicate, ImageQuotaLimitExceeded
void require_image_name(const Store& there, const std::string& name);
void require_image_room(const Call& call, const Store& there);

// The system that an image holds, as it is kept with the snapshot of its disk.
Json system_of(const Image& image);

// Snapshots of disks, each given by its DiskUsage and DiskSize; the API's Snapshot list.
Json make_snapshots(Store& there, RandomStream& random, const Json& disks, const Json& system);

struct ImagePlan {
  std::string name, description, family;
  std::string source = "CREATE_IMAGE";
  Json tags = Json::array();
  Json snapshots;  // The API's Snapshot list; the system's is among them.
  Json system;
  Json hidden = Json::object();  // Besides what belongs to the system.
};

// What CreateImage and ImportImage are told in the same words. Name and room are checked.
ImagePlan plan_image(const Call& call);

Resource make_image(const Call& call, Store& there, std::string_view step, RandomStream& random,
                    const ImagePlan& plan);

}  // namespace cvm
