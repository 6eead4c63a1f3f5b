#include "common/courier.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include <loft/testing/clock.hpp>

#include "apns/provider_token.hpp"
#include "channel_bench.hpp"

using namespace push_test;
using loft::Millis;
using loft::push::Courier;
using loft::push::CourierSettings;
using loft::push::Request;
using loft::push::Response;
using Failure = Response::Failure;

namespace {

const std::string device = "0f3a" + std::string(60, 'b');

/// Somebody who takes connections, greets, and never says a word after that.
class Silence {
 public:
  explicit Silence(std::string greeting = {}) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 100) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, greeting = std::move(greeting)] {
      for (int one = 0; (one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        static_cast<void>(!::send(one, greeting.data(), greeting.size(), MSG_NOSIGNAL));
        const std::lock_guard lock(mutex_);
        taken_.push_back(one);
        changed_.notify_all();
      }
    });
  }
  ~Silence() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (const int one : taken_) ::close(one);
    ::close(listener_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  std::string at(const std::string& scheme) const { return scheme + "://127.0.0.1:" + std::to_string(port_) + "/"; }
  std::uint16_t port() const { return port_; }
  std::size_t taken() const {
    const std::lock_guard lock(mutex_);
    return taken_.size();
  }
  void wait_for_one() const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return !taken_.empty(); });
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<int> taken_;
  std::thread thread_;
};

/// A courier, and what came back of each request.
struct Posted {
  explicit Posted(CourierSettings settings) : courier(std::move(settings)) { courier.start(); }

  void send(Request request, std::size_t number) {
    courier.send(std::move(request), [this, number](Response response) {
      const std::lock_guard lock(mutex);
      answers.emplace(number, std::move(response));
      changed.notify_all();
    });
  }
  Response answer(std::size_t number) {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(90), [&] { return answers.contains(number); }))
      throw std::runtime_error("there is no answer");
    return answers.at(number);
  }

  bool has(std::size_t number) {
    const std::lock_guard lock(mutex);
    return answers.contains(number);
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, Response> answers;
  Courier courier;
};

/// This process's own socket that is connected to that port; -1: none.
int socket_to(std::uint16_t port) {
  for (int socket = 3; socket < 1024; ++socket) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && ntohs(peer.sin_port) == port)
      return socket;
  }
  return -1;
}

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(socket, level, name, &value, &size);
  return value;
}

CourierSettings settings(const std::string& ca_file = {}) {
  CourierSettings out;
  out.ca_file = ca_file;
  out.prepare = loft::push::prepare_http2;
  return out;
}

/// A notification for the simulation of Apple's service.
struct Apple {
  TemporaryFolder folder;
  Simulation there;
  loft::testing::ManualClock clock{real_now()};
  loft::push::ProviderToken token{
      *loft::push::Signer::from_pem(loft::push::Signer::Kind::es256, read_file(there.at("key_path"))),
      there.at("key_id"), there.at("team_id"), clock};

  explicit Apple(const std::vector<std::string>& arguments = {}) : there(folder.path, arguments) {}

  Request to(const std::string& device, Millis timeout = 60'000) {
    Request out;
    out.url = there.at("apns") + "/3/device/" + device;
    out.headers = {"authorization: bearer " + token.current(), "apns-topic: org.example.chat"};
    out.body = R"({"aps":{"alert":"x"}})";
    out.timeout = timeout;
    return out;
  }
};

}  // namespace

TEST_CASE("a request that is never answered takes none with it that came later on the same connection") {
  Apple apple({"--slow", "3000"});
  Posted posted(settings(apple.there.at("ca_file")));
  posted.send(apple.to(device), 0);
  REQUIRE(posted.answer(0).status == 200);
  posted.send(apple.to("hang-x", 500), 1);
  posted.send(apple.to("slow-x"), 2);
  CHECK(posted.answer(1).failure == Failure::timed_out);
  const auto slow = posted.answer(2);
  CHECK(slow.failure == Failure::none);
  CHECK(slow.status == 200);
}

