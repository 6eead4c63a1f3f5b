// Making listening sockets.
#pragma once

#include <vector>

#include "net/engine.hpp"

namespace loft::net {

/// Listening sockets on one address and port, one a thread: the kernel spreads connections over them.
struct ListenSockets {
  std::vector<int> sockets;  ///< the caller closes them
  std::uint16_t port = 0;
};

/// Errors: invalid `listen.failed` for an address that is none; unavailable `listen.failed` with the system's word.
Result<ListenSockets> open_listen_sockets(const ListenSpec& spec, unsigned count);

}  // namespace loft::net
