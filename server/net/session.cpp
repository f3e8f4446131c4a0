// One thread, one event loop, and the connections that were dealt to it: nothing is shared between
// loops but the gateway. Timeouts are one sweep a second, not a timer for each request.
#include "server/net/session.h"

#include <spdlog/spdlog.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <csignal>
#include <thread>

#include "server/admin/admin.h"
#include "server/gateway/gateway.h"
#include "server/gateway/request_log.h"
#include "server/net/connection.h"
#include "server/net/gzip.h"
#include "state/base/error.h"

namespace cvm {

namespace http = boost::beast::http;
using boost::beast::flat_buffer;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

namespace {

constexpr std::uint32_t header_bytes_max = 64 << 10;
// Above the API's 10 MB, whose refusal is the API's.
constexpr std::uint64_t body_bytes_max = 12 << 20;
// A whole state is put back in one piece.
constexpr std::uint64_t admin_body_bytes_max = 512 << 20;
constexpr std::uint64_t drain_bytes_max = 64 << 20;
constexpr std::size_t gzip_bytes_min = 1024;
constexpr std::size_t connections_max = 4096;
constexpr auto idle_max = std::chrono::seconds{75};
constexpr auto read_max =
    std::chrono::seconds{60};  // From the first byte of a request to its last.
constexpr auto grace_max = std::chrono::seconds{10};

}  // namespace

namespace {

// The head of an answer. `close`: the connection ends with it.
std::string head(const HttpResponse& response, std::size_t length, bool close, bool packed) {
  std::string text = "HTTP/1.1 ";
  text.append(std::to_string(response.status)).append(" ");
  text.append(http::obsolete_reason(static_cast<http::status>(response.status)));
  text.append("\r\nContent-Type: ").append(response.content_type);
  if (packed) text.append("\r\nContent-Encoding: gzip");
  text.append("\r\nContent-Length: ").append(std::to_string(length));
  text.append(close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  return text;
}

HttpRequest view(const http::request<http::string_body>& message, std::string_view source) {
  HttpRequest request;
  request.source = source;
  request.method = message.method_string();
  request.target = message.target();
  request.headers.reserve(16);
  for (const auto& field : message)
    request.headers.emplace_back(field.name_string(), field.value());
  request.body = message.body();
  return request;
}

template <class Stream>
asio::awaitable<bool> send(Stream& stream, const HttpResponse& response, bool close, bool no_body,
                           bool packed) {
  const std::string body = packed ? gzip(response.body) : std::string();
  const std::string_view whole = packed ? body : response.body;
  const std::string top = head(response, whole.size(), close, packed);
  const bool half = response.delivery == HttpResponse::Delivery::half;
  const std::string_view sent = whole.substr(0, no_body ? 0
                                                : half  ? whole.size() / 2
                                                        : whole.size());
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(top), asio::buffer(sent)};
  error_code failure;
  co_await asio::async_write(stream, buffers, asio::redirect_error(asio::use_awaitable, failure));
  co_return !failure && !half;
}

// Holds a request back; the server's stop ends it early.
asio::awaitable<void> hold(Milliseconds delay, Connection& connection, const Loop& loop) {
  if (loop.stopping) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  connection.held = &timer;
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  connection.held = nullptr;
}

// Closes so that the client's kernel reports a reset.
void reset(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

// Reads on for a while, so that the answer to a request that was not read whole is not lost in a
// reset.
template <class Stream>
asio::awaitable<void> drain(Stream& stream, tcp::socket& socket) {
  error_code failure;
  socket.shutdown(tcp::socket::shutdown_send, failure);
  std::string scrap(64 << 10, '\0');
  for (std::uint64_t read = 0; !failure && read < drain_bytes_max;) {
    read += co_await stream.async_read_some(asio::buffer(scrap),
                                            asio::redirect_error(asio::use_awaitable, failure));
  }
}

HttpResponse refusal_of(const error_code& failure, const Parser& parser, Gateway& gateway) {
  if (failure == http::error::body_limit) {
    // The parser stopped inside the header: its own content_length() is not to be asked yet.
    const std::string_view told = parser.get()[http::field::content_length];
    std::uint64_t bytes = body_bytes_max + 1;
    std::from_chars(told.data(), told.data() + told.size(), bytes);
    return gateway.too_large(bytes, 10 << 20);
  }
  if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
    return gateway.too_large(header_bytes_max + 1, 32 << 10);
  }
  return {400, R"({"error":{"code":"BadRequest","message":"this is not HTTP"}})"};
}

bool is_malformed(const error_code& failure) {
  return failure.category() == make_error_code(http::error::bad_method).category() &&
         failure != http::error::end_of_stream && failure != http::error::partial_message;
}

template <class Stream>
asio::awaitable<error_code> read_request(Stream& stream, flat_buffer& buffer, Parser& parser,
                                         Connection& connection) {
  error_code failure;
  parser.header_limit(header_bytes_max);
  parser.body_limit(admin_body_bytes_max);
  co_await http::async_read_header(stream, buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return failure;
  connection.now(Connection::Doing::reading);
  if (!is_admin(parser.get().target())) {
    parser.body_limit(body_bytes_max);
    if (parser.content_length().value_or(0) > body_bytes_max) co_return http::error::body_limit;
  }
  if (!parser.is_done() &&
      boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(go_on),
                               asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return failure;
  }
  if (!parser.is_done()) {
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failure));
  }
  co_return failure;
}

template <class Stream>
asio::awaitable<void> serve_requests(Stream& stream, tcp::socket& socket, Gateway& gateway,
                                     Connection& connection, const Loop& loop) {
  flat_buffer buffer(header_bytes_max + (64 << 10));
  error_code ignored;
  const std::string source = socket.remote_endpoint(ignored).address().to_string();
  while (!loop.stopping) {
    Parser parser;
    connection.now(Connection::Doing::waiting);
    const error_code failure = co_await read_request(stream, buffer, parser, connection);
    if (failure && !is_malformed(failure)) co_return;
    connection.now(Connection::Doing::answering);
    if (failure) {
      const HttpResponse refusal = refusal_of(failure, parser, gateway);
      connection.now(Connection::Doing::reading);
      if (co_await send(stream, refusal, true, false, false)) co_await drain(stream, socket);
      co_return;
    }
    const auto& message = parser.get();
    const HttpRequest request = view(message, source);
    Exchange exchange(request);
    gateway.begin(exchange);
    if (exchange.delay.count() > 0) {
      co_await hold(exchange.delay, connection, loop);
      gateway.finish(exchange);
    }
    log_request(exchange);
    const HttpResponse& response = exchange.response;
    if (response.delivery == HttpResponse::Delivery::reset) reset(socket);
    if (response.delivery == HttpResponse::Delivery::reset ||
        response.delivery == HttpResponse::Delivery::drop)
      co_return;
    // HTTP/1.0 clients would have to be told that the connection stays open: it does not.
    const bool close = loop.stopping || !message.keep_alive() || message.version() < 11;
    const bool packed = response.body.size() >= gzip_bytes_min &&
                        accepts_gzip(message[http::field::accept_encoding]);
    const bool no_body = message.method() == http::verb::head;
    if (!co_await send(stream, response, close, no_body, packed) || close) co_return;
  }
}

asio::awaitable<void> serve_plain(tcp::socket socket, Gateway& gateway, Loop& loop) {
  const auto connection = loop.connections.insert(loop.connections.end(), Connection{&socket});
  co_await serve_requests(socket, socket, gateway, *connection, loop);
  loop.connections.erase(connection);
}

asio::awaitable<void> serve_tls(tcp::socket socket, asio::ssl::context& tls, Gateway& gateway,
                                Loop& loop) {
  asio::ssl::stream<tcp::socket> stream(std::move(socket), tls);
  const auto connection =
      loop.connections.insert(loop.connections.end(), Connection{&stream.next_layer()});
  error_code failure;
  connection->now(Connection::Doing::reading);
  co_await stream.async_handshake(asio::ssl::stream_base::server,
                                  asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_await serve_requests(stream, stream.next_layer(), gateway, *connection, loop);
  loop.connections.erase(connection);
}

asio::awaitable<void> sweep(Loop& loop) {
  SteadyTime stopping_since{};
  for (;;) {
    loop.sweep.expires_after(loop.stopping ? Milliseconds{20} : Milliseconds{1000});
    error_code failure;
    co_await loop.sweep.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    const SteadyTime now = std::chrono::steady_clock::now();
    if (loop.stopping && stopping_since == SteadyTime{}) stopping_since = now;
    const bool out_of_grace = loop.stopping && now - stopping_since > grace_max;
    for (const Connection& connection : loop.connections) {
      if (loop.stopping && connection.held != nullptr) connection.held->cancel();
      const auto age = now - connection.since;
      const bool idle = connection.doing == Connection::Doing::waiting;
      const bool late = (idle && (loop.stopping || age > idle_max)) ||
                        (connection.doing == Connection::Doing::reading && age > read_max);
      error_code ignored;
      if (late || out_of_grace) connection.socket->close(ignored);
    }
    if (loop.stopping && loop.connections.empty()) co_return;
  }
}

}  // namespace

struct Server::Sockets {
  Gateway& gateway;
  std::list<Loop> loops;
  std::vector<std::pair<tcp::acceptor, bool>> acceptors;  // With TLS or without.
  std::vector<std::string> urls;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  asio::signal_set signals;
  asio::thread_pool background{1};
  asio::steady_timer checkpoint;

