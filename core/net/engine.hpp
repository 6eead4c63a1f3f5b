// The only code with sockets: I/O threads, listeners, TLS, timers, outboxes. Header of std and SDK types only; Asio
// stays in the translation units.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>
#include <loft/transport.hpp>

namespace loft::net {

struct EngineOptions {
  unsigned threads = 1;                   ///< I/O threads, 1–256
  std::size_t outbox_bytes = 1 << 20;     ///< per connection, unsent; over it the link is closed
  std::size_t max_connections = 100'000;  ///< over all listeners; beyond it accepting pauses
  Millis tls_handshake = 10'000;          ///< time for a TLS handshake
  Millis linger = 2'000;                  ///< how long a closing link waits for the peer after its last byte
};

struct ListenSpec {
  std::string name;             ///< for logs and metrics
  std::string address;          ///< IPv4 or IPv6 literal
  std::uint16_t port = 0;       ///< 0: any free one
  std::string tls_certificate;  ///< PEM file with the chain; empty: plain TCP
  std::string tls_key;          ///< PEM file
};

inline constexpr unsigned no_thread = ~0u;

/// Owns the I/O threads. One `io_context` per thread; a connection lives on one thread for ever. The acceptors share
/// the port (SO_REUSEPORT) or hand accepted sockets round the threads.
///
/// A turn of a thread's loop: handle what is ready, run posted work, run the turn hooks, then flush every link that was
/// written to, each with one system call.
class Engine {
 public:
  static std::unique_ptr<Engine> create(EngineOptions options, const Clock& clock, Logger& log, Metrics& metrics);
  virtual ~Engine() = default;

  /// Binds and begins to listen; connections are accepted from `start` on. Thread role: control, before `start`.
  /// `transport` and `endpoint` outlive the engine. Returns the bound port. Errors: unavailable `listen.failed` with
  /// address, port and the system's word; invalid `listen.tls` (certificate or key unusable).
  virtual Result<std::uint16_t> listen(const ListenSpec& spec, Transport& transport, Endpoint& endpoint) = 0;

  virtual void start() = 0;

  virtual unsigned threads() const noexcept = 0;

  /// The index of the I/O thread that calls, or `no_thread`.
  static unsigned current_thread() noexcept;

  /// Runs `work` on an I/O thread, in the order of the posts of one poster. Thread role: any. Wakes the loop only when
  /// nothing else is waiting to be run; posting from the thread itself runs later in the same turn.
  virtual void post(unsigned thread, Function<void()> work) = 0;

  /// `hook` runs on every I/O thread once per turn, after everything that was ready and before links are flushed. It
  /// may write to links and post. Thread role: control, before `start`.
  virtual void at_turn_end(Function<void(unsigned thread)> hook) = 0;

  /// Runs `work` once on that I/O thread after `in` milliseconds (coarse: up to 250 ms late). Thread role: any.
  virtual void after(unsigned thread, Millis in, Function<void()> work) = 0;

  /// Runs `work(thread)` on every I/O thread each `period` milliseconds. Thread role: control, before `start`.
  virtual void every(Millis period, Function<void(unsigned thread)> work) = 0;

  /// Closes the listeners; connections go on. Thread role: control.
  virtual void stop_accepting() = 0;

  /// Asks every protocol to `drain` and waits until all links are closed or `deadline` (steady milliseconds) has
  /// passed; what is left is aborted. True when all closed by themselves. Thread role: control.
  virtual bool drain(Millis deadline) = 0;

  /// Ends the threads; remaining links are aborted with reason `shutdown`. Thread role: control. Idempotent.
  virtual void stop() = 0;

  virtual std::size_t connections() const noexcept = 0;
};

}  // namespace loft::net
