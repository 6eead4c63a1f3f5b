// The listeners of the simulation: TLS, HTTP/2 through nghttp2 and, where wanted, HTTP/1.1 through Boost.Beast.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "simulate/call.hpp"
#include "simulate/keys.hpp"

namespace loft::simulate {

struct Listener {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;    ///< 0: any free one
  bool takes_http1 = false;  ///< otherwise a client that does not offer `h2` is refused
  unsigned max_streams = 1000;
};

/// All in the thread that calls `run`.
class Server {
 public:
  explicit Server(const Keys& keys);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens at once, answers once `run` runs. Returns the port. Throws std::exception where that cannot be.
  std::uint16_t listen(const Listener& listener, Provider provider);

  /// Until SIGTERM or SIGINT.
  void run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace loft::simulate
