// The control socket: commands beside a running host, `data_dir/control.sock`. One JSON line asks, one answers:
//   {"command":"user.add","arguments":{"handle":"ann"}}
//   {"ok":true,"result":{…}}      {"ok":false,"error":{"code":"conflict","reason":"user.taken","message":"…"}}
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>

namespace loft::control {

/// Answers one command: a JSON text, or an error. Called on the server's thread, one at a time; may take long.
/// Exceptions become `internal`.
using Handler = Function<Result<std::string>(std::string_view command, std::string_view arguments)>;

struct ServerOptions {
  std::size_t max_clients = 16;        ///< further ones wait until one leaves …
  Millis silent_patience = 500;        ///< … or has said nothing for this time: it goes, the one that waits comes
  std::size_t max_request = 64 << 10;  ///< bytes of a line
  Millis client_timeout = 30'000;      ///< for a request to arrive, and for its answer to be taken
};

class ControlServer {
 public:
  /// Listens at `data_dir/control.sock` (mode 0600) and answers on a thread of its own. The caller holds the StoreLock,
  /// so that a socket file that is there already is a dead host's and is replaced. Errors: unavailable `control.failed`
  /// with the system's word. Thread role: control.
  static Result<std::unique_ptr<ControlServer>> create(const std::string& data_dir, Handler handler,
                                                       ServerOptions options = {});

  /// Waits for the handler that runs, closes all clients, removes the socket.
  virtual ~ControlServer() = default;
};

/// Asks the host that runs on `data_dir`; the answer is the result's JSON. Errors: not_found `control.no_host` (nobody
/// listens there), unavailable `control.failed` or `control.timeout`, or what the host answers.
Result<std::string> control_call(const std::string& data_dir, std::string_view command, std::string_view arguments,
                                 Millis timeout);

}  // namespace loft::control