TEST_CASE("a connection that went silent is left behind") {
  Apple apple;
  Posted posted(settings(apple.there.at("ca_file")));
  posted.send(apple.to(device), 0);
  REQUIRE(posted.answer(0).status == 200);
  posted.send(apple.to("freeze-x", 500), 1);
  CHECK(posted.answer(1).failure == Failure::timed_out);
  posted.send(apple.to(device), 2);
  CHECK(posted.answer(2).status == 200);
  // Again, while the first one is not gone yet.
  posted.send(apple.to("freeze-x", 500), 3);
  posted.send(apple.to("hang-x", 2'000), 4);
  CHECK(posted.answer(3).failure == Failure::timed_out);
  posted.send(apple.to(device), 5);
  CHECK(posted.answer(5).status == 200);
  CHECK(posted.answer(4).failure == Failure::timed_out);
}

TEST_CASE("what was under way on a connection that ends is not sent again behind its sender's back") {
  Apple apple({"--slow", "600000"});
  Posted posted(settings(apple.there.at("ca_file")));
  const auto taken = [&](std::string_view token) {
    const auto pushes = apple.there.pushes();
    return std::count_if(pushes.begin(), pushes.end(),
                         [&](const std::string& push) { return push.find(token) != std::string::npos; });
  };
  posted.send(apple.to(device), 0);
  REQUIRE(posted.answer(0).status == 200);
  posted.send(apple.to("slow-x"), 1);
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (taken("slow-x") == 0 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  REQUIRE(taken("slow-x") == 1);
  posted.send(apple.to("drop-x"), 2);
  CHECK(posted.answer(1).failure == Failure::lost);
  CHECK(posted.answer(2).failure == Failure::lost);
  posted.send(apple.to(device), 3);
  CHECK(posted.answer(3).status == 200);
  CHECK(taken("slow-x") == 1);
}

TEST_CASE("what waits for a connection is given up in its own time") {
  const Silence nobody;
  auto how = settings();
  how.connect_timeout = 60'000;
  Posted posted(how);
  Request request;
  request.url = nobody.at("https");
  request.timeout = 60'000;
  posted.send(request, 0);
  request.timeout = 500;
  for (std::size_t i = 1; i < 20; ++i) posted.send(request, i);
  for (std::size_t i = 1; i < 20; ++i) CHECK(posted.answer(i).failure == Failure::timed_out);
  CHECK_FALSE(posted.has(0));
}

TEST_CASE("a mail's time begins with its turn, for which it waits in patience") {
  const Silence nobody("220 mail.example.test\r\n");
  auto how = settings();
  how.prepare = nullptr;
  Request request;
  request.url = nobody.at("smtp");
  request.sender = "a@example.test", request.recipient = "b@example.test";
  request.timeout = 300;
  request.patience = 60'000;
  {
    Posted posted(how);
    for (std::size_t i = 0; i < 5; ++i) posted.send(request, i);
    for (std::size_t i = 0; i < 5; ++i) CHECK(posted.answer(i).failure == Failure::timed_out);
    CHECK(nobody.taken() == 5);  // each was tried
  }
  Posted posted(how);
  request.timeout = 60'000;
  posted.send(request, 0);
  request.patience = 100;
  posted.send(request, 1);
  CHECK(posted.answer(1).failure == Failure::full);
  CHECK_FALSE(posted.has(0));
  const auto begun = std::chrono::steady_clock::now();
  posted.courier.stop();
  CHECK(posted.answer(0).failure == Failure::stopped);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));  // the server's goodbye is not waited for
}

TEST_CASE("a connection whose peer is gone without a word is given up by the kernel") {
  const Silence nobody;
  Posted posted(settings());
  Request request;
  request.url = nobody.at("https");
  request.timeout = 60'000;
  posted.send(request, 0);
  nobody.wait_for_one();
  const int socket = socket_to(nobody.port());
  REQUIRE(socket >= 0);
  CHECK(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
  CHECK(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  CHECK(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 10);
}

TEST_CASE("an answer on which somebody throws costs neither the connection nor a place in the window") {
  Apple apple;
  std::mutex mutex;
  std::vector<std::string> failures;
  auto how = settings(apple.there.at("ca_file"));
  how.window = 1;
  how.failed = [&](const char* what) {
    const std::lock_guard lock(mutex);
    failures.emplace_back(what);
  };
  Posted posted(how);
  posted.courier.send(apple.to(device), [](const Response&) { throw std::runtime_error("a slip"); });
  while (posted.courier.under_way() != 0) std::this_thread::yield();
  posted.send(apple.to(device), 0);
  CHECK(posted.answer(0).status == 200);
  const std::lock_guard lock(mutex);
  CHECK(failures == std::vector<std::string>{"a slip"});
}

// Run by the one below, where the system trusts the simulation.
TEST_CASE("where the system trusts the simulation", "[.trusted]") {
  const auto* const given = std::getenv("LOFT_TEST_CA_FILE");
  auto how = settings(given != nullptr ? given : "");
  const Courier courier(how);
  Request request;
  request.url = std::getenv("LOFT_TEST_URL");
  std::cout << '\n'
            << (courier.ask(std::move(request)).failure == Failure::certificate ? "refused" : "taken") << std::endl;
}

TEST_CASE("with a ca_file, what the system trusts beside it is not good") {
  Apple apple;
  const TemporaryFolder other, trusted;
  // The system's authorities are a file and a folder. Here they hold that of the simulation alone.
  const std::string stranger = other.path + "/stranger.pem";
  const std::string run = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -keyout /dev/null -out " +
                          stranger + " 2>/dev/null && cp " + apple.there.at("ca_file") + " " + trusted.path +
                          "/ca-certificates.crt && cp " + apple.there.at("ca_file") + " " + trusted.path +
                          "/ca.pem && openssl rehash " + trusted.path + " 2>/dev/null" + " && mount --bind " +
                          trusted.path + " /etc/ssl/certs && " +
                          std::filesystem::read_symlink("/proc/self/exe").string() +
                          " '[.trusted]' 2>/dev/null | grep -x -e taken -e refused";
  const auto said = [&](const std::string& environment) {
    return Program({"/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c",
                    environment + " export LOFT_TEST_URL=" + apple.there.at("apns") + "/; " + run})
        .first_line();
  };
  CHECK(said("") == "taken");
  CHECK(said("export LOFT_TEST_CA_FILE=" + apple.there.at("ca_file") + ";") == "taken");
  CHECK(said("export LOFT_TEST_CA_FILE=" + stranger + ";") == "refused");
}
