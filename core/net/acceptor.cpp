// Accepting connections: the part of IoThread that deals with listeners' sockets.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/io_thread.hpp"

namespace loft::net {
namespace {

/// Accepted in one turn; the rest waits until those that are connected have had theirs.
constexpr int accepts_per_turn = 64;
/// How long accepting rests at the limit of connections, and when the system is out of descriptors or memory.
constexpr Millis limit_pause = 250;
constexpr Millis system_pause = 500;

bool is_shortage(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Acceptor::Acceptor(IoThread& owner, int listening) : thread(owner), socket(owner.context(), listening) {}

Acceptor& IoThread::add_acceptor(int socket) {
  return *acceptors_.emplace_back(std::make_unique<Acceptor>(*this, socket));
}

void IoThread::wait_for_connections(Acceptor& acceptor) {
  if (acceptor.waits || acceptor.paused || !acceptor.socket.is_open()) return;
  acceptor.socket.async_wait(Descriptor::wait_read, [this, &acceptor](const boost::system::error_code& error) {
    acceptor.waits = false;
    if (!error) accept_some(acceptor);
  });
  acceptor.waits = true;
}

void IoThread::accept_some(Acceptor& acceptor) {
  for (int count = 0; count < accepts_per_turn && accept_one(acceptor);) ++count;
}

/// False: nothing more can be accepted now.
bool IoThread::accept_one(Acceptor& acceptor) {
  if (shared_.connections.fetch_add(1) >= shared_.options.max_connections) {
    shared_.connection_ended();
    pause_accepting(acceptor, 0);
    return false;
  }
  sockaddr_storage remote{};
  socklen_t size = sizeof remote;
  const int socket = ::accept4(acceptor.socket.native_handle(), reinterpret_cast<sockaddr*>(&remote), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) {
    take(acceptor, socket, remote);
    return true;
  }
  const int error = errno;
  shared_.connection_ended();
  if (is_shortage(error)) pause_accepting(acceptor, error);
  // Everything else is about the one connection that went away while it waited.
  return !is_shortage(error) && error != EAGAIN && error != EWOULDBLOCK && error != EINVAL && error != EBADF;
}

void IoThread::pause_accepting(Acceptor& acceptor, int error) {
  acceptor.paused = true;
  acceptor.by_limit = error == 0;
  if (error == 0) {
    shared_.metrics.paused_by_limit.add();
    if (!shared_.limit_logged.exchange(true))
      shared_.log.warn("limit of connections reached, accepting pauses",
                       {{"max_connections", shared_.options.max_connections}});
  } else {
    shared_.metrics.paused_by_system.add();
    shared_.log.warn("cannot accept connections for now; raise the limit of open files",
                     {{"listener", acceptor.name}, {"error", std::strerror(error)}, {"retry_ms", system_pause}});
  }
  add_task(error == 0 ? limit_pause : system_pause, 0, [this, &acceptor] {
    acceptor.paused = false;
    const std::size_t limit = shared_.options.max_connections;
    if (shared_.connections.load() + limit / 20 < limit) shared_.limit_logged.store(false);
  });
}

void IoThread::take(Acceptor& acceptor, int socket, const sockaddr_storage& remote) {
  std::unique_ptr<Connection> connection;
  try {
    connection = std::make_unique<Connection>(acceptor, socket, remote);
  } catch (const std::exception& error) {
    shared_.log.error("cannot serve a connection", {{"listener", acceptor.name}, {"error", error.what()}});
    ::close(socket);
    shared_.connection_ended();
    return;
  }
  shared_.metrics.accepted.add();
  shared_.metrics.connections.add();
  Connection& made = *connection.release();
  made.behind_me = first_;
  if (first_ != nullptr) first_->before_me = &made;
  first_ = &made;
  made.open();
  if (draining_) made.finish(CloseReason::shutdown);
}

void IoThread::stop_accepting() {
  for (auto& acceptor : acceptors_) {
    if (!acceptor->socket.is_open()) continue;
    // Those who are connected already, from their own point of view, are taken along.
    if (current() == this && !acceptor->paused) accept_some(*acceptor);
    boost::system::error_code ignored;
    acceptor->socket.close(ignored);
  }
}

}  // namespace loft::net
