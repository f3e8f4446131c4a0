// A connection as its loop's sweep sees it, and the loop: one thread, one io_context. For
// session.cpp alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

namespace cvm {

namespace asio = boost::asio;
using asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

// What the sweep needs to know of a connection. Used by its loop's thread alone.
struct Connection {
  tcp::socket* socket = nullptr;
  SteadyTime since = std::chrono::steady_clock::now();
  asio::steady_timer* held = nullptr;  // A fault holds the request back.
  enum class Doing { waiting, reading, answering } doing = Doing::waiting;

  void now(Doing what) {
    doing = what;
    since = std::chrono::steady_clock::now();
  }
};

struct Loop {
  asio::io_context context{1};
  std::list<Connection> connections;
  asio::steady_timer sweep{context};
  bool stopping = false;
};

}  // namespace cvm
