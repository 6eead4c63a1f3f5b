#include "net/listen_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace loft::net {
namespace {

constexpr int backlog = 4096;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  in_port_t& port() noexcept {
    return storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  }
};

bool parse(const ListenSpec& spec, Address& address) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, spec.address.c_str(), &v4.sin_addr) == 1) {
    address.storage.ss_family = AF_INET;
    address.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, spec.address.c_str(), &v6.sin6_addr) == 1) {
    address.storage.ss_family = AF_INET6;
    address.size = sizeof v6;
  } else {
    return false;
  }
  address.port() = htons(spec.port);
  return true;
}

/// A bound socket, or -1 with `errno`.
int bind_socket(Address& address, bool shared_port) {
  const int socket = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared_port) ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket, address.get(), address.size) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

Error failed(const ListenSpec& spec, int error) {
  std::string text = "listener '" + spec.name + "' cannot listen on " + spec.address + " port " +
                     std::to_string(spec.port) + ": " + std::strerror(error);
  if (error == EADDRINUSE) text += "; another program listens there: stop it or choose another port";
  if (error == EACCES) text += "; ports below 1024 need the capability CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) text += "; no interface of this machine has the address";
  return Error{Code::unavailable, "listen.failed", text};
}

}  // namespace

Result<ListenSockets> open_listen_sockets(const ListenSpec& spec, unsigned count) {
  Address address;
  if (!parse(spec, address))
    return Error{Code::invalid, "listen.failed",
                 "listener '" + spec.name + "': '" + spec.address +
                     "' is not an IPv4 or IPv6 address; write it in figures, such as 127.0.0.1 or ::1"};
  if (count > 1 && spec.port != 0) {
    // With SO_REUSEPORT a second host would share the port in silence. Without it the kernel says that it is taken.
    const int probe = bind_socket(address, false);
    const bool free = probe >= 0 && ::listen(probe, 1) == 0;
    const int error = errno;
    if (probe >= 0) ::close(probe);
    if (!free) return failed(spec, error);
  }
  ListenSockets made;
  while (made.sockets.size() < count) {
    const int socket = bind_socket(address, count > 1);
    socklen_t size = sizeof address.storage;
    if (socket < 0 || ::listen(socket, backlog) != 0 || ::getsockname(socket, address.get(), &size) != 0) {
      const int error = errno;
      if (socket >= 0) ::close(socket);
      for (const int other : made.sockets) ::close(other);
      return failed(spec, error);
    }
    made.sockets.push_back(socket);
  }
  made.port = ntohs(address.port());
  return made;
}

}  // namespace loft::net
