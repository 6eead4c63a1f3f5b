// An engine on a free port with protocols made of lambdas, and a blocking client.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <loft/transport.hpp>

#include "net/engine.hpp"

namespace net_test {

using loft::Bytes;
using loft::CloseReason;
using loft::Link;
using loft::Millis;
using loft::Protocol;

/// Waits for a condition that another thread makes true; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

class SteadyClock final : public loft::Clock {
 public:
  Millis now() const noexcept override;
  Millis steady() const noexcept override;
};

class Lines final : public loft::Logger {
 public:
  bool enabled(loft::LogLevel) const noexcept override { return true; }
  void write(loft::LogLevel, std::string_view text, std::initializer_list<loft::LogField> fields) noexcept override;
  bool contains(std::string_view part) const;

 private:
  mutable std::mutex mutex_;
  std::string all_;
};

class Registry final : public loft::Metrics {
 public:
  loft::Metric& counter(std::string_view name, std::string_view, std::string_view labels) override {
    return made_[std::string(name) + '{' + std::string(labels) + '}'];
  }
  loft::Metric& gauge(std::string_view name, std::string_view help, std::string_view labels) override {
    return counter(name, help, labels);
  }
  std::int64_t value(const std::string& name, const std::string& labels = "") {
    return made_.at(name + '{' + labels + '}').value();
  }

 private:
  std::map<std::string, loft::Metric> made_;
};

/// What a test's protocol does; each is called on the link's thread.
struct Behaviour {
  std::function<void(Link&)> opened = [](Link&) {};
  std::function<std::size_t(Link&, Bytes)> bytes = [](Link& link, Bytes bytes) {
    return link.write(bytes), bytes.size();
  };
  std::function<void(Link&)> deadline = [](Link& link) { link.close(loft::CloseHow::abort); };
  std::function<void(Link&, CloseReason)> closed = [](Link&, CloseReason) {};
  std::function<void(Link&)> drain = [](Link& link) { link.close(loft::CloseHow::flush); };
};

/// The last state that a test looks at from outside.
struct Seen {
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> destroyed{0};
  std::atomic<int> reason{-1};
};

std::unique_ptr<Protocol> make_protocol(Link& link, std::shared_ptr<Behaviour> behaviour, std::shared_ptr<Seen> seen);

class TestTransport final : public loft::Transport {
 public:
  std::unique_ptr<Protocol> serve(Link& link, loft::Endpoint&) override;
  std::shared_ptr<Behaviour> behaviour = std::make_shared<Behaviour>();
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
};

class NoEndpoint final : public loft::Endpoint {
 public:
  void exchange(loft::HttpExchangePtr) override {}
  bool refuse(loft::HttpExchangePtr, unsigned) override { return false; }
  std::unique_ptr<loft::Conversant> open(loft::Channel&, const loft::Opening&) override { return nullptr; }
  bool has_socket(std::string_view) const noexcept override { return false; }
  loft::Transport* websocket() noexcept override { return nullptr; }
  loft::Admission admit(const loft::HttpExchange&) override { return {}; }
};

/// A blocking TCP client.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0, bool v6 = false);
  ~Client() { close(); }
  Client(Client&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Client(const Client&) = delete;

  bool send(std::string_view bytes);
  /// Up to `count` bytes: fewer at the end of the stream, on a reset, or after ten seconds.
  std::string receive(std::size_t count);
  /// True when the peer has closed or reset and nothing is left to read.
  bool at_end();
  void half_close();
  void reset();
  void close();

  int fd = -1;
};

struct Host {
  explicit Host(loft::net::EngineOptions options = {});
  ~Host();
  /// Listens on 127.0.0.1 and starts.
  void start(loft::net::ListenSpec spec = {"test", "127.0.0.1", 0, "", ""});
  std::int64_t metric(const std::string& name, const std::string& labels = "") { return metrics.value(name, labels); }
  /// Runs `work` on thread 0 and waits for it.
  void on_thread(std::function<void()> work);
  /// How much processor time thread 0 has taken so far.
  std::chrono::nanoseconds cpu_of_thread();

  SteadyClock clock;
  Lines log;
  Registry metrics;
  TestTransport transport;
  NoEndpoint endpoint;
  std::unique_ptr<loft::net::Engine> engine;
  std::uint16_t port = 0;
};

}  // namespace net_test
