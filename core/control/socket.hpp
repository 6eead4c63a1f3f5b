// Small pieces that both ends of the control socket use. Private to core/control.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include <loft/clock.hpp>
#include <loft/error.hpp>

namespace loft::control {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  int get() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }

 private:
  int value_;
};

/// Unix socket paths hold 107 bytes; a longer folder is reached through its descriptor instead.
struct SocketAddress {
  sockaddr_un address{};
  Descriptor folder;
};

/// Errors: unavailable `control.failed` when the folder cannot be opened.
Result<SocketAddress> socket_address(const std::string& data_dir);

inline Millis steady_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace loft::control
