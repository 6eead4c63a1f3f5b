#include "cli/interrupt.hpp"

namespace loft::cli {
namespace {

volatile std::sig_atomic_t came = 0;

}  // namespace

Interrupt::Interrupt() {
  came = 0;
  struct sigaction action {};
  action.sa_handler = [](int number) { came = number; };
  ::sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &before_[i]);
    // A program that was told to ignore one, by nohup, goes on doing so.
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  if (came != 0) std::raise(came);
}

bool Interrupt::asked() const noexcept { return came != 0; }

}  // namespace loft::cli
