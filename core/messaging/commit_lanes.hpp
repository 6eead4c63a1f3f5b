// Commits beside each other, each with a thread and a writer of the storage of its own, that end in the order in which
// they were begun (Storage::commit_in_turn).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/log.hpp>
#include <loft/storage.hpp>

namespace loft {

/// Thread role: the committer's.
class CommitLanes {
 public:
  /// What became of a commit.
  struct End {
    Result<Conflict> result = Conflict{};
    /// It was let go to its end: with an error nobody knows whether it is stored. Else nothing of it is.
    bool had_turn = false;
    Millis took = 0;  ///< without the wait for its turn

    bool stored() const noexcept { return result && result->empty() && had_turn; }
  };

  /// `on_end` is called when a commit has ended, on its thread and with nothing locked. `patience`: how long a batch
  /// that is written waits for its turn, in milliseconds. Then it gives way: what it holds in the storage may be what
  /// the one before it waits for.
  CommitLanes(Storage& storage, const Clock& clock, Logger& log, Function<void()> on_end, Millis patience = 2000);
  /// Precondition: nothing is under way.
  ~CommitLanes();

  std::size_t count() const noexcept { return lanes_.size(); }

  /// Precondition: nothing is under way in that lane. `batch` is used until the commit has ended.
  void begin(std::size_t lane, const Batch& batch);
  /// Thread role: any. False when nothing is under way.
  bool has_oldest_ended() const;
  /// Waits for the commit that was begun first. Behind one that is not stored none is, until all that are under way
  /// have been ended with this.
  End end_oldest();

 private:
  struct Lane;
  void run(Lane& lane);
  End commit(Lane& lane, const Batch& batch);
  bool wait_for_turn(Lane& lane);

  Storage& storage_;
  const Clock& clock_;
  Logger& log_;
  Function<void()> on_end_;
  const Millis patience_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::deque<Lane*> under_way_;    ///< in the order of their beginning
  std::uint64_t begun_ = 0;        ///< commits so far; each one's number is its ticket
  std::uint64_t stored_upto_ = 0;  ///< all up to this ticket have ended
  static constexpr std::uint64_t none_failed = ~std::uint64_t{0};
  std::uint64_t failed_ = none_failed;  ///< the first of those under way that is not stored; none behind it is
  bool stopping_ = false;
};

}  // namespace loft
