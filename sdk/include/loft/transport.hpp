// Transports turn bytes of a connection into messages and back. Only the host has sockets: a transport sees a Link.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/clock.hpp>
#include <loft/contract.hpp>
#include <loft/http.hpp>
#include <loft/plugin.hpp>

namespace loft {

/// How full a link's outbox is.
enum class Pressure : std::uint8_t {
  none,  ///< go on
  high,  ///< over half of a limit: produce less where possible
  full,  ///< over the limit: the host is closing the link with the meaning `try_again_later`
};

enum class CloseHow : std::uint8_t {
  flush,  ///< after everything written is sent, with a lingering close
  abort,  ///< at once, what is unsent is dropped
};

enum class CloseReason : std::uint8_t {
  peer,      ///< the other side closed or reset
  local,     ///< `Link::close`
  timeout,   ///< a deadline passed
  overflow,  ///< the outbox was full
  failure,   ///< a socket or TLS error
  shutdown,  ///< the host stops
};

class Protocol;

/// One connection, TCP or TLS. Thread role of everything: the I/O thread that owns it. Lifetime: until `on_closed`
/// of its protocol has returned.
class Link {
 public:
  virtual ~Link() = default;

  /// Appends to the outbox; it is sent once at the end of this turn of the loop, together with everything else. The
  /// bytes are copied. After `close` it does nothing.
  virtual void write(Slices pieces) = 0;
  void write(Bytes bytes) { write(Slices(&bytes, 1)); }

  /// While it is not none, nothing is read; a protocol that finds it so between two messages leaves the rest unused,
  /// and is offered it again when most of the outbox has gone.
  virtual Pressure pressure() const noexcept = 0;

  /// While paused, `on_bytes` is not called; TCP holds the peer back. Nothing is lost.
  virtual void pause_reads(bool paused) = 0;

  /// Replaces the link's one deadline: unless it is called again before, `on_deadline` is called after `in`
  /// milliseconds (coarse: up to 250 ms late). 0 removes it.
  virtual void deadline(Millis in) = 0;

  /// Bytes written so far, and how many of them the peer's kernel has acknowledged.
  virtual std::uint64_t written() const noexcept = 0;
  virtual std::uint64_t proven() noexcept = 0;

  /// Gives the connection to another protocol, after an upgrade: bytes that the current `on_bytes` leaves unused are
  /// the new one's first. The old protocol is destroyed, without `on_closed`, when its `on_bytes` has returned.
  virtual void hand_over(std::unique_ptr<Protocol> next) = 0;

  virtual void close(CloseHow how) = 0;

  virtual std::string_view remote_address() const noexcept = 0;
  virtual bool from_loopback() const noexcept = 0;
  virtual bool is_tls() const noexcept = 0;
  virtual const Clock& clock() const noexcept = 0;
};

/// A transport's state of one connection. Thread role: the link's I/O thread. Owned by the host, destroyed after
/// `on_closed`.
class Protocol {
 public:
  virtual ~Protocol() = default;

  /// Bytes came in. Returns how many were used; the rest is offered again, with more behind it, when more has come,
  /// `Link::pause_reads(false)` was called, or the outbox is no longer under pressure. Bytes are valid during the call.
  virtual std::size_t on_bytes(Bytes bytes) = 0;

  /// The deadline passed. The usual answer is to close.
  virtual void on_deadline() = 0;

  /// The connection is over; the link must not be used any more.
  virtual void on_closed(CloseReason reason) = 0;

  /// The host stops: say goodbye in the protocol's own way, finish what is in flight, then close.
  virtual void drain() = 0;
};

class Transport;

/// What listens at one address: its routes and limits. Made by the host from the YAML. Thread role: I/O.
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  /// Finds the route and calls the contract; answers 404 or 405 itself, in the contract's form where a mount names one.
  virtual void exchange(HttpExchangePtr exchange) = 0;

  /// The transport refuses a request with `status`: the contract whose mount the path names answers in its own form.
  /// False: no contract has, the transport answers itself.
  virtual bool refuse(HttpExchangePtr exchange, unsigned status) = 0;

  /// A connection speaks to a contract: over an upgraded socket (`opening.path` names the route), or from its first
  /// byte (packets). Null: there is no such route. The conversant lives until `Transport`'s connection ends.
  /// `channel` must outlive it.
  virtual std::unique_ptr<Conversant> open(Channel& channel, const Opening& opening) = 0;

  /// Whether `open` would find a route for this path.
  virtual bool has_socket(std::string_view path) const noexcept = 0;

  /// What the contract says to this request for a WebSocket. Precondition: `has_socket` of its path.
  virtual Admission admit(const HttpExchange& request) = 0;

  /// The transport that takes over after an HTTP upgrade to `websocket`; null: upgrades are refused.
  virtual Transport* websocket() noexcept = 0;
};

/// What the connections of a transport carry to contracts.
enum class Carries : std::uint8_t { requests, packets, unknown };

/// A transport plugin. Thread role of `serve` and `adopt`: I/O, any of the threads.
class Transport : public Plugin {
 public:
  /// What a listener of this transport needs of its contracts: HTTP routes or WebSockets, or packets. Thread role: any.
  virtual Carries carries() const noexcept { return Carries::unknown; }

  /// A connection was accepted for an endpoint of this transport. `link` and `endpoint` outlive the protocol.
  virtual std::unique_ptr<Protocol> serve(Link& link, Endpoint& endpoint) = 0;

  /// A connection that HTTP upgraded. The request is valid during the call. The transport writes the response to the
  /// upgrade itself, refusals too; null: refused and answered, HTTP goes on.
  virtual std::unique_ptr<Protocol> adopt(Link& link, const HttpExchange& request, Endpoint& endpoint) {
    static_cast<void>(link), static_cast<void>(request), static_cast<void>(endpoint);
    return nullptr;
  }
};

}  // namespace loft
