#include "cli/progress_line.hpp"

#include <cmath>
#include <ostream>

namespace loft::cli {

using namespace std::chrono_literals;

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string spoken(double seconds) {
  if (seconds < 10) {
    const auto tenths = std::llround(seconds * 10);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  }
  const auto whole = std::llround(seconds);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

ProgressLine::ProgressLine(std::ostream& out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {
  next_ = Clock::now() + (is_terminal_ ? 1s : 10s);
}

void ProgressLine::tell(std::string_view what, std::uint64_t done, std::uint64_t total, Clock::time_point now) {
  if (what != what_) {
    what_ = what;
    begin_ = now;
    first_ = done;
  }
  if (now < next_) return;
  next_ = now + (is_terminal_ ? 1s : 10s);
  const auto seconds = std::chrono::duration<double>(now - begin_).count();
  const auto rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0.0;
  std::string line = what_ + ": " + grouped(done);
  if (total != 0) line += " of " + grouped(total);
  if (rate >= 1) {
    line += ", " + grouped(static_cast<std::uint64_t>(rate)) + " a second";
    if (total > done) line += ", about " + spoken(static_cast<double>(total - done) / rate) + " left";
  }
  if (is_terminal_) {
    out_ << "\r" << line << "\x1b[K" << std::flush;
    open_ = true;
  } else {
    out_ << line << std::endl;
  }
}

void ProgressLine::end() {
  if (open_) out_ << "\n";
  open_ = false;
}

}  // namespace loft::cli
