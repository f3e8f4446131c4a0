// What is printed is meant for sh: whatever comes from outside is quoted.
#include "server/cli/commands.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <iomanip>
#include <ostream>
#include <utility>
#include <vector>

#include "handlers/api/model.h"
#include "handlers/registry.h"
#include "server/auth/signature.h"
#include "server/request/http.h"
#include "state/base/edit_distance.h"
#include "state/base/error.h"

namespace cvm {

namespace {

constexpr std::string_view usual_region = "ap-guangzhou";
constexpr std::chrono::seconds patience{3};

// Where the server is, as clients spell it.
struct Target {
  bool tls = false;
  std::string origin;       // `http://[::1]:8080`
  std::string host;         // `[::1]:8080`: what clients send and sign.
  std::string address;      // `::1`
  std::string port;         // `8080`
  std::string port_suffix;  // `:8080`; empty for the scheme's own port, which clients leave out.
};

Target parse_target(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  const bool plain = url && url->scheme_id() == boost::urls::scheme::http;
  const bool tls = url && url->scheme_id() == boost::urls::scheme::https;
  // port_number() keeps 16 bits of whatever is there.
  const bool number =
      url && (!url->has_port() ||
              (url->port_number() != 0 && std::to_string(url->port_number()) == url->port()));
  if ((!plain && !tls) || url->host().empty() || !number || url->has_userinfo() ||
      url->has_query() || url->has_fragment() || (url->path() != "" && url->path() != "/")) {
    throw ConfigError{"--url: `" + text + "` is not http://HOST:PORT"};
  }
  Target target;
  target.tls = tls;
  target.address = std::string(url->encoded_host_address());
  const std::string usual_port = tls ? "443" : "80";
  target.port = url->has_port() ? std::string(url->port()) : usual_port;
  if (target.port != usual_port) target.port_suffix = ":" + target.port;
  target.host = std::string(url->encoded_host()) + target.port_suffix;
  target.origin = (tls ? "https://" : "http://") + target.host;
  return target;
}

// Bare where the shell takes it as it is, else in single quotes.
std::string for_shell(std::string_view text) {
  static constexpr std::string_view bare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,";
  if (!text.empty() && text.find_first_not_of(bare) == text.npos) return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

const Action& known_action(const Model& model, const std::string& name) {
  if (const Action* action = model.find(name)) return *action;
  const auto& all = model.actions();
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a.first) < edit_distance(name, b.first);
  });
  throw ConfigError{"--action: `" + name + "` is not an action of the API; the nearest is " +
                    nearest->first};
}

// The certificate authority that the server made for itself, if it did on this machine.
std::string ca_file(const CommandOptions& options) {
  const std::string path = options.tls_directory + "/ca.pem";
  return read_file(path) ? path : "";
}

// terraform asks cvm.DOMAIN, vpc.DOMAIN and so on: the domain must be a name, never an address.
struct Domain {
  std::string name, address;
};
Domain domain_of(const Target& target) {
  const std::string& host = target.address;
  if (host.starts_with("127.") || host == "::1" || host == "localhost")
    return {"localhost", host == "::1" ? host : "127.0.0.1"};
  const bool is_address =
      host.find_first_not_of("0123456789.") == host.npos || host.find(':') != host.npos;
  return is_address ? Domain{"cvmsim.test", host} : Domain{host, "ADDRESS"};
}

void print_terraform(const Target& target, std::ostream& out) {
  const Domain domain = domain_of(target);
  out << "# Endpoint, for terraform. These names must lead to the server; a line for /etc/hosts:\n"
      << "#   " << domain.address;
  for (const char* service : {"cvm", "vpc", "cbs", "tag"})
    out << ' ' << service << '.' << domain.name;
  out << "\nexport TENCENTCLOUD_PROTOCOL=" << (target.tls ? "HTTPS" : "HTTP")
      << "\nexport TENCENTCLOUD_DOMAIN=" << for_shell(domain.name + target.port_suffix) << '\n';
}

// The clients that can only be told in their own code or command line.
void print_endpoints(const Target& target, std::ostream& out) {
  const std::string scheme = target.tls ? "https" : "http";
  const std::string quoted_host = "\"" + target.host + "\"";
  const std::string quoted_url = "\"" + target.origin + "\"";
  out << "# Endpoint, where no variable is read for it:\n"
      << "#   tccli cvm DescribeZones --endpoint " << for_shell(target.origin) << '\n'
      << "#   Python: HttpProfile(protocol=\"" << scheme << "\", endpoint=" << quoted_host << ")\n"
      << "#   Node (intl-en): new HttpProfile(\"" << scheme << "://\", " << quoted_host << ")\n"
      << "#   Node: httpProfile: { protocol: \"" << scheme << "://\", endpoint: " << quoted_host
      << " }\n"
      << "#   Go: HttpProfile.Scheme, HttpProfile.Endpoint = \"" << scheme << "\", " << quoted_host
      << '\n'
      << "#   Java: httpProfile.setProtocol(\"" << scheme << "://\"); httpProfile.setEndpoint("
      << quoted_host << ");\n"
      << "#   packer: cvm_endpoint = " << quoted_url << " and vpc_endpoint = " << quoted_url << '\n'
      << "# The Node SDKs send all requests through http_proxy, if that is set: unset it.\n";
}

}  // namespace

