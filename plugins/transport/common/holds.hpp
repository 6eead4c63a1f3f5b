// Who holds the messages of a connection back, and whether its reads rest for it. For the transports whose connections
// are a Channel.
#pragma once

#include <cstdint>

namespace loft::transport {

/// Reads are paused between two calls of `on_bytes`, never inside one: what a message brings about may hold and release
/// several times before the protocol stops parsing. Where a function says that reads are to change, the caller calls
/// `Link::pause_reads`.
class Holds {
 public:
  bool any() const noexcept { return count_ > 0; }
  bool paused() const noexcept { return paused_; }

  void begin_parsing() noexcept { parsing_ = true; }
  /// True: reads are to be paused. `open`: the connection still reads messages.
  bool end_parsing(bool open) noexcept {
    parsing_ = false;
    return pause_if(open && count_ > 0);
  }

  /// True: reads are to be paused.
  bool hold(bool open) noexcept {
    ++count_;
    return pause_if(open && !parsing_);
  }
  /// True: the last hold is gone, and reads are to go on. The silence meanwhile was this side's.
  bool release() noexcept {
    if (count_ == 0 || --count_ > 0) return false;
    return resume();
  }
  /// Holds do not count any more, since the connection closes. True: reads are to go on.
  bool resume() noexcept {
    const bool was_paused = paused_;
    paused_ = false;
    return was_paused;
  }

 private:
  bool pause_if(bool now) noexcept {
    now = now && !paused_;
    paused_ = paused_ || now;
    return now;
  }

  std::uint16_t count_ = 0;
  bool parsing_ = false;
  bool paused_ = false;
};

}  // namespace loft::transport
