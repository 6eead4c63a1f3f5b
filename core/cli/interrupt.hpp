// Ctrl-C while a file is being made: the half is taken away before the program ends.
#pragma once

#include <array>
#include <csignal>

namespace loft::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP end nothing by themselves. One at a time. Thread role: the program's only
/// thread.
class Interrupt {
 public:
  Interrupt();
  /// Ends the program by the signal that came, if one did.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool asked() const noexcept;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace loft::cli
