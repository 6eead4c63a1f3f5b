// The connection that a writer of a storage on a server has: opened anew after a failure, and calls that come again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "failure.hpp"

namespace loft::storage {

/// Connection: has `alive`, `usable`, `rollback` and `repeats_after`. One thread at a time.
template <class Connection>
class WritingConnection {
 public:
  using Open = std::function<std::unique_ptr<Connection>()>;

  /// `connection` is open, or null until the first use. `open` opens another one; it throws Failure, Replaced.
  WritingConnection(std::unique_ptr<Connection> connection, Open open)
      : connection_(std::move(connection)), open_(std::move(open)) {}

  /// False when there is none, or it is gone. Does not wait.
  bool alive() const noexcept { return connection_ && connection_->alive(); }

  /// How long nobody has used it.
  std::chrono::steady_clock::duration idle() const noexcept { return std::chrono::steady_clock::now() - used_; }

  /// Calls `call` with the connection; nothing of a call that throws stays. A connection that was cut while nobody used
  /// it is found out here, and some failures are nobody's fault: so a call whose transaction cannot have been stored
  /// may come again.
  template <class F>
  auto repeated(F call) -> decltype(call(std::declval<Connection&>())) {
    for (int failed = 0;; ++failed) {
      committing_ = false;
      used_ = std::chrono::steady_clock::now();
      if (!alive()) {
        connection_.reset();
        connection_ = open_();
      }
      try {
        return call(*connection_);
      } catch (const Failure& e) {
        const bool again = failed < connection_->repeats_after(e, committing_);
        give_back();
        if (!again) throw;
      } catch (...) {
        give_back();
        throw;
      }
    }
  }

  /// In a call, before its COMMIT is sent: from then on nobody knows whether it is stored.
  void committing() noexcept { committing_ = true; }
  /// Whether the last call failed after that.
  bool was_committing() const noexcept { return committing_; }

 private:
  /// What was opened is taken back. A session that cannot be talked to is let go at once: it may hold locks.
  void give_back() noexcept {
    connection_->rollback();
    if (!connection_->usable()) connection_.reset();
  }

  std::unique_ptr<Connection> connection_;
  Open open_;
  std::chrono::steady_clock::time_point used_;
  bool committing_ = false;
};

}  // namespace loft::storage
