#include "control/socket.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace loft::control {

Result<SocketAddress> socket_address(const std::string& data_dir) {
  SocketAddress result;
  result.address.sun_family = AF_UNIX;
  auto path = data_dir + "/control.sock";
  if (path.size() >= sizeof result.address.sun_path) {
    result.folder = Descriptor(open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!result.folder) {
      return Error{errno == ENOENT ? Code::not_found : Code::unavailable,
                   errno == ENOENT ? "control.no_host" : "control.failed",
                   "cannot open the folder " + data_dir + ": " + std::strerror(errno)};
    }
    path = "/proc/self/fd/" + std::to_string(result.folder.get()) + "/control.sock";
  }
  std::memcpy(result.address.sun_path, path.c_str(), path.size() + 1);
  return result;
}

}  // namespace loft::control
