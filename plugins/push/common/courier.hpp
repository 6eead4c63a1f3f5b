// Requests to a provider, many at once, over connections that stay open. On top of libcurl; each connection has a
// thread of its own, so that neither the caller nor another connection ever waits for a slow peer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <loft/clock.hpp>
#include <loft/function.hpp>

namespace loft::push {

struct Request {
  std::string url;
  std::vector<std::string> headers;  ///< HTTP: `name: value`
  std::string body;
  std::string sender;        ///< mail: the envelope's; empty for HTTP
  std::string recipient;     ///< mail: the envelope's; empty: nothing is sent, the server is greeted only
  Millis timeout = 20'000;   ///< of a mail: from its turn on
  Millis patience = 30'000;  ///< mail: so long it waits for its turn; then it is `full`
};

struct Response {
  enum class Failure : std::uint8_t {
    none,         ///< there is an answer: `status`
    unreachable,  ///< no name, no route, nobody listens; nothing was sent
    timed_out,
    lost,         ///< the connection broke before the answer was there
    certificate,  ///< the peer's certificate is not good for its name, or there is no TLS where there must be
    login,        ///< mail: the server does not take the credentials
    full,         ///< more than `window` are under way, or a mail's turn did not come; it was not sent
    stopped,      ///< the courier was stopped
  };
  Failure failure = Failure::none;
  long status = 0;         ///< HTTP status; of a mail the last reply's code
  std::string body;        ///< HTTP
  std::string reply;       ///< mail: the first reply that refuses, or the last one
  Millis retry_after = 0;  ///< the answer's Retry-After; 0: it had none
  std::string detail;      ///< of a failure: libcurl's words, for the operator
};

struct CourierSettings {
  std::size_t connections = 1;  ///< 1..16
  std::size_t window = 1000;    ///< requests under way, of all connections
  std::string ca_file;          ///< empty: the system's authorities
  Millis connect_timeout = 10'000;
  std::size_t max_answer = 64 << 10;        ///< bytes; a longer answer is `lost`
  std::function<void(const char*)> failed;  ///< a `done` threw; on a thread of the courier
  std::function<void(void*)> prepare;       ///< sets what is the same for all requests of the channel on a `CURL*`
};

/// What every request over HTTP/2 needs; for `CourierSettings::prepare`.
void prepare_http2(void* handle);

class Lane;

/// Thread role: any, but `start` and `stop`: control.
class Courier {
 public:
  explicit Courier(CourierSettings settings);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void start();

  /// Ends what is under way with `stopped`; every `done` was called before it returns.
  void stop() noexcept;

  /// Never waits. `done` is called exactly once, on a thread of the courier or inside the call, and may send again.
  void send(Request request, Function<void(Response)> done);

  /// One request on a connection of its own; waits for it. Needs no `start`.
  Response ask(Request request) const;

  std::size_t under_way() const noexcept { return under_way_.load(std::memory_order_relaxed); }

 private:
  const CourierSettings settings_;
  std::atomic<std::size_t> under_way_{0};
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace loft::push
