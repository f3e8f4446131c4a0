// Real connections to a real server in this process: what the sanitizers should see of it. Clients
// that misbehave are in tests/clients/.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <thread>

#include "server/gateway/request_log.h"
#include "server/net/session.h"
#include "tests/support/emulator.h"

namespace cvm::test {

namespace {

using boost::asio::ip::tcp;

class Served {
 public:
  explicit Served(int threads, ServerOptions options = {}) {
    configure_log(LogFormat::text, "off");
    options.threads = threads;
    options.listeners.push_back({"127.0.0.1", 0, false});
    server_ = std::make_unique<Server>(emulator_.app(), options);
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
  Server& server() { return *server_; }
  const ConnectionCounts& counts() { return emulator_.app().metrics().connections; }

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

  std::string read_head() {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char c = 0;
      boost::asio::read(socket_, boost::asio::buffer(&c, 1));
      head += c;
    }
    return head;
  }

  // The body of one answer with a Content-Length.
  std::string read() {
    const std::string head = read_head();
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

  // How much comes until the server closes.
  std::size_t read_to_the_end() {
    std::string all;
    boost::system::error_code failure;
    return boost::asio::read(socket_, boost::asio::dynamic_buffer(all), failure);
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

TEST(Socket, AnswersWhatHasArrivedBeforeItStops) {
  Served served(1);
  std::list<Client> clients;
  for (int i = 0; i < 32; ++i) {
    clients.emplace_back(served.port()).write(api_request("a", "DescribeRegions", "{}"));
    clients.back().read();
  }
  {
    // The first request waits for the lock, and keeps the only thread from reading the others.
    const std::lock_guard lock(served.emulator().state().mutex);
    for (Client& client : clients) client.write(api_request("a", "DescribeRegions", "{}"));
    // Nor can it accept these.
    for (int i = 0; i < 32; ++i)
      clients.emplace_back(served.port()).write(api_request("a", "DescribeRegions", "{}"));
    served.server().stop();
  }
  for (Client& client : clients) {
    EXPECT_NE(client.read().find("RegionSet"), std::string::npos);
    EXPECT_TRUE(client.closed());
  }
  served.stop();
}

TEST(Socket, ClosesClientsThatNeverReadTheirAnswers) {
  ServerOptions options;
  options.timeouts.writing = Milliseconds{50};
  options.timeouts.sweep = Milliseconds{10};
  Served served(1, options);
  Client deaf(served.port());
  // More answers than both kernels buffer.
  std::string requests;
  for (int i = 0; i < 400; ++i)
    requests += api_request("a", "DescribeZoneInstanceConfigInfos", "{}");
  deaf.write(requests);
  while (served.counts().timed_out == 0 || served.counts().open > 0) std::this_thread::yield();
  EXPECT_GT(deaf.read_to_the_end(), 0U);
}

TEST(Socket, AnIdleConnectionMakesRoomForANewOne) {
  ServerOptions options;
  options.connections_max = 2;
  Served served(1, options);
  Client first(served.port()), second(served.port());
  for (Client* client : {&first, &second}) {
    client->write(api_request("a", "DescribeRegions", "{}"));
    client->read();
  }
  Client third(served.port());
  EXPECT_TRUE(first.closed());
  for (Client* client : {&second, &third}) {
    client->write(api_request("a", "DescribeRegions", "{}"));
    EXPECT_NE(client->read().find("RegionSet"), std::string::npos);
  }
  EXPECT_EQ(served.counts().evicted, 1U);
  EXPECT_EQ(served.counts().refused, 0U);
}

TEST(Socket, BusyConnectionsMakeNoRoom) {
  ServerOptions options;
  options.connections_max = 2;
  Served served(1, options);
  Client first(served.port()), second(served.port());
  std::string request = api_request("a", "DescribeRegions", "{}");
  request.insert(request.find("Content-Type"), "Expect: 100-continue\r\n");
  for (Client* client : {&first, &second}) {
    client->write(request.substr(0, request.size() - 2));
    client->read_head();  // It is told to go on: the server waits for the rest.
  }
  Client third(served.port());
  third.write(request);
  EXPECT_NE(third.read().find("TooManyConnections"), std::string::npos);
  EXPECT_TRUE(third.closed());
  for (Client* client : {&first, &second}) {
    client->write("{}");
    EXPECT_NE(client->read().find("RegionSet"), std::string::npos);
  }
  EXPECT_EQ(served.counts().evicted, 0U);
  EXPECT_EQ(served.counts().refused, 1U);
}

}  // namespace cvm::test
