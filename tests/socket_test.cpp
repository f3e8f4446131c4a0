// Real connections to a real server in this process: what the sanitizers should see of it. Clients
// that misbehave are in tests/clients/.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "server/gateway/request_log.h"
#include "server/net/session.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

using boost::asio::ip::tcp;

class Served {
 public:
  explicit Served(int threads) {
    configure_log(LogFormat::text, "off");
    ServerOptions options;
    options.threads = threads;
    options.listeners.push_back({"127.0.0.1", 0, false});
    server_ = std::make_unique<Server>(emulator_.gateway(), options);
    const std::string& url = server_->urls().front();
    port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Served() { stop(); }

  void stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() const { return port_; }
  Emulator& emulator() { return emulator_; }

 private:
  Emulator emulator_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(context_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  }

  void write(const std::string& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

  // The body of one answer with a Content-Length.
  std::string read() {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char c = 0;
      boost::asio::read(socket_, boost::asio::buffer(&c, 1));
      head += c;
    }
    std::string body(std::stoul(head.substr(head.find("Content-Length: ") + 16)), '\0');
    boost::asio::read(socket_, boost::asio::buffer(body));
    return body;
  }

  bool closed() {
    char c = 0;
    boost::system::error_code failure;
    socket_.read_some(boost::asio::buffer(&c, 1), failure);
    return static_cast<bool>(failure);
  }

 private:
  boost::asio::io_context context_;
  tcp::socket socket_;
};

std::string api_request(const std::string& account, const std::string& action,
                        const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-TC-Action: " + action +
         "\r\nX-TC-Version: 2017-03-12\r\nX-TC-Region: ap-guangzhou\r\nX-TC-Timestamp: "
         "1\r\nAuthorization: TC3-HMAC-SHA256 Credential=" +
         account +
         "/2026-11-24/cvm/tc3_request, SignedHeaders=host, Signature=0\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST(Socket, ServesManyRequestsOfManyConnections) {
  Served served(2);
  constexpr int clients = 8, rounds = 25;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&, c] {
      Client client(served.port());
      const std::string account = "AKIDEXAMPLE-" + std::to_string(c);
      for (int i = 1; i <= rounds; ++i) {
        client.write(
            api_request(account, "RunInstances",
                        R"({"ImageId":"img-487zeit5","Placement":{"Zone":"ap-guangzhou-3"}})"));
        client.read();
        client.write(api_request(account, "DescribeInstances", "{}"));
        if (client.read().find("\"TotalCount\":" + std::to_string(i) + ",") != std::string::npos)
          ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, clients * rounds);
}

TEST(Socket, AnswersPipelinedRequestsInOrder) {
  Served served(1);
  Client client(served.port());
  client.write(api_request("a", "DescribeRegions", "{}") + api_request("a", "DescribeZones", "{}"));
  EXPECT_NE(client.read().find("RegionSet"), std::string::npos);
  EXPECT_NE(client.read().find("ZoneSet"), std::string::npos);
}

TEST(Socket, ClosesWhatIsNotHttp) {
  Served served(1);
  Client client(served.port());
  client.write("\x16\x03\x01 this is no HTTP\r\n\r\n");
  EXPECT_NE(client.read().find("not HTTP"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST(Socket, StopsWithConnectionsOpen) {
  Served served(2);
  Client idle(served.port()), halfway(served.port());
  halfway.write("POST / HTTP/1.1\r\nHost: h\r\nConte");
  idle.write(api_request("a", "DescribeRegions", "{}"));
  idle.read();
  served.stop();
  EXPECT_TRUE(idle.closed());
}

}  // namespace cvm::test
