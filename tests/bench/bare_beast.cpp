// What Boost.Beast does on this machine when nothing is to be done: the yardstick for the server's
// throughput. Threads, accepting, reading and writing are those of server/net/session.cpp.
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdlib>
#include <iostream>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int threads = 2;  // As many as the server has by default.
constexpr std::size_t buffer_bytes_max = 128 << 10;

using Loops = std::list<asio::io_context>;

asio::awaitable<void> serve(tcp::socket socket, const std::string& body) {
  error_code failure;
  boost::beast::flat_buffer buffer(buffer_bytes_max);
  for (bool keep = true; keep;) {
    http::request_parser<http::string_body> parser;
    co_await http::async_read(socket, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    keep = parser.get().keep_alive();
    std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
    head.append(std::to_string(body.size()));
    head.append(keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head), asio::buffer(body)};
    co_await asio::async_write(socket, buffers, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
  }
}

// Deals the connections to the loops in turn.
asio::awaitable<void> accept(tcp::acceptor& acceptor, Loops& loops, const std::string& body) {
  for (auto turn = loops.begin();;) {
    error_code failure;
    tcp::socket socket =
        co_await acceptor.async_accept(*turn, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) continue;
    socket.set_option(tcp::no_delay(true), failure);
    asio::co_spawn(*turn, serve(std::move(socket), body), asio::detached);
    if (++turn == loops.end()) turn = loops.begin();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bare_beast PORT BODY_BYTES\n";
    return 2;
  }
  try {
    const auto port = static_cast<unsigned short>(std::stoul(argv[1]));
    const std::string body(std::stoul(argv[2]), 'x');
    Loops loops;
    for (int i = 0; i < threads; ++i) loops.emplace_back(1);
    tcp::acceptor acceptor(loops.front(), {asio::ip::address_v4::loopback(), port});
    asio::co_spawn(loops.front(), accept(acceptor, loops, body), asio::detached);
    std::cout << "ready http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    std::vector<std::thread> running;
    for (asio::io_context& loop : loops) {
      running.emplace_back([&loop] {
        const auto work = asio::make_work_guard(loop);
        loop.run();
      });
    }
    for (std::thread& thread : running) thread.join();
  } catch (const std::exception& problem) {
    std::cerr << "bare_beast: " << problem.what() << '\n';
    return 1;
  }
}
