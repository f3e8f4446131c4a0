// One connection: requests in, answers out, one after the other, until it ends.
#include "server/net/connection.h"

#include <malloc.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "server/admin/admin.h"
#include "server/app.h"
#include "server/gateway/request_log.h"
#include "server/net/gzip.h"
#include "server/net/head_rules.h"

namespace cvm {

namespace http = boost::beast::http;
using boost::beast::flat_buffer;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;
using Doing = Connection::Doing;

namespace {

constexpr std::uint32_t header_bytes_max = 64 << 10;
// Above the API's 10 MB, whose refusal is the API's.
constexpr std::uint64_t body_bytes_max = 12 << 20;
constexpr std::uint64_t drain_bytes_max = 64 << 20;
constexpr std::size_t part_bytes = 64 << 10;  // That are read or written at once.
constexpr std::size_t gzip_bytes_min = 1024;
// The memory of such a body, and of what was made of it, goes back to the system.
constexpr std::size_t trim_bytes_min = 4 << 20;

template <class Stream>
struct Session {
  Stream& stream;
  App& app;
  const Loop& loop;
  Connection& connection;
  bool tls;
  std::string source;
  flat_buffer buffer{header_bytes_max + part_bytes};
  bool large = false;  // The last request was.
};

struct Manner {
  bool close = false, no_body = false, packed = false;
};

// The head of an answer. A length of nothing: it has no body, and does not speak of one.
std::string head(const HttpResponse& response, std::optional<std::size_t> length, Manner manner) {
  std::string text = "HTTP/1.1 ";
  text.append(std::to_string(response.status)).append(" ");
  text.append(http::obsolete_reason(static_cast<http::status>(response.status)));
  if (length) {
    text.append("\r\nContent-Type: ").append(response.content_type);
    if (manner.packed) text.append("\r\nContent-Encoding: gzip");
    text.append("\r\nContent-Length: ").append(std::to_string(*length));
  } else if (response.status == 205) {
    text.append("\r\nContent-Length: 0");
  }
  for (const auto& [name, value] : response.headers) {
    text.append("\r\n").append(name).append(": ").append(value);
  }
  text.append(manner.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  return text;
}

// Answers that never have a body (RFC 9110, section 15).
bool is_bodiless(int status) { return status == 204 || status == 205 || status == 304; }

template <class Message>
HttpRequest line_of(const Message& message) {
  HttpRequest request;
  request.method = message.method_string();
  request.target = message.target();
  return request;
}

template <class Stream>
HttpRequest view(const http::request<http::string_body>& message, const Session<Stream>& session) {
  HttpRequest request = line_of(message);
  request.source = session.source;
  request.tls = session.tls;
  request.headers.reserve(16);
  for (const auto& field : message)
    request.headers.emplace_back(field.name_string(), field.value());
  request.body = message.body();
  return request;
}

// True if all of it was sent.
template <class Stream>
asio::awaitable<bool> send(Session<Stream>& session, const HttpResponse& response, Manner manner) {
  const bool bodiless = is_bodiless(response.status);
  const std::string body = manner.packed ? gzip(response.body) : std::string();
  const std::string_view whole = manner.packed ? body : response.body;
  const std::string top =
      head(response, bodiless ? std::nullopt : std::optional(whole.size()), manner);
  const bool half = response.delivery == HttpResponse::Delivery::half;
  const std::string_view sent = whole.substr(0, manner.no_body || bodiless ? 0
                                                : half                     ? whole.size() / 2
                                                                           : whole.size());
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(top), asio::buffer(sent)};
  // Asked before each part: the sweep closes connections that take none.
  const auto next_part = [&connection = session.connection](const error_code& failed,
                                                            std::size_t) -> std::size_t {
    connection.now(Doing::writing);
    return failed ? 0 : part_bytes;
  };
  error_code failure;
  co_await asio::async_write(session.stream, buffers, next_part,
                             asio::redirect_error(asio::use_awaitable, failure));
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
asio::awaitable<void> drain(Session<Stream>& session) {
  session.connection.now(Doing::reading);
  error_code failure;
  session.connection.socket->shutdown(tcp::socket::shutdown_send, failure);
  std::string scrap(part_bytes, '\0');
  for (std::uint64_t read = 0; !failure && read < drain_bytes_max;) {
    read += co_await session.stream.async_read_some(
        asio::buffer(scrap), asio::redirect_error(asio::use_awaitable, failure));
  }
}

HttpResponse too_large(const HttpRequest& request, std::uint64_t bytes, std::uint64_t limit,
                       App& app) {
  if (!is_admin(request.path())) return app.too_large(bytes, 10 << 20);
  const std::string call = std::string(request.method) + " " + std::string(request.path());
  return http_error(413, "PayloadTooLarge",
                    limit == 0
                        ? call + " takes no body"
                        : "the body of " + call + " may have " + std::to_string(limit) + " bytes");
}

// What came of reading a request: it is whole, or refused; neither if the client is gone.
struct Arrival {
  bool whole = false;
  std::optional<HttpResponse> refusal = std::nullopt;
};

// What to say to bytes that are no request.
Arrival unreadable(const error_code& failure, App& app) {
  if (failure == http::error::header_limit || failure == http::error::buffer_overflow)
    return {.refusal = app.too_large(header_bytes_max + 1, 32 << 10)};
  const bool malformed =
      failure.category() == make_error_code(http::error::bad_method).category() &&
      failure != http::error::end_of_stream && failure != http::error::partial_message;
  if (!malformed) return {};
  return {.refusal = http_error(400, "BadRequest", "this is not HTTP")};
}

// Takes empty lines before a request from the buffer (RFC 9112, 2.2). True if more is there.
bool skip_empty_lines(flat_buffer& buffer) {
  const auto begins_with = [&](std::string_view text) {
    return std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size())
        .starts_with(text);
  };
  while (begins_with("\r\n")) buffer.consume(2);
  return buffer.size() > 1 || (buffer.size() == 1 && !begins_with("\r"));
}

template <class Stream>
asio::awaitable<Arrival> read_request(Session<Stream>& session, Parser& parser) {
  flat_buffer& buffer = session.buffer;
  error_code failure;
  while (!skip_empty_lines(buffer)) {
    const std::size_t room = boost::beast::read_size(buffer, part_bytes);
    buffer.commit(co_await session.stream.async_read_some(
        buffer.prepare(room), asio::redirect_error(asio::use_awaitable, failure)));
    if (failure) co_return Arrival{};
  }
  parser.header_limit(header_bytes_max);
  parser.body_limit(boost::none);  // It depends on the header.
  buffer.consume(parser.put(buffer.data(), failure));
  if (failure == http::error::need_more) {
    co_await http::async_read_header(session.stream, buffer, parser,
                                     asio::redirect_error(asio::use_awaitable, failure));
  }
  if (failure) co_return unreadable(failure, session.app);
  session.connection.now(Doing::reading);
  Arrival arrival{.refusal = refused_head(parser.get())};
  if (arrival.refusal) co_return arrival;

  const HttpRequest line = line_of(parser.get());
  const std::uint64_t limit = is_admin(line.path()) ? admin_body_bytes_max(line) : body_bytes_max;
  parser.body_limit(limit);
  if (const std::uint64_t told = parser.content_length().value_or(0); told > limit) {
    arrival.refusal = too_large(line, told, limit, session.app);
    co_return arrival;
  }
  if (!parser.is_done() &&
      boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(session.stream, asio::buffer(go_on),
                               asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return Arrival{};
  }
  if (!parser.is_done()) {
    co_await http::async_read(session.stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failure));
  }
  session.large = parser.get().body().size() >= trim_bytes_min;
  if (failure == http::error::body_limit) {
    arrival.refusal = too_large(line, limit + 1, limit, session.app);
    co_return arrival;
  }
  if (failure) co_return unreadable(failure, session.app);
  arrival.whole = true;
  co_return arrival;
}

// False once the connection is to be closed.
template <class Stream>
asio::awaitable<bool> serve_request(Session<Stream>& session) {
  Parser parser;
  const Arrival arrival = co_await read_request(session, parser);
  if (arrival.refusal) {
    const bool sent = co_await send(session, *arrival.refusal, Manner{.close = true});
    if (sent) co_await drain(session);
    co_return false;
  }
  if (!arrival.whole) co_return false;
  Connection& connection = session.connection;
  connection.now(Doing::answering);
  const auto& message = parser.get();
  const HttpRequest request = view(message, session);
  Exchange exchange(request);
  session.app.begin(exchange);
  if (exchange.delay.count() > 0) {
    co_await hold(exchange.delay, connection, session.loop);
    session.app.finish(exchange);
  }
  log_request(exchange);
  const HttpResponse& response = exchange.response;
  if (response.delivery == HttpResponse::Delivery::reset) reset(*connection.socket);
  if (response.delivery == HttpResponse::Delivery::reset ||
      response.delivery == HttpResponse::Delivery::drop)
    co_return false;
  Manner manner;
  // HTTP/1.0 clients would have to be told that the connection stays open: it does not.
  manner.close = session.loop.stopping || connection.leaving || !message.keep_alive() ||
                 message.version() < 11;
  manner.packed = response.body.size() >= gzip_bytes_min && !is_bodiless(response.status) &&
                  accepts_gzip(message[http::field::accept_encoding]);
  manner.no_body = message.method() == http::verb::head;
  const bool sent = co_await send(session, response, manner);
  co_return sent && !manner.close;
}

template <class Stream>
asio::awaitable<void> serve_requests(Stream& stream, bool tls, const Place& place, App& app,
                                     const Loop& loop) {
  error_code ignored;
  Connection& connection = place.connection();
  Session<Stream> session{
      stream,     app, loop,
      connection, tls, connection.socket->remote_endpoint(ignored).address().to_string()};
  for (bool more = true; more;) {
    place.wait();
    more = co_await serve_request(session);
    if (std::exchange(session.large, false)) malloc_trim(0);
  }
}

// Whether the client speaks TLS: its first byte tells, and stays where it is.
asio::awaitable<bool> begins_tls(tcp::socket& socket) {
  static constexpr char handshake = 22;
  error_code failure;
  co_await socket.async_wait(tcp::socket::wait_read,
                             asio::redirect_error(asio::use_awaitable, failure));
  char first = 0;
  if (!failure) socket.receive(asio::buffer(&first, 1), tcp::socket::message_peek, failure);
  co_return !failure && first == handshake;
}

}  // namespace

asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context* tls, bool always_tls, App& app,
                            Loop& loop) {
  const Place place(loop, socket, app.metrics().connections);
  bool with_tls = always_tls;
  if (tls != nullptr && !always_tls) with_tls = co_await begins_tls(socket);
  if (!with_tls) {
    co_await serve_requests(socket, false, place, app, loop);
    co_return;
  }
  asio::ssl::stream<tcp::socket&> stream(socket, *tls);
  error_code failure;
  place.connection().now(Doing::reading);
  co_await stream.async_handshake(asio::ssl::stream_base::server,
                                  asio::redirect_error(asio::use_awaitable, failure));
  if (!failure) co_await serve_requests(stream, true, place, app, loop);
}

}  // namespace cvm
