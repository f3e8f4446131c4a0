// Dedicated hosts. What runs on one is in the instances' documents, and what is left of its
// resources is worked out when it is asked for.
#include "handlers/hosts.h"

#include <algorithm>

#include "handlers/api/formats.h"
#include "handlers/describe.h"
#include "handlers/instances/disks.h"
#include "handlers/lookup.h"
#include "handlers/registry.h"
#include "handlers/rules.h"

namespace cvm {

namespace {

constexpr std::string_view customized_start = "CDH_";
// From 100.64.0.0/10, which only the cloud's own machines have.
constexpr std::uint32_t host_base = 0x64400000U, host_addresses = 1U << 22U;

const Json& host_types(const Call& call) { return call.catalog.prices().at("hosts").at("types"); }

// A number of up to four digits and the letter behind it, taken off the text; 0: neither is there.
std::int64_t take_size(std::string_view& text, char letter) {
  const std::size_t end = text.find(letter);
  if (end == 0 || end > 4 || text.front() == '0') return 0;
  std::int64_t size = 0;
  for (const char c : text.substr(0, end)) {
    if (c < '0' || c > '9') return 0;
    size = size * 10 + (c - '0');
  }
  text.remove_prefix(end + 1);
  return size;
}

// An instance type of its own family.
struct Customized {
  Family family;
  InstanceType type;
};

std::shared_ptr<const InstanceType> customized_type(const Call& call, std::string_view name) {
  std::string_view sizes = name.substr(customized_start.size());
  const auto made = std::make_shared<Customized>();
  made->type.id = name;
  made->type.family = &made->family;
  made->type.cpu = take_size(sizes, 'C');
  made->type.memory_gb = take_size(sizes, 'G');
  if (made->type.cpu == 0 || made->type.memory_gb == 0 || !sizes.empty()) return nullptr;
  const Json& facts = call.catalog.prices().at("hosts").at("customized");
  made->type.local_disks = facts.at("LocalDiskTypeList");
  made->family.id = "CDH";
  made->family.architecture = facts.at("Architecture").get<std::string>();
  facts.at("SystemDiskTypes").get_to(made->family.system_disks);
  facts.at("DataDiskTypes").get_to(made->family.data_disks);
  return {made, &made->type};
}

References instances_on(const Call& call, const Json& host) {
  return call.store.referring("instance", "host-id", host.at("HostId").get<std::string>());
}

HostShare share_of(const Json& instance) {
  const Json& gpus = instance.at("GPUInfo");
  return {instance.at("CPU").get<std::int64_t>(), instance.at("Memory").get<std::int64_t>(),
          local_disks_gb(instance.at("SystemDisk"), instance.at("DataDisks")),
          gpus.is_null() ? 0 : static_cast<std::int64_t>(gpus.at("GPUId").size())};
}

HostShare all_of(const Json& host) {
  const Json& resource = host.at("HostResource");
  const auto total = [&](const char* name) { return resource.at(name).get<std::int64_t>(); };
  return {total("CpuTotal"), total("MemTotal"), total("DiskTotal"), total("GpuTotal")};
}

bool fits(const HostShare& one, const HostShare& into) {
  return one.cpu <= into.cpu && one.memory_gb <= into.memory_gb && one.disk_gb <= into.disk_gb &&
         one.gpu <= into.gpu;
}

void take(HostShare& left, const HostShare& one) {
  left.cpu -= one.cpu;
  left.memory_gb -= one.memory_gb;
  left.disk_gb -= one.disk_gb;
  left.gpu -= one.gpu;
}

HostShare left_of(const Call& call, const Json& host) {
  HostShare left = all_of(host);
  for (const std::string& id : instances_on(call, host).ids)
    take(left, share_of(call.store.get("instance", id).doc));
  return left;
}

// Writes what is true of a host at this moment.
void complete(const Call& call, Json& host) {
  host["InstanceIds"] = instances_on(call, host).ids;
  const HostShare left = left_of(call, host);
  Json& resource = host["HostResource"];
  resource["CpuAvailable"] = left.cpu;
  resource["MemAvailable"] = static_cast<double>(left.memory_gb);
  resource["DiskAvailable"] = left.disk_gb;
  resource["GpuAvailable"] = left.gpu;
}

// Why instances of a type cannot run on a host; empty if they can.
std::string_view unsuitable(const Call& call, const Json& host, const InstanceType& type) {
  if (host.at("HostState") != "RUNNING") return "InvalidParameter.HostIdStatusNotSupport";
  const Json sold = host_types(call).value(host.at("HostType").get<std::string>(), Json::object());
  const Json families = sold.value("InstanceFamilies", Json::array());
  if (type.id.starts_with(customized_start)) {
    if (!sold.value("Customized", false))
      return "InvalidParameter.HostIdCustomizedInstanceTypeNotSupport";
  } else if (families.empty()) {
    return "InvalidParameter.HostIdStandardInstanceTypeNotSupport";
  } else if (std::find(families.begin(), families.end(), type.family->id) == families.end()) {
    return "InvalidParameter.HostIdInstanceTypeNotSupport";
  }
  const HostShare one{type.cpu, type.memory_gb, 0, type.gpu};
  return fits(one, all_of(host)) ? "" : "InvalidParameter.HostIdInstanceTypeNotSupport";
}

Json new_resource(const Json& sold) {
  const auto memory = sold.at("MemTotal").get<double>();
  return {{"CpuTotal", sold.at("CpuTotal")},
          {"CpuAvailable", sold.at("CpuTotal")},
          {"MemTotal", memory},
          {"MemAvailable", memory},
          {"DiskTotal", sold.at("DiskTotal")},
          {"DiskAvailable", sold.at("DiskTotal")},
          {"DiskType", sold.at("DiskType")},
          {"GpuTotal", sold.at("GpuTotal")},
          {"GpuAvailable", sold.at("GpuTotal")}};
}

// A host as AllocateHosts is asked for it, but for its id and address.
Json checked_host(const Call& call) {
  const Args& args = call.args;
  const Args placement = args.object("Placement");
  const Zone& zone = require_zone(call, placement.text("Zone"), "Placement.Zone");
  if (!zone.available) {
    throw Error{"InvalidParameterValue.ZoneNotSupported", "Placement.Zone", zone.id,
                "It is sold out."};
  }
  require_project(placement.integer("ProjectId"), "Placement.ProjectId");
  const std::string type = args.text("HostType");
  const auto sold = host_types(call).find(type);
  if (sold == host_types(call).end())
    throw Error{"InvalidParameterValue", "HostType", type, "There is no such type of host."};
  // Pages of different years name different ways of paying as the only one, and as the default.
  const bool given = args.given("HostChargePrepaid");
  std::string charge_type = args.text("HostChargeType");
  if (charge_type.empty()) charge_type = given ? "PREPAID" : "POSTPAID_BY_HOUR";
  const bool prepaid = charge_type == "PREPAID";
  if (prepaid && !given)
    throw Error{"MissingParameter", "HostChargePrepaid", "", "`PREPAID` hosts need it."};
  const Args months = args.object("HostChargePrepaid");
  const Json expires =
      prepaid ? Json(iso8601(add_months(call.now, static_cast<int>(months.integer("Period")))))
              : Json();
  return {{"Placement",
           {{"Zone", zone.id},
            {"ProjectId", placement.integer("ProjectId")},
            {"HostIds", Json::array()},
            {"HostId", ""}}},
          {"HostId", ""},
          {"HostType", type},
          {"HostName", ""},
          {"HostChargeType", charge_type},
          {"RenewFlag", prepaid ? months.text("RenewFlag") : ""},
          {"CreatedTime", iso8601(call.now)},
          {"ExpiredTime", expires},
          {"InstanceIds", Json::array()},
          {"HostState", ""},
          {"HostIp", ""},
          {"HostResource", new_resource(*sold)},
          {"CageId", nullptr}};
}

}  // namespace

std::shared_ptr<const InstanceType> find_instance_type(const Call& call, std::string_view name) {
  if (name.starts_with(customized_start)) return customized_type(call, name);
  // The catalogue outlives the call: nobody has to own what is in it.
  return {std::shared_ptr<const void>(), call.catalog.instance_type(name)};
}

std::int64_t local_disks_gb(const Json& system_disk, const Json& data_disks) {
  const auto size = [](const Json& disk) {
    return is_local(disk) ? disk.at("DiskSize").get<std::int64_t>() : 0;
  };
  std::int64_t all = size(system_disk);
  for (const Json& disk : data_disks) all += size(disk);
  return all;
}

std::vector<Resource> suitable_hosts(const Call& call, const Args& placement,
                                     const InstanceType& type) {
  const std::string zone = placement.text("Zone");
  std::vector<Resource> hosts;
  for (const std::string& id : placement.texts("HostIds")) {
    Resource host = call.store.get("host", id);
    if (host.doc.at("Placement").at("Zone") != zone) {
      refuse(call, {"InvalidParameterCombination", "InvalidParameterValue"}, "Placement.HostIds",
             id, "The host is not in `" + zone + "`.");
    }
    if (const auto why = unsuitable(call, host.doc, type); !why.empty()) {
      refuse(call, {why, "InvalidParameterValue"}, "Placement.HostIds", id,
             "The instance type is `" + type.id + "`.");
    }
    hosts.push_back(std::move(host));
  }
  if (!hosts.empty()) return hosts;
  Query query;
  query.filters = {{"zone", {zone}}};
  query.limit = call.store.count("host");
  for (const std::string& id : call.store.page("host", query).ids) {
    Resource host = call.store.get("host", id);
    if (unsuitable(call, host.doc, type).empty()) hosts.push_back(std::move(host));
  }
  if (hosts.empty()) {
    refuse(call, {"InvalidParameter.InstanceTypeSupportedHostNotFound", "InvalidParameterValue"},
           "InstanceType", type.id, "The zone is `" + zone + "`.");
  }
  return hosts;
}

std::vector<std::string> placed_on(const Call& call, const std::vector<Resource>& hosts,
                                   const HostShare& one, std::int64_t count) {
  std::vector<HostShare> left;
  for (const Resource& host : hosts) left.push_back(left_of(call, host.doc));
  std::vector<std::string> placed;
  while (static_cast<std::int64_t>(placed.size()) < count) {
    HostShare* best = nullptr;
    for (HostShare& host : left) {
      if (fits(one, host) && (best == nullptr || host.cpu > best->cpu)) best = &host;
    }
    if (best == nullptr) break;
    take(*best, one);
    placed.push_back(hosts[static_cast<std::size_t>(best - left.data())].id);
  }
  return placed;
}

static Reply AllocateHosts(Call& call) {
  Json doc = checked_host(call);
  const Json tags = tags_for(call, call.args, "host");
  Json ids = Json::array();
  for (std::int64_t i = 0; i < call.args.integer("HostCount"); ++i) {
    RandomStream random = call.store.random_stream();
    doc["HostIp"] = ipv4_text(host_base + static_cast<std::uint32_t>(random.below(host_addresses)));
    ids.push_back(call.lifecycle.create("host.create", "host", random, doc, {{"Tags", tags}}).id);
  }
  return Reply().add("HostIdSet", ids);
}

static Reply DescribeHosts(Call& call) {
  return describe(call, {.kind = "host", .set = "HostSet", .compute = [&](Json& host) {
                           complete(call, host);
                         }});
}

static Reply ModifyHostsAttribute(Call& call) {
  const Args& args = call.args;
  const bool moves = args.given("ProjectId");
  if (!args.given("HostName") && !args.given("RenewFlag") && !moves) {
    throw Error{"MissingParameter", "HostName`, `RenewFlag`, `ProjectId", "",
                "One of them must be given."};
  }
  if (moves) require_project(args.integer("ProjectId"), "ProjectId");
  std::vector<Resource> hosts = load(call, "host", "HostIds");
  for (Resource& host : hosts) {
    call.lifecycle.prepare("host.modify", host);
    if (args.given("HostName")) host.doc["HostName"] = args.text("HostName");
    if (args.given("RenewFlag")) {
      if (host.doc.at("HostChargeType") != "PREPAID")
        throw Error{"InvalidHost.NotSupported", "RenewFlag", host.id, "It is paid by the hour."};
      host.doc["RenewFlag"] = args.text("RenewFlag");
    }
    if (moves) host.doc["Placement"]["ProjectId"] = args.integer("ProjectId");
    call.store.save(host);
  }
  return {};
}

const Actions host_actions = {
    {"AllocateHosts", AllocateHosts},
    {"DescribeHosts", DescribeHosts},
    {"ModifyHostsAttribute", ModifyHostsAttribute},
};

}  // namespace cvm
