// What goes through a connection's socket: reading, offering bytes to the protocol, sending.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "net/io_thread.hpp"

namespace loft::net {
namespace {

/// What a protocol may leave unused before its link stops reading.
constexpr std::size_t unused_limit = 2 * 1024 * 1024;
/// Plain text that is encrypted at a time, so that a full outbox does not exist twice.
constexpr std::size_t encrypt_step = 256 * 1024;

bool is_gone(int error) noexcept {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == ENOTCONN || error == ECONNABORTED;
}

}  // namespace

// ---- reading

void Connection::on_events(std::uint32_t events) {
  if (buried_) return;
  touch();
  if (finished()) return;
  constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
  if (write_waits_ && (events & (EPOLLOUT | broken)) != 0) write_waits_ = false;  // sent at the end of the turn
  // An error is found by reading, or by sending where nothing is read.
  if ((watched_ & EPOLLIN) == 0 || (events & (EPOLLIN | broken)) == 0) return;
  if (reads())
    on_readable();
  else
    tell_poller();  // which would report it again and again
}

void Connection::on_readable() {
  guarded("on_bytes", [this] {
    switch (state_) {
      case State::handshake:
        return read_handshake();
      case State::open:
        return paused_ || choked_ ? void() : tls_ != nullptr ? read_tls() : read_plain();
      case State::flushing:
      case State::lingering:
        return discard();
      case State::finished:
        return;
    }
  });
}

/// One call a turn: what is left makes the next wait return at once, after everybody else has had a turn.
void Connection::read_plain() {
  char* const buffer = origin_.thread.read_buffer();
  const ssize_t count = ::recv(socket_, buffer, IoThread::read_buffer_bytes, 0);
  if (count < 0) return on_receive_error(errno);
  if (count == 0) return on_end_of_stream();
  origin_.thread.count_in(static_cast<std::size_t>(count));
  feed(Bytes(buffer, static_cast<std::size_t>(count)));
}

void Connection::read_tls() {
  char* const buffer = origin_.thread.read_buffer();
  std::size_t filled = 0;
  auto status = TlsStream::Status::done;
  while (filled < IoThread::read_buffer_bytes && status == TlsStream::Status::done) {
    std::size_t got = 0;
    status = tls_->read(buffer + filled, IoThread::read_buffer_bytes - filled, got);
    filled += got;
  }
  origin_.thread.count_in(filled);
  if (filled > 0) feed(Bytes(buffer, filled));
  // A paused protocol comes back here when it goes on, and OpenSSL says the same once more.
  if (state_ != State::open || paused_ || choked_) return;
  if (status == TlsStream::Status::done && inbox_.size() < unused_limit) resume();
  if (status == TlsStream::Status::closed) on_end_of_stream();
  if (status == TlsStream::Status::failed) on_tls_failure("TLS failed");
}

void Connection::read_handshake() {
  switch (tls_->handshake()) {
    case TlsStream::Status::want_read:
      return;
    case TlsStream::Status::done:
      origin_.thread.wheel().disarm(*this);
      start_protocol();
      if (state_ == State::open && !paused_) resume();  // its first bytes may have come along
      return;
    case TlsStream::Status::closed:
      origin_.thread.shared().metrics.handshake_failures.add();
      return finish(CloseReason::peer);
    case TlsStream::Status::failed:
      origin_.thread.shared().metrics.handshake_failures.add();
      return on_tls_failure("TLS handshake failed");
  }
}

void Connection::on_tls_failure(const char* what) {
  origin_.thread.shared().log.debug(
      what, {{"listener", origin_.name}, {"remote", remote_address()}, {"error", tls_->reason()}});
  if (!write_waits_ && !tls_->out.empty()) send_some(tls_->out);  // the alert, if it can go
  finish(CloseReason::failure);
}

/// A closing link still takes what comes in: unread bytes would turn its last words into a reset.
void Connection::discard() {
  const ssize_t count = ::recv(socket_, origin_.thread.read_buffer(), IoThread::read_buffer_bytes, 0);
  if (count < 0) return on_receive_error(errno);
  if (count == 0) on_end_of_stream();
}

void Connection::on_end_of_stream() {
  ended_ = true;
  if (state_ == State::open) begin_close(CloseReason::peer);
  if (state_ == State::lingering) finish(reason_);
}

void Connection::on_receive_error(int error) noexcept {
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return;
  const bool closing = state_ == State::flushing || state_ == State::lingering;
  finish(closing ? reason_ : is_gone(error) ? CloseReason::peer : CloseReason::failure);
}

void Connection::feed(Bytes fresh) {
  if (!inbox_.empty()) {
    inbox_.append(fresh);
    inbox_.consume(offer(inbox_.view()));
  } else {
    fresh.remove_prefix(offer(fresh));
    if (state_ == State::open) inbox_.append(fresh);
  }
  choke();
}

/// A peer that asks without reading the answers is not read either, until it has taken most of them. Called when the
/// protocol has left bytes, because of that or not, and when a turn's writes have gone.
void Connection::choke() {
  if (state_ != State::open) return;
  if (!choked_) {
    choked_ = pressure() != Pressure::none;
  } else if (unsent() <= origin_.thread.shared().options.outbox_bytes / 4) {
    choked_ = false;
    resume();
  }
}

/// Offers bytes to the protocol, and what it leaves to the one it hands over to. Returns how many were used.
std::size_t Connection::offer(Bytes bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::open && !paused_) {
    const Bytes rest = bytes.substr(used);
    std::size_t count = 0;
    in_offer_ = true;
    guarded("on_bytes", [&] { count = protocol_->on_bytes(rest); });
    in_offer_ = false;
    used += std::min(count, rest.size());
    if (!adopt_next()) break;
  }
  return used;
}

