#include "net/connection.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "net/io_thread.hpp"

namespace loft::net {
namespace {

/// A closing link may go this many linger times without progress, and exist for that many in all.
constexpr unsigned stalled_checks_limit = 5;
constexpr unsigned linger_checks_limit = 150;

}  // namespace

Connection::Connection(Acceptor& origin, int socket, const sockaddr_storage& remote)
    : origin_(origin), socket_(socket) {
  if (remote.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(remote);
    std::memcpy(address_, &v6.sin6_addr, sizeof address_);
    loopback_ = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(remote);
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    address_length_ = static_cast<std::uint8_t>(std::strlen(text));
    std::memcpy(address_, text, address_length_);
    loopback_ = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() = default;

// ---- what a protocol calls

void Connection::write(Slices pieces) {
  if (state_ != State::open) return;
  std::size_t total = 0;
  for (const Bytes piece : pieces) total += piece.size();
  if (total == 0) return;
  const std::size_t limit = origin_.thread.shared().options.outbox_bytes;
  const bool was_light = unsent() <= limit / 2;
  outbox_.reserve(total);
  for (const Bytes piece : pieces) outbox_.append(piece);
  written_ += total;
  touch();
  if (unsent() <= limit) return;
  // Much was written in one turn; only what the kernel does not take counts as unsent.
  if (!write_waits_) send_all();
  // One message by itself always fits: how large it may be is for those to say who make it.
  if (was_light || unsent() <= limit || finished()) return;
  Shared& shared = origin_.thread.shared();
  shared.metrics.overflows.add();
  shared.log.debug("outbox full, closing", {{"listener", origin_.name}, {"remote", remote_address()}});
  finish(CloseReason::overflow);
}

Pressure Connection::pressure() const noexcept {
  if (finished()) return reason_ == CloseReason::overflow ? Pressure::full : Pressure::none;
  return unsent() > origin_.thread.shared().options.outbox_bytes / 2 ? Pressure::high : Pressure::none;
}

void Connection::pause_reads(bool paused) {
  if (state_ != State::open) return;
  const bool was_paused = std::exchange(paused_, paused);
  if (!paused && (was_paused || (!in_offer_ && !inbox_.empty()))) resume();
}

void Connection::deadline(Millis in) {
  if (state_ != State::open) return;
  TimerWheel& wheel = origin_.thread.wheel();
  if (in > 0)
    wheel.arm(*this, clock().steady(), in);
  else
    wheel.disarm(*this);
}

std::uint64_t Connection::proven() noexcept {
  if (proven_ == written_ || buried_) return proven_;
  const std::size_t waiting = unacknowledged();
  if (tls_ != nullptr) {
    // How much plain text the kernel's share stands for is not known, unless it is all.
    if (waiting == 0 && unsent() == 0) proven_ = written_;
  } else {
    const std::uint64_t sent = written_ - outbox_.size();
    proven_ = std::max(proven_, sent - std::min<std::uint64_t>(waiting, sent));
  }
  return proven_;
}

void Connection::hand_over(std::unique_ptr<Protocol> next) {
  if (state_ == State::finished || next == nullptr) return;
  next_ = std::move(next);
  if (!in_offer_) resume();
}

void Connection::close(CloseHow how) {
  const CloseReason reason = in_deadline_ ? CloseReason::timeout : CloseReason::local;
  if (how == CloseHow::abort)
    finish(state_ == State::open ? reason : reason_);
  else if (state_ == State::open)
    begin_close(reason);
}

std::string_view Connection::remote_address() const noexcept {
  if (address_length_ > 0) return {address_, address_length_};
  if (long_address_ == nullptr) {
    long_address_.reset(new (std::nothrow) char[INET6_ADDRSTRLEN]);
    if (long_address_ == nullptr) return "unknown";
    ::inet_ntop(AF_INET6, address_, long_address_.get(), INET6_ADDRSTRLEN);
  }
  return long_address_.get();
}

const Clock& Connection::clock() const noexcept { return origin_.thread.shared().clock; }

std::size_t Connection::unsent() const noexcept { return outbox_.size() + (tls_ != nullptr ? tls_->out.size() : 0); }

std::size_t Connection::unacknowledged() const noexcept {
  int count = 0;
  if (::ioctl(socket_, SIOCOUTQ, &count) != 0) return ~std::size_t{0} >> 1;
  return static_cast<std::size_t>(std::max(count, 0));
}

// ---- the protocol's life

void Connection::on_exception(const char* what, const char* error) noexcept {
  Shared& shared = origin_.thread.shared();
  shared.log.error("a connection failed with an exception",
                   {{"during", what}, {"listener", origin_.name}, {"error", error}});
  shared.metrics.protocol_failures.add();
  finish(CloseReason::failure);
}

void Connection::open() {
  guarded("opening", [this] {
    if (origin_.tls != nullptr) {
      tls_ = std::make_unique<TlsStream>(*origin_.tls, socket_);
      origin_.thread.wheel().arm(*this, clock().steady(), origin_.thread.shared().options.tls_handshake);
    } else {
      start_protocol();
    }
    touch();
  });
}

void Connection::start_protocol() {
  state_ = State::open;
  protocol_ = origin_.transport->serve(*this, *origin_.endpoint);
  if (protocol_ == nullptr) finish(CloseReason::local);
}

bool Connection::adopt_next() {
  if (next_ == nullptr) return false;
  protocol_ = std::move(next_);
  return true;
}

void Connection::drain() {
  if (state_ == State::handshake) finish(CloseReason::shutdown);
  if (state_ != State::open) return;
  adopt_next();
  guarded("drain", [this] { protocol_->drain(); });
}

void Connection::on_time() {
  if (state_ == State::handshake) {
    origin_.thread.shared().metrics.handshake_failures.add();
    finish(CloseReason::timeout);
  } else if (state_ == State::open) {
    in_deadline_ = true;
    guarded("on_deadline", [this] { protocol_->on_deadline(); });
    in_deadline_ = false;
  } else if (!finished()) {
    still_lingering();
  }
}

void Connection::finish(CloseReason reason) noexcept {
  if (finished()) return;
  state_ = State::finished;
  reason_ = reason;
  origin_.thread.wheel().disarm(*this);
  touch();
}

void Connection::bury() noexcept {
  proven();
  buried_ = true;
  adopt_next();
  if (protocol_ != nullptr) guarded("on_closed", [this] { protocol_->on_closed(reason_); });
  protocol_.reset();
  inbox_.clear();
  outbox_.clear();
  tls_.reset();
  ::close(socket_);  // the poller forgets it by itself
  Shared& shared = origin_.thread.shared();
  shared.metrics.connections.add(-1);
  shared.metrics.closed[static_cast<std::size_t>(reason_)]->add();
  shared.connection_ended();
}

void Connection::touch() noexcept {
  if (touched_ || buried_) return;
  touched_ = true;
  origin_.thread.touched(*this);
}

void Connection::resume() {
  if (resumed_) return;
  origin_.thread.resumed(*this);
  resumed_ = true;
}

// ---- closing

void Connection::begin_close(CloseReason reason) {
  state_ = State::flushing;
  reason_ = reason;
  left_ = ~std::uint32_t{0};
  origin_.thread.wheel().arm(*this, clock().steady(), origin_.thread.shared().options.linger);
  touch();
}

void Connection::go_on_closing() {
  if (unsent() > 0) return;
  ::shutdown(socket_, SHUT_WR);
  state_ = State::lingering;
  if (ended_) finish(reason_);
}

/// Each linger time that passes: gone when the peer has all it can get, or takes nothing any more.
void Connection::still_lingering() {
  const auto left = static_cast<std::uint32_t>(std::min<std::size_t>(unsent() + unacknowledged(), ~std::uint32_t{0}));
  stalled_checks_ = left < left_ ? 0 : static_cast<std::uint8_t>(stalled_checks_ + 1);
  if (left == 0 || stalled_checks_ >= stalled_checks_limit || ++linger_checks_ >= linger_checks_limit)
    return finish(reason_);
  left_ = left;
  origin_.thread.wheel().arm(*this, clock().steady(), origin_.thread.shared().options.linger);
}

}  // namespace loft::net
