// One thread, one event loop, and the connections that were dealt to it: nothing is shared between
// loops but the app. Timeouts are one sweep a second, not a timer for each request.
#include "server/net/session.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <thread>

#include "server/app.h"
#include "server/net/connection.h"
#include "server/net/head_rules.h"
#include "state/base/error.h"

namespace cvm {

using boost::system::error_code;

namespace {

// Descriptors that are no connections: the database, logs, listeners, loops.
constexpr std::size_t descriptors_kept = 128;

// As many as the system lets us have.
std::size_t descriptors_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

// What one loop may hold, so that descriptors never run out.
std::size_t connections_max(const ServerOptions& options) {
  const std::size_t descriptors = descriptors_max();
  const std::size_t free =
      descriptors > 2 * descriptors_kept ? descriptors - descriptors_kept : descriptors / 2;
  const std::size_t share = free / static_cast<std::size_t>(options.threads);
  return std::clamp<std::size_t>(share, 1, options.connections_max);
}

// A terminal that goes away ends the program, unless nohup said otherwise.
bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// Tells a client that there is no room; whoever speaks TLS sees a close.
void refuse(tcp::socket socket, bool with_tls) {
  static const std::string body =
      http_error(503, "TooManyConnections", "the server has no room for another connection").body;
  static const std::string text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  if (with_tls) return;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  // What has arrived is read, or the answer could be lost in a reset.
  std::string scrap(64 << 10, '\0');
  socket.read_some(asio::buffer(scrap), ignored);
}

// Closes what is late. Connections that wait are told to leave: a request that has just arrived is
// still answered.
asio::awaitable<void> sweep(Loop& loop, Timeouts timeouts, ConnectionCounts& counts) {
  using Doing = Connection::Doing;
  SteadyTime stopping_since{};
  for (;;) {
    loop.sweep.expires_after(loop.stopping ? Milliseconds{20} : timeouts.sweep);
    error_code failure;
    co_await loop.sweep.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    const SteadyTime now = std::chrono::steady_clock::now();
    if (loop.stopping && stopping_since == SteadyTime{}) stopping_since = now;
    const bool out_of_grace = loop.stopping && now - stopping_since > timeouts.grace;
    for (Connection& connection : loop.connections) {
      if (loop.stopping && connection.held != nullptr) connection.held->cancel();
      const auto age = now - connection.since;
      const bool waiting = connection.doing == Doing::waiting && !connection.leaving;
      if (waiting && (loop.stopping || age > timeouts.idle)) connection.leave();
      const bool late = (connection.doing == Doing::reading && age > timeouts.reading) ||
                        (connection.doing == Doing::writing && age > timeouts.writing);
      if (late) ++counts.timed_out;
      error_code ignored;
      if (late || out_of_grace) connection.socket->close(ignored);
    }
    if (loop.stopping && loop.connections.empty()) co_return;
  }
}

}  // namespace

struct Server::Sockets {
  App& app;
  std::list<Loop> loops;
  std::vector<std::pair<tcp::acceptor, bool>> acceptors;  // With TLS or without.
  bool stopping = false;                                  // This and the next are the first loop's.
  std::size_t accepting = 0;                              // Listeners at work.
  std::vector<std::string> urls;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  bool has_certificate = false;
  asio::signal_set signals;
  const Timeouts timeouts;
  const std::size_t connections_max;  // A loop.
  std::atomic<std::int64_t> told_full_s = -60;
  asio::thread_pool background{1};
  Checkpointer checkpointer;  // The background thread's.
  asio::steady_timer checkpoint;

  Sockets(App& to, const ServerOptions& options)
      : app(to),
        loops(static_cast<std::size_t>(options.threads)),
        signals(loops.front().context, SIGINT, SIGTERM),
        timeouts(options.timeouts),
        connections_max(cvm::connections_max(options)),
        checkpointer(to.state().path()),
        checkpoint(loops.front().context) {
    if (!is_ignored(SIGHUP)) signals.add(SIGHUP);
    for (const ListenerOptions& listener : options.listeners) listen(listener);
    has_certificate = !options.tls_certificate.empty();
    if (!has_certificate) return;
    error_code failure;
    tls.use_certificate_chain_file(options.tls_certificate, failure);
    if (!failure) tls.use_private_key_file(options.tls_key, asio::ssl::context::pem, failure);
    if (failure)
      throw ConfigError{"tls: cannot use " + options.tls_certificate + " and " + options.tls_key +
                        ": " + failure.message()};
  }

  void listen(const ListenerOptions& options) {
    error_code failure;
    const auto address = asio::ip::make_address(options.address, failure);
    const std::string where = options.address + ":" + std::to_string(options.port);
    if (failure) throw ConfigError{"listen: `" + options.address + "` is not an IP address"};
    tcp::acceptor acceptor(loops.front().context);
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) throw ConfigError{"listen: cannot listen on " + where + ": " + failure.message()};
    const tcp::endpoint taken = acceptor.local_endpoint();
    const std::string host = taken.address().is_v6() ? "[" + taken.address().to_string() + "]"
                                                     : taken.address().to_string();
    urls.push_back((options.tls ? "https://" : "http://") + host + ":" +
                   std::to_string(taken.port()));
    acceptors.emplace_back(std::move(acceptor), options.tls);
  }