void Connection::offer_again() {
  resumed_ = false;
  if (buried_) {
    origin_.thread.release_if_idle(*this);
    return;
  }
  guarded("on_bytes", [this] {
    adopt_next();
    if (state_ == State::open && !paused_ && !choked_ && !inbox_.empty()) {
      inbox_.consume(offer(inbox_.view()));
      choke();
    }
    if (tls_ != nullptr && state_ == State::open && !paused_ && !choked_ && inbox_.size() < unused_limit) read_tls();
    touch();
  });
}

// ---- sending and closing

void Connection::settle() {
  touched_ = false;
  if (finished()) return origin_.thread.died(*this);
  guarded("sending", [this] {
    if (!write_waits_) send_all();
    choke();
    if (state_ == State::flushing) go_on_closing();
    if (!finished()) watch();
  });
}

void Connection::send_all() {
  if (tls_ == nullptr) {
    if (!outbox_.empty()) send_some(outbox_);
    return;
  }
  do {
    if (tls_->out.empty()) encrypt_some();
  } while (!finished() && !tls_->out.empty() && send_some(tls_->out));
}

void Connection::encrypt_some() {
  if (state_ == State::handshake) return;
  const Bytes plain = outbox_.view().substr(0, encrypt_step);
  if (!plain.empty()) {
    if (tls_->write(plain) != TlsStream::Status::done) return on_tls_failure("TLS failed");
    outbox_.consume(plain.size());
  }
  if (state_ == State::flushing && outbox_.empty() && !std::exchange(said_goodbye_, true)) tls_->say_goodbye();
}

/// One system call. True when the kernel took everything; otherwise the link waits for it or is over.
bool Connection::send_some(ByteQueue& queue) {
  const Bytes bytes = queue.view();
  ssize_t count = 0;
  do count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  const int error = errno;
  origin_.thread.count_out(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (count < 0 && error != EAGAIN && error != EWOULDBLOCK) {
    finish(state_ == State::flushing ? reason_ : is_gone(error) ? CloseReason::peer : CloseReason::failure);
    return false;
  }
  if (count > 0) queue.consume(static_cast<std::size_t>(count));
  if (queue.empty()) return true;
  write_waits_ = true;
  return false;
}

bool Connection::reads() const noexcept {
  return !ended_ && (state_ != State::open || (!paused_ && !choked_ && !resumed_ && inbox_.size() < unused_limit));
}

std::uint32_t Connection::wanted() const noexcept { return (reads() ? EPOLLIN : 0u) | (write_waits_ ? EPOLLOUT : 0u); }

/// The poller stays armed, so that most turns have nothing to tell it. Nor have pauses that are over before anything
/// comes, such as those of a request that waits for its answer: `on_events` tells of the others.
void Connection::watch() {
  const bool only_pauses = state_ == State::open && !ended_ && watched_ == (wanted() | EPOLLIN);
  if (!only_pauses) tell_poller();
}

/// Tells the poller what is waited for now. A socket nobody waits for is taken out, because the poller would go on
/// reporting its errors.
void Connection::tell_poller() {
  const auto wanted = this->wanted();
  if (wanted == watched_) return;
  if (!origin_.thread.watch(*this, socket_, watched_, wanted)) return finish(CloseReason::failure);
  watched_ = wanted;
}

}  // namespace loft::net
