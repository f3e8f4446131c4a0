// Launch templates: parameters of RunInstances that are kept, in numbered versions. A template
// holds its versions out of sight of DescribeLaunchTemplates, which shows it as it is stored.
#include "handlers/launch_templates.h"

#include <algorithm>
#include <set>

#include "handlers/api/validate.h"
#include "handlers/describe.h"
#include "handlers/instances/plan.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr const char* number_member = "LaunchTemplateVersion";

std::int64_t number_of(const Json& version) {
  return version.at(number_member).get<std::int64_t>();
}

std::int64_t default_of(const Resource& launch_template) {
  return launch_template.doc.at("DefaultVersionNumber").get<std::int64_t>();
}

// The place of a version in its template. `number` was given as `parameter`.
Json::iterator find_version(const Call& call, Resource& launch_template, std::int64_t number,
                            std::string_view parameter) {
  Json& versions = launch_template.hidden.at("Versions");
  const auto found = std::find_if(versions.begin(), versions.end(), [&](const Json& version) {
    return number_of(version) == number;
  });
  if (found == versions.end()) {
    refuse(call,
           {"InvalidParameterValue.LaunchTemplateIdVerNotExisted",
            "InvalidParameterValue.LaunchTemplateVersion", "InvalidParameterValue"},
           std::string(parameter), std::to_string(number),
           "The template `" + launch_template.id + "` has no such version.");
  }
  return found;
}

// The version that `args` names, else the default one.
const Json& version_of(const Call& call, Resource& launch_template, const Args& args,
                       const std::string& path) {
  const std::int64_t number =
      args.given(number_member) ? args.integer(number_member) : default_of(launch_template);
  return *find_version(call, launch_template, number, path + number_member);
}

// The call's parameters that are kept for RunInstances. No password is: nobody can log in here.
Json kept_parameters(const Call& call) {
  Json kept = Json::object();
  for (const auto& [name, value] : call.args.json().items()) {
    if (!one_of(name, {"ClientToken", "DryRun"}) &&
        call.action.prepares->in.find(name) != nullptr) {
      kept[name] = value;
    }
  }
  if (const auto login = kept.find("LoginSettings"); login != kept.end()) login->erase("Password");
  return kept;
}

// Refuses what RunInstances would not take at this moment; by codes of this action's page.
void check_parameters(const Call& call, Json parameters) {
  if (call.args.given("LoginSettings"))
    parameters["LoginSettings"] = call.args.json().at("LoginSettings");
  try {
    plan_instances(call, {parameters, call.action.prepares->in});
  } catch (Error& refusal) {
    if (!call.action.documents(refusal.code)) refusal.code = "InvalidParameterValue";
    throw;
  }
}

Json new_version(const Call& call, std::int64_t number, const Json& parameters,
                 const std::string& metadata_action) {
  return {{number_member, number},
          {"LaunchTemplateVersionDescription", call.args.text("LaunchTemplateVersionDescription")},
          {"CreationTime", iso8601(call.now)},
          {"TemplateDataModifyAction", metadata_action},
          {"Parameters", parameters}};
}

void require_room(const Call& call, const char* quota, std::int64_t taken, const char* code) {
  const std::int64_t most = call.quotas.get(call.store.tenant(), quota);
  if (taken >= most)
    throw Error{code, "", "", "The quota in this region is " + std::to_string(most) + "."};
}

// As DescribeLaunchTemplateVersions shows it: what is not in the version is null.
Json shown_version(const Call& call, const Resource& launch_template, const Json& version) {
  const Member& set = *call.action.out.find("LaunchTemplateVersionSet");
  Json shown = {
      {number_member, number_of(version)},
      {"LaunchTemplateVersionData", Json::object()},
      {"CreationTime", version.at("CreationTime")},
      {"LaunchTemplateId", launch_template.id},
      {"IsDefaultVersion", number_of(version) == default_of(launch_template)},
      {"LaunchTemplateVersionDescription", version.at("LaunchTemplateVersionDescription")},
      {"CreatedBy", launch_template.doc.at("CreatedBy")}};
  Json& data = shown["LaunchTemplateVersionData"];
  for (const Member& member : set.shape->find("LaunchTemplateVersionData")->shape->members)
    data[member.name] = version.at("Parameters").value(member.name, Json());
  return shown;
}

