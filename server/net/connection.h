// A connection as its loop's sweep sees it, the loop (one thread, one io_context), and the
// coroutines that serve one connection to its end. For session.cpp and connection.cpp alone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

#include "server/gateway/metrics.h"

namespace cvm {

class App;

namespace asio = boost::asio;
using asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

// What the sweep needs to know of a connection. Used by its loop's thread alone.
struct Connection {
  tcp::socket* socket = nullptr;
  SteadyTime since = std::chrono::steady_clock::now();
  asio::steady_timer* held = nullptr;  // A fault holds the request back.
  bool leaving = false;
  // Waiting: until a request's header is whole.
  enum class Doing { waiting, reading, answering, writing } doing = Doing::waiting;

  void now(Doing what) {
    doing = what;
    since = std::chrono::steady_clock::now();
  }

  // Ends it without losing a request: what has arrived can still be read and answered, then comes
  // the end of the stream.
  void leave() {
    leaving = true;
    boost::system::error_code ignored;
    socket->shutdown(tcp::socket::shutdown_receive, ignored);
  }
};

struct Loop {
  std::list<Connection> connections;  // In the order in which they began to wait.
  asio::io_context context{1};
  asio::steady_timer sweep{context};
  bool stopping = false;
};

// A connection's place in its loop, for as long as it lives.
class Place {
 public:
  Place(Loop& loop, tcp::socket& socket, ConnectionCounts& counts)
      : loop_(loop),
        counts_(counts),
        at_(loop.connections.insert(loop.connections.end(), Connection{&socket})) {
    ++counts_.open;
  }
  ~Place() {
    loop_.connections.erase(at_);
    --counts_.open;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Connection& connection() const { return *at_; }

  // The next request may come.
  void wait() const {
    at_->now(Connection::Doing::waiting);
    loop_.connections.splice(loop_.connections.end(), loop_.connections, at_);
    if (loop_.stopping && !at_->leaving) at_->leave();
  }

 private:
  Loop& loop_;
  ConnectionCounts& counts_;
  std::list<Connection>::iterator at_;
};

// Without `tls` it is plain HTTP; with it, what the client begins with, or TLS always.
asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context* tls, bool always_tls, App& app,
                            Loop& loop);

}  // namespace cvm