int print_environment(const CommandOptions& options, std::ostream& out) {
  const Target target = parse_target(options.url);
  out << "# For sh:  eval \"$(cvmsim env)\"\n"
      << "# Credentials, for tccli, terraform, packer, and SDKs told to take them from here.\n"
      << "export TENCENTCLOUD_SECRET_ID=" << for_shell(options.secret_id) << '\n'
      << "export TENCENTCLOUD_SECRET_KEY=" << for_shell(options.secret_key) << '\n'
      << "# Region, for tccli and terraform.\n"
      << "export TENCENTCLOUD_REGION=" << usual_region << '\n';
  print_terraform(target, out);
  out << "# cvmsim's own commands: sign, healthcheck.\n"
      << "export CVMSIM_URL=" << for_shell(target.origin) << '\n';
  if (const std::string ca = ca_file(options); target.tls && !ca.empty()) {
    out << "# The server's certificate, for Node.\n"
        << "export NODE_EXTRA_CA_CERTS=" << for_shell(ca) << '\n'
        << "# For one program in Go:  SSL_CERT_FILE=" << for_shell(ca) << " terraform apply\n";
  }
  print_endpoints(target, out);
  return 0;
}

int print_signed_curl(const CommandOptions& options, const Model& model, Time now,
                      std::ostream& out) {
  const Target target = parse_target(options.url);
  const Action& action = known_action(model, options.action);
  if (!Json::accept(options.data)) throw ConfigError{"--data: `" + options.data + "` is not JSON"};

  static constexpr std::string_view type = "application/json";
  const std::string timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  const std::string date = iso8601(now).substr(0, 10);
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.headers = {{"Content-Type", type}};
  request.body = options.data;
  Authorization by{options.secret_id, date, "cvm", "content-type;host", {}};
  const std::string canonical = tc3_canonical_request(request, by, tc3_payload_hash(request),
                                                      {.host = target.host, .path = "/"});
  const std::string signature = tc3_signature(canonical, timestamp, by, options.secret_key);

  out << "curl -sS";
  if (const std::string ca = ca_file(options); target.tls && !ca.empty())
    out << " --cacert " << for_shell(ca);
  const auto header = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) out << " \\\n  -H " << for_shell(name + ": " + value);
  };
  out << ' ' << for_shell(target.origin + "/");
  header("Content-Type", std::string(type));
  header("X-TC-Action", action.name);
  header("X-TC-Version", std::string(Model::version));
  header("X-TC-Region",
         options.region.value_or(action.needs_region ? std::string(usual_region) : ""));
  header("X-TC-Timestamp", timestamp);
  header("X-TC-Token", options.token);
  header("Authorization",
         "TC3-HMAC-SHA256 Credential=" + options.secret_id + "/" + date +
             "/cvm/tc3_request, SignedHeaders=content-type;host, Signature=" + signature);
  out << " \\\n  --data-raw " << for_shell(options.data) << '\n';
  return 0;
}

int check_health(const CommandOptions& options, std::ostream& errors) {
  const Target target = parse_target(options.url);
  if (target.tls) throw ConfigError{"--url: healthcheck asks over plain http only"};
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(patience);
  stream.connect(target.address, target.port);
  stream << "GET /_cvmsim/ready HTTP/1.1\r\nHost: " << target.host
         << "\r\nConnection: close\r\n\r\n"
         << std::flush;
  std::string line;
  std::getline(stream, line);
  const bool http = line.starts_with("HTTP/1.");
  const std::string status = http ? line.substr(0, line.find('\r')).substr(line.find(' ') + 1) : "";
  if (status.starts_with("200")) return 0;
  const auto failure = stream.error();
  errors << "cvmsim: " << target.origin << " is not ready: ";
  if (http) {
    errors << "it answered " << status << '\n';
  } else if (failure && failure != boost::asio::error::eof) {
    errors << failure.message() << '\n';
  } else {
    errors << "it does not speak HTTP\n";
  }
  return 1;
}

int print_coverage(const Model& model, const Fixtures& fixtures, std::ostream& out) {
  const Json reached = fixtures.load("coverage.json");
  const Registry registry;
  for (const auto& [name, action] : model.actions()) {
    const char* support = registry.find(name) == nullptr ? "unimplemented" : "implemented";
    out << std::left << std::setw(40) << name << ' ' << support;
    if (const auto codes = reached.find(name); codes != reached.end()) {
      const char* separator = registry.find(name) == nullptr ? " " : "   ";
      for (const Json& code : *codes)
        out << std::exchange(separator, " ") << code.get<std::string>();
    }
    out << '\n';
  }
  return 0;
}

}  // namespace cvm