  Sockets(Gateway& to, const ServerOptions& options)
      : gateway(to),
        loops(static_cast<std::size_t>(options.threads)),
        signals(loops.front().context, SIGINT, SIGTERM),
        checkpoint(loops.front().context) {
    for (const ListenerOptions& listener : options.listeners) listen(listener);
    if (options.tls_certificate.empty()) return;
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

  asio::awaitable<void> accept(tcp::acceptor& acceptor, bool with_tls) {
    auto turn = loops.begin();
    while (acceptor.is_open()) {
      error_code failure;
      tcp::socket socket = co_await acceptor.async_accept(
          turn->context, asio::redirect_error(asio::use_awaitable, failure));
      if (failure == asio::error::operation_aborted || !acceptor.is_open()) co_return;
      if (failure) {
        // Out of descriptors, most likely: wait for some to be closed.
        asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds{50});
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        continue;
      }
      Loop& loop = *turn;
      if (++turn == loops.end()) turn = loops.begin();
      socket.set_option(tcp::no_delay(true), failure);
      asio::post(loop.context, [this, &loop, with_tls, taken = std::move(socket)]() mutable {
        if (loop.connections.size() >= connections_max)
          return;  // Dropped: the client sees a close.
        if (with_tls) {
          asio::co_spawn(loop.context, serve_tls(std::move(taken), tls, gateway, loop),
                         asio::detached);
        } else {
          asio::co_spawn(loop.context, serve_plain(std::move(taken), gateway, loop),
                         asio::detached);
        }
      });
    }
  }