// The versions that DescribeLaunchTemplateVersions asks for, the newest first.
std::vector<const Json*> wanted_versions(const Call& call, Resource& launch_template) {
  const Args& args = call.args;
  const std::string list = "LaunchTemplateVersions";
  std::set<std::int64_t> named;
  for (const Json& number : args.json().value(list, Json::array()))
    named.insert(number_of(*find_version(call, launch_template, number.get<std::int64_t>(), list)));
  if (args.flag("DefaultVersion")) named.insert(default_of(launch_template));
  const std::int64_t least = args.integer("MinVersion"), most = args.integer("MaxVersion");
  if (args.given("MinVersion") && args.given("MaxVersion") && least > most) {
    throw Error{"InvalidParameterCombination", "MinVersion", std::to_string(least),
                "It is above MaxVersion."};
  }
  std::vector<const Json*> wanted;
  const Json& versions = launch_template.hidden.at("Versions");
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    const std::int64_t number = number_of(*version);
    if (named.empty() ? least <= number && number <= most : named.contains(number))
      wanted.push_back(&*version);
  }
  return wanted;
}

// Items of `over` take the place of those with the same key in `under`.
Json merged_metadata(const Json& under, const Json& over) {
  Json items = over.at("Items");
  for (const Json& item : under.value("Items", Json::array())) {
    if (std::none_of(over.at("Items").begin(), over.at("Items").end(),
                     [&](const Json& other) { return other.at("Key") == item.at("Key"); })) {
      items.push_back(item);
    }
  }
  return {{"Items", items}};
}

}  // namespace

std::optional<Json> with_launch_template(const Call& call) {
  if (!call.args.given("LaunchTemplate")) return std::nullopt;
  const std::string path = "LaunchTemplate.";
  const Args named = call.args.object("LaunchTemplate");
  const std::string id = named.text("LaunchTemplateId");
  if (id.empty()) throw Error{"MissingParameter", path + "LaunchTemplateId", "", {}};
  auto found = call.store.find("launch_template", id);
  if (!found) {
    refuse(call, {"InvalidParameterValue.LaunchTemplateIdNotExisted", "InvalidParameterValue"},
           path + "LaunchTemplateId", id);
  }
  const Json& version = version_of(call, *found, named, path);
  Json params = Json::object();
  for (const auto& [name, value] : version.at("Parameters").items()) {
    if (call.action.in.find(name) != nullptr) params[name] = value;
  }
  const bool merges = version.at("TemplateDataModifyAction") == "Update";
  for (const auto& [name, value] : call.args.json().items()) {
    if (name == "LaunchTemplate") continue;
    const bool merged = name == "Metadata" && merges && params.contains(name);
    params[name] = merged ? merged_metadata(params[name], value) : value;
  }
  if (const auto refusal = validate(call.action, params)) throw *refusal;
  return params;
}

static Reply CreateLaunchTemplate(Call& call) {
  const Args& args = call.args;
  const Json tags = tags_for(call, args, "launch-template", "LaunchTemplateTagSpecification");
  const Json parameters = kept_parameters(call);
  check_parameters(call, parameters);
  require_room(call, "launch_templates", call.store.count("launch_template"),
               "LimitExceeded.LaunchTemplateQuota");
  RandomStream random = call.store.random_stream();
  const Json first = new_version(call, 1, parameters, args.text("TemplateDataModifyAction"));
  const Resource launch_template =
      call.store.create("launch_template", random,
                        {{"LatestVersionNumber", 1},
                         {"LaunchTemplateId", ""},
                         {"LaunchTemplateName", args.text("LaunchTemplateName")},
                         {"DefaultVersionNumber", 1},
                         {"LaunchTemplateVersionCount", 1},
                         {"CreatedBy", call.store.tenant().account},
                         {"CreationTime", iso8601(call.now)}},
                        {{"Versions", Json::array({first})}, {"Tags", tags}});
  return Reply().add("LaunchTemplateId", launch_template.id);
}

