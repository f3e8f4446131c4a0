// The sockets: listening, connections, requests in and answers out. The only files with coroutines
// are session.cpp and connection.cpp; everything they call runs to completion.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "state/base/time.h"

namespace cvm {

class App;

struct ListenerOptions {
  std::string address;  // "127.0.0.1"
  std::uint16_t port = 0;
  bool tls = false;
};

// How long a connection may do one thing before it is closed.
struct Timeouts {
  Milliseconds idle{75'000};
  Milliseconds reading{60'000};  // A request, from its header to its last byte.
  Milliseconds writing{60'000};  // Without the client taking any of the answer.
  Milliseconds grace{10'000};    // After the server was told to stop.
  Milliseconds sweep{1'000};     // How often this is looked at.
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  int threads = 2;
  std::size_t connections_max = 8192;  // A thread; fewer if the system allows fewer descriptors.
  Timeouts timeouts;
  // PEM files. With them, listeners without TLS take it, too, if a client begins with it.
  std::string tls_certificate, tls_key;
};

class Server {
 public:
  // Binds and listens; throws ConfigError if that is not possible. Serves nothing yet.
  Server(App& app, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // `http://127.0.0.1:8080`, with the ports that were taken.
  const std::vector<std::string>& urls() const;

  // Serves until SIGTERM, SIGINT, SIGHUP or stop(); then finishes what is in flight.
  void run();
  void stop();  // From any thread.

 private:
  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace cvm