  // Keeps the write-ahead log short, away from the requests.
  asio::awaitable<void> keep_log_short() {
    error_code failure;
    while (!failure) {
      checkpoint.expires_after(std::chrono::seconds{1});
      co_await checkpoint.async_wait(asio::redirect_error(asio::use_awaitable, failure));
      if (failure) co_return;
      asio::post(background,
                 [path = gateway.state().database().path()] { Database::checkpoint(path); });
    }
  }

  void stop() {
    asio::post(loops.front().context, [this] {
      error_code ignored;
      for (auto& [acceptor, with_tls] : acceptors) acceptor.close(ignored);
      signals.cancel(ignored);
      checkpoint.cancel();
    });
    for (Loop& loop : loops) {
      asio::post(loop.context, [&loop] {
        loop.stopping = true;
        loop.sweep.cancel();
      });
    }
  }
};

Server::Server(Gateway& gateway, const ServerOptions& options)
    : sockets_(std::make_unique<Sockets>(gateway, options)) {}

Server::~Server() = default;

const std::vector<std::string>& Server::urls() const { return sockets_->urls; }

void Server::run() {
  Sockets& sockets = *sockets_;
  asio::io_context& first = sockets.loops.front().context;
  for (auto& [acceptor, with_tls] : sockets.acceptors) {
    asio::co_spawn(first, sockets.accept(acceptor, with_tls), asio::detached);
  }
  asio::co_spawn(first, sockets.keep_log_short(), asio::detached);
  sockets.signals.async_wait([&](const error_code& failure, int) {
    if (!failure) sockets.stop();
  });
  std::vector<std::thread> threads;
  for (Loop& loop : sockets.loops) {
    asio::co_spawn(loop.context, sweep(loop), asio::detached);
    if (&loop != &sockets.loops.front()) threads.emplace_back([&loop] { loop.context.run(); });
  }
  first.run();
  for (std::thread& thread : threads) thread.join();
  sockets.background.join();
}

void Server::stop() { sockets_->stop(); }

}  // namespace cvm
