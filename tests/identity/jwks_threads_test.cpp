// An issuer changes its keys all the time while threads verify tokens. ThreadSanitizer runs this too.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "contract_host.hpp"
#include "identity/jwks_watch.hpp"
#include "identity/jwt.hpp"
#include "metrics/metrics.hpp"
#include "signer.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

/// An HTTP server on this machine with one thread: each request gets the next of its documents, then the first again.
class KeyServer {
 public:
  explicit KeyServer(std::vector<std::string> documents) : documents_(std::move(documents)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~KeyServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/keys"; }
  /// From now on this alone.
  void settle(std::string document) {
    const std::lock_guard lock(mutex_);
    documents_ = {std::move(document)};
  }
  unsigned served() const { return served_; }

 private:
  void serve() {
    for (;;) {
      const int link = accept(listener_, nullptr, nullptr);
      if (link < 0) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const auto size = recv(link, buffer, sizeof buffer, 0);
        if (size <= 0) break;
        request.append(buffer, static_cast<std::size_t>(size));
      }
      std::string body;
      {
        const std::lock_guard lock(mutex_);
        body = documents_[served_ % documents_.size()];
      }
      const auto answer =
          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      static_cast<void>(send(link, answer.data(), answer.size(), MSG_NOSIGNAL));
      close(link);
      ++served_;
    }
  }

  std::mutex mutex_;
  std::vector<std::string> documents_;
  std::atomic<unsigned> served_{0};
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string set(const std::string& keys) { return "{\"keys\":[" + keys + "]}"; }

/// What a thread was told of its token.
struct Seen {
  std::atomic<unsigned> believed{0}, refused{0}, strange{0};
  bool has_both() const { return believed >= 5 && refused >= 5; }
};

}  // namespace

TEST_CASE("threads verify tokens while the keys of their issuer come, change and fail to come") {
  const Signer a("a"), b("b");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  KeyServer publisher({set(a.jwk()), set(b.jwk()), "nonsense", set(a.jwk() + "," + b.jwk())});
  const FixedClock clock(1'760'000'000'000);
  JwtIdentity tokens(own_secret, "loft", Millis{0}, clock);
  MetricsImpl metrics;
  QuietLogger log;
  identity::PublishedKeys keys;
  keys.url = publisher.url();
  keys.refresh = keys.refresh_unknown = 1;
  keys.source = tokens.ring().add({"issuer", {}, false}, true);
  identity::JwksWatch watch({keys}, tokens.ring(), log, metrics);
  tokens.ring().on_unknown([&] { watch.unknown(); });

  std::atomic<bool> stop{false};
  Seen seen[4];
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::size(seen); ++i) {
    const auto token = (i % 2 == 0 ? a : b).token(R"({"iss":"issuer","uid":"ann","exp":1760000060})");
    threads.emplace_back([&, token, i] {
      while (!stop) {
        const auto claims = tokens.verify(token);
        if (claims && claims->handle == "ann") {
          ++seen[i].believed;
        } else if (!claims &&
                   (claims.error().reason == "token.forged" || claims.error().reason == "token.keys_missing")) {
          ++seen[i].refused;
        } else {
          ++seen[i].strange;
        }
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) static_cast<void>(watch.state().text.size() + metrics.text().size());
  });
  const auto all = [&] {
    for (const auto& each : seen) {
      if (!each.has_both()) return false;
    }
    return publisher.served() >= 40;
  };
  while (!all() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  stop = true;
  for (auto& thread : threads) thread.join();
  for (const auto& each : seen) {
    CHECK(each.has_both());
    CHECK(each.strange == 0);
  }
  CHECK(publisher.served() >= 40);

  publisher.settle(set(a.jwk()));
  const auto settled = publisher.served() + 3;
  while (publisher.served() < settled && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(tokens.verify(a.token(R"({"iss":"issuer","uid":"ann","exp":1760000060})")).ok());
  CHECK_FALSE(tokens.verify(b.token(R"({"iss":"issuer","uid":"ann","exp":1760000060})")).ok());
  CHECK(watch.state().text == "ok");
}