  // Deals connections to the loops, in turn. After the stop those that are still in the kernel's
  // queue get their turn, too: their requests have arrived.
  asio::awaitable<void> accept(tcp::acceptor& acceptor, bool with_tls) {
    auto turn = loops.begin();
    const auto deal = [&](tcp::socket socket) {
      Loop& loop = *turn;
      if (++turn == loops.end()) turn = loops.begin();
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      asio::post(loop.context, [this, &loop, with_tls, taken = std::move(socket)]() mutable {
        admit(loop, std::move(taken), with_tls);
      });
    };
    error_code failure;
    while (!stopping) {
      tcp::socket socket = co_await acceptor.async_accept(
          turn->context, asio::redirect_error(asio::use_awaitable, failure));
      if (!failure) deal(std::move(socket));
      if (failure && !stopping) {
        // Out of descriptors or memory: idle connections give theirs.
        tell_full("cannot take a connection: " + failure.message());
        for (Loop& loop : loops) asio::post(loop.context, [this, &loop] { make_room(loop); });
        asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds{50});
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      }
    }
    acceptor.non_blocking(true, failure);
    for (int i = 0; i < asio::socket_base::max_listen_connections; ++i) {
      tcp::socket socket = acceptor.accept(turn->context, failure);
      if (failure) break;
      deal(std::move(socket));
    }
    acceptor.close(failure);
    if (--accepting == 0) stop_loops();
  }

  // On the loop's thread.
  void admit(Loop& loop, tcp::socket socket, bool with_tls) {
    ConnectionCounts& counts = app.metrics().connections;
    ++counts.accepted;
    if (loop.connections.size() >= connections_max) {
      tell_full(std::to_string(counts.open) + " connections are open, as many as may be");
      if (!make_room(loop)) {
        ++counts.refused;
        return refuse(std::move(socket), with_tls);
      }
    }
    asio::co_spawn(loop.context,
                   serve(std::move(socket), has_certificate ? &tls : nullptr, with_tls, app, loop),
                   asio::detached);
  }

  // Ends the connection that has waited longest for a request. False if none waits.
  bool make_room(Loop& loop) {
    for (Connection& connection : loop.connections) {
      if (connection.doing != Connection::Doing::waiting || connection.leaving) continue;
      connection.leave();
      ++app.metrics().connections.evicted;
      return true;
    }
    return false;
  }

  // Once a minute, however many come.
  void tell_full(const std::string& what) {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    const std::int64_t now_s = std::chrono::floor<std::chrono::seconds>(since_boot).count();
    std::int64_t told_s = told_full_s;
    if (now_s - told_s < 60 || !told_full_s.compare_exchange_strong(told_s, now_s)) return;
    spdlog::warn("{}: idle ones are closed for new ones, others refused", what);
  }

  // Keeps the write-ahead log short, away from the requests.
  asio::awaitable<void> keep_log_short() {
    error_code failure;
    while (!failure) {
      checkpoint.expires_after(std::chrono::seconds{1});
      co_await checkpoint.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      if (failure) co_return;
      asio::post(background, [this] {
        if (const auto problem = checkpointer.run()) spdlog::error(*problem);
      });
    }
  }

  void stop() {
    asio::post(loops.front().context, [this] {
      stopping = true;
      error_code ignored;
      for (auto& [acceptor, with_tls] : acceptors) acceptor.cancel(ignored);
      signals.cancel(ignored);
      checkpoint.cancel();
    });
  }

  // After all connections were dealt.
  void stop_loops() {
    for (Loop& loop : loops) {
      asio::post(loop.context, [&loop] {
        loop.stopping = true;
        loop.sweep.cancel();
      });
    }
  }
};

Server::Server(App& app, const ServerOptions& options)
    : sockets_(std::make_unique<Sockets>(app, options)) {}

Server::~Server() = default;

const std::vector<std::string>& Server::urls() const { return sockets_->urls; }

void Server::run() {
  Sockets& sockets = *sockets_;
  asio::io_context& first = sockets.loops.front().context;
  sockets.accepting = sockets.acceptors.size();
  for (auto& [acceptor, with_tls] : sockets.acceptors) {
    asio::co_spawn(first, sockets.accept(acceptor, with_tls), asio::detached);
  }
  asio::co_spawn(first, sockets.keep_log_short(), asio::detached);
  sockets.signals.async_wait([&](const error_code& failure, int) {
    if (!failure) sockets.stop();
  });
  std::vector<std::thread> threads;
  for (Loop& loop : sockets.loops) {
    asio::co_spawn(loop.context, sweep(loop, sockets.timeouts, sockets.app.metrics().connections),
                   asio::detached);
    if (&loop != &sockets.loops.front()) threads.emplace_back([&loop] { loop.context.run(); });
  }
  first.run();
  for (std::thread& thread : threads) thread.join();
  sockets.background.join();
}

void Server::stop() { sockets_->stop(); }

}  // namespace cvm
