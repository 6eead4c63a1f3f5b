// Turns failures into answers, tells the log of each cause once in ten seconds, and keeps what health says.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include <loft/plugin.hpp>

#include "failure.hpp"

namespace loft::storage {

/// Thread role: any, after `begin`. A row that cannot be read is told once and is no matter of health.
class Reports {
 public:
  enum Side { reading, writing };

  void begin(Host& host) noexcept { host_ = &host; }

  /// The answer to a call that ended with this failure.
  Error failed(const Failure& failure, Side side);
  /// The answer to a call that makes no sense.
  Error broken(const std::exception& error);
  /// A call of that side was answered: its trouble, if there was any, is over.
  void worked(Side side) {
    if (in_trouble_[side].load(std::memory_order_relaxed)) recovered(side);
  }
  /// For good; the first damage stands.
  void damaged(const std::string& what);
  bool is_damaged() const;

  /// Empty when all is well.
  std::string health() const;

 private:
  void recovered(Side side);
  Error corrupt(const Failure& failure);

  Host* host_ = nullptr;
  std::array<std::atomic<bool>, 2> in_trouble_{};
  mutable std::mutex mutex_;
  std::string damage_;                  ///< what is wrong with the database, for good
  std::array<std::string, 2> trouble_;  ///< why the last call of a side failed
  std::array<std::string, 2> told_of_;  ///< the trouble that the log has heard of last …
  std::array<Millis, 2> told_{};        ///< … and when
  std::array<bool, 2> awaited_{};       ///< its end is to be told
  std::set<std::string> corrupt_;       ///< rows that the log has heard of
};

}  // namespace loft::storage