// What is given takes the place of what the base version has.
static Reply CreateLaunchTemplateVersion(Call& call) {
  const Args& args = call.args;
  Resource launch_template = call.store.get("launch_template", args.text("LaunchTemplateId"));
  const Json& base = version_of(call, launch_template, args, "");
  Json parameters = base.at("Parameters");
  parameters.update(kept_parameters(call));
  check_parameters(call, parameters);
  Json& versions = launch_template.hidden["Versions"];
  require_room(call, "launch_template_versions", static_cast<std::int64_t>(versions.size()),
               "LimitExceeded.LaunchTemplateVersionQuota");
  const char* const metadata_action = "TemplateDataModifyAction";
  const std::string action = args.given(metadata_action)
                                 ? args.text(metadata_action)
                                 : base.at(metadata_action).get<std::string>();
  // A number is never given twice.
  const std::int64_t number = launch_template.doc["LatestVersionNumber"].get<std::int64_t>() + 1;
  versions.push_back(new_version(call, number, parameters, action));
  launch_template.doc["LatestVersionNumber"] = number;
  launch_template.doc["LaunchTemplateVersionCount"] = versions.size();
  call.store.save(launch_template);
  return Reply().add("LaunchTemplateVersionNumber", number);
}

static Reply DescribeLaunchTemplates(Call& call) {
  return describe(
      call, {.kind = "launch_template", .ids = "LaunchTemplateIds", .set = "LaunchTemplateSet"});
}

static Reply DescribeLaunchTemplateVersions(Call& call) {
  const Args& args = call.args;
  Resource launch_template = call.store.get("launch_template", args.text("LaunchTemplateId"));
  const std::vector<const Json*> wanted = wanted_versions(call, launch_template);
  const auto total = static_cast<std::int64_t>(wanted.size());
  const std::int64_t from = std::min(args.integer("Offset"), total);
  const std::int64_t until = std::min(from + args.integer("Limit"), total);
  Json shown = Json::array();
  for (std::int64_t i = from; i < until; ++i)
    shown.push_back(shown_version(call, launch_template, *wanted[static_cast<std::size_t>(i)]));
  return Reply().add("TotalCount", total).add("LaunchTemplateVersionSet", shown);
}

static Reply ModifyLaunchTemplateDefaultVersion(Call& call) {
  const std::string parameter = "DefaultVersion";
  const std::int64_t number = call.args.integer(parameter);
  Resource launch_template = call.store.get("launch_template", call.args.text("LaunchTemplateId"));
  find_version(call, launch_template, number, parameter);
  if (number == default_of(launch_template)) {
    throw Error{"InvalidParameterValue.LaunchTemplateIdVerSetAlready",
                parameter,
                std::to_string(number),
                {}};
  }
  launch_template.doc["DefaultVersionNumber"] = number;
  call.store.save(launch_template);
  return {};
}

static Reply DeleteLaunchTemplate(Call& call) {
  call.store.erase(call.store.get("launch_template", call.args.text("LaunchTemplateId")));
  return {};
}

static Reply DeleteLaunchTemplateVersions(Call& call) {
  const std::string parameter = "LaunchTemplateVersions";
  Resource launch_template = call.store.get("launch_template", call.args.text("LaunchTemplateId"));
  Json& versions = launch_template.hidden["Versions"];
  for (const Json& given : call.args.json().at(parameter)) {
    const auto number = given.get<std::int64_t>();
    if (number == default_of(launch_template)) {
      throw Error{"InvalidParameterValue.LaunchTemplateDefaultVersion",
                  parameter,
                  std::to_string(number),
                  {}};
    }
    versions.erase(find_version(call, launch_template, number, parameter));
  }
  launch_template.doc["LaunchTemplateVersionCount"] = versions.size();
  call.store.save(launch_template);
  return {};
}

const Actions launch_template_actions = {
    {"CreateLaunchTemplate", CreateLaunchTemplate},
    {"CreateLaunchTemplateVersion", CreateLaunchTemplateVersion},
    {"DescribeLaunchTemplates", DescribeLaunchTemplates},
    {"DescribeLaunchTemplateVersions", DescribeLaunchTemplateVersions},
    {"ModifyLaunchTemplateDefaultVersion", ModifyLaunchTemplateDefaultVersion},
    {"DeleteLaunchTemplate", DeleteLaunchTemplate},
    {"DeleteLaunchTemplateVersions", DeleteLaunchTemplateVersions},
};

}  // namespace cvm
