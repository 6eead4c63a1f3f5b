// One connection: the Link that a protocol sees. Internal to core/net.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>

#include <loft/transport.hpp>

#include "net/byte_queue.hpp"
#include "net/timer_wheel.hpp"
#include "net/tls.hpp"

struct sockaddr_storage;

namespace loft::net {

class IoThread;
struct Acceptor;

/// Thread role: the I/O thread it belongs to, which also owns it. It dies when its protocol is gone and nothing of the
/// turn refers to it any more.
///
/// Nothing here calls a protocol from inside one of the protocol's own calls to the link: what follows from such a call
/// (a close, another protocol, bytes offered again) is noted and done later in the turn.
class Connection final : public Link, public WheelNode {
 public:
  /// Takes over the socket.
  Connection(Acceptor& origin, int socket, const sockaddr_storage& remote);
  ~Connection() override;

  void write(Slices pieces) override;
  Pressure pressure() const noexcept override;
  void pause_reads(bool paused) override;
  void deadline(Millis in) override;
  std::uint64_t written() const noexcept override { return written_; }
  std::uint64_t proven() noexcept override;
  void hand_over(std::unique_ptr<Protocol> next) override;
  void close(CloseHow how) override;
  std::string_view remote_address() const noexcept override;
  bool from_loopback() const noexcept override { return loopback_; }
  bool is_tls() const noexcept override { return tls_ != nullptr; }
  const Clock& clock() const noexcept override;

  /// Begins with the TLS handshake, or with the protocol.
  void open();
  /// What the thread's poller says of the socket: EPOLLIN and the like.
  void on_events(std::uint32_t events);
  /// Offers again what was left, after a pause or a change of protocol, and goes on reading.
  void offer_again();
  /// The end of a turn: sends, closes, waits for what comes next.
  void settle();
  /// The wheel's word that the time is over.
  void on_time();
  /// Asks the protocol to say goodbye.
  void drain();
  /// Over at once; the protocol hears of it at the end of the turn.
  void finish(CloseReason reason) noexcept;
  /// Tells the protocol that all is over, and closes the socket. Once, after `finish`.
  void bury() noexcept;

  bool finished() const noexcept { return state_ == State::finished; }
  bool busy() const noexcept { return touched_ || resumed_; }
  bool buried() const noexcept { return buried_; }

  Connection* before_me = nullptr;     ///< in the thread's list of all
  Connection* behind_me = nullptr;     ///< in the thread's list of all
  Connection* next_touched = nullptr;  ///< in the thread's list of those to settle

 private:
  friend class IoThread;
  enum class State : std::uint8_t { handshake, open, flushing, lingering, finished };

  /// An exception ends this connection, not the host.
  template <class Call>
  void guarded(const char* what, Call&& call) noexcept {
    try {
      call();
    } catch (const std::exception& error) {
      on_exception(what, error.what());
    } catch (...) {
      on_exception(what, "an exception that is not a std::exception");
    }
  }
  void on_exception(const char* what, const char* error) noexcept;
  void touch() noexcept;
  void resume();
  void choke();
  void start_protocol();
  bool adopt_next();

  void on_readable();
  void read_plain();
  void read_tls();
  void read_handshake();
  void discard();
  void feed(Bytes fresh);
  std::size_t offer(Bytes bytes);
  void on_end_of_stream();
  void on_receive_error(int error) noexcept;
  void on_tls_failure(const char* what);

  void send_all();
  bool send_some(ByteQueue& queue);
  void encrypt_some();
  std::size_t unsent() const noexcept;
  std::size_t unacknowledged() const noexcept;
  void begin_close(CloseReason reason);
  void go_on_closing();
  void still_lingering();
  bool reads() const noexcept;            ///< whether what comes in is read now
  std::uint32_t wanted() const noexcept;  ///< of the poller
  void watch();
  void tell_poller();

  Acceptor& origin_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<Protocol> next_;
  std::unique_ptr<TlsStream> tls_;
  ByteQueue outbox_;  ///< as the protocol wrote it, not encrypted
  ByteQueue inbox_;   ///< what the protocol has left unused
  std::uint64_t written_ = 0;
  std::uint64_t proven_ = 0;
  mutable char address_[16];                      ///< IPv4: the text, which fits; IPv6: the bytes
  mutable std::unique_ptr<char[]> long_address_;  ///< the text for IPv6, made when somebody asks
  int socket_;
  std::uint32_t watched_ = 0;  ///< the events the poller looks for; 0: it does not know the socket
  std::uint32_t left_ = 0;     ///< bytes not acknowledged when a closing link was looked at last
  std::uint16_t linger_checks_ = 0;
  std::uint8_t stalled_checks_ = 0;
  std::uint8_t address_length_ = 0;  ///< of the text in `address_`; 0: IPv6
  State state_ = State::handshake;
  CloseReason reason_ = CloseReason::local;
  bool loopback_ : 1 = false;
  bool touched_ : 1 = false;
  bool resumed_ : 1 = false;
  bool write_waits_ : 1 = false;  ///< the kernel took no more: sending waits for its word
  bool paused_ = false;           ///< by the protocol
  bool choked_ : 1 = false;       ///< much is unsent: nothing is read until it has gone
  bool in_offer_ : 1 = false;
  bool in_deadline_ : 1 = false;
  bool ended_ : 1 = false;     ///< the peer has sent its last byte
  bool said_goodbye_ = false;  ///< TLS close_notify is in the queue
  bool buried_ : 1 = false;
};

}  // namespace loft::net
