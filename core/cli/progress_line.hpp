// How far something long has come, for whoever watches: every second on a terminal, in one line that is written again;
// else every ten seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace loft::cli {

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);
/// 75.2 seconds as "1 min 15 s".
std::string spoken(double seconds);

class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;
  ProgressLine(std::ostream& out, bool is_terminal);
  ~ProgressLine() { end(); }

  /// `total` 0: not known.
  void tell(std::string_view what, std::uint64_t done, std::uint64_t total) { tell(what, done, total, Clock::now()); }
  void tell(std::string_view what, std::uint64_t done, std::uint64_t total, Clock::time_point now);
  /// Leaves the line as it is; what follows begins a new one.
  void end();

 private:
  std::ostream& out_;
  bool is_terminal_;
  Clock::time_point next_;
  Clock::time_point begin_;  ///< of `what_`
  std::string what_;
  std::uint64_t first_ = 0;  ///< what was done already when it began
  bool open_ = false;
};

}  // namespace loft::cli
