// The sockets: listening, connections, requests in and answers out. The only file with coroutines
// is session.cpp; everything it calls runs to completion.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cvm {

class Gateway;

struct ListenerOptions {
  std::string address;  // "127.0.0.1"
  std::uint16_t port = 0;
  bool tls = false;
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  int threads = 2;
  std::string tls_certificate, tls_key;  // PEM files, for listeners with TLS.
};

class Server {
 public:
  // Binds and listens; throws ConfigError if that is not possible. Serves nothing yet.
  Server(Gateway& gateway, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // `http://127.0.0.1:8080`, with the ports that were taken.
  const std::vector<std::string>& urls() const;

  // Serves until SIGTERM, SIGINT or stop(); then finishes what is in flight.
  void run();
  void stop();  // From any thread.

 private:
  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace cvm
