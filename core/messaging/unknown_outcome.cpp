// A commit that failed may be stored all the same: the storage's answer was lost on its way. What is stored has to be
// told, counted and remembered as if it had been answered, or whoever is online never hears of it and nobody sees it
// before somebody writes there again. So the round stays in flight until the storage says what became of it; nothing
// else is committed meanwhile.
#include <chrono>

#include "messaging/core.hpp"
#include "messaging/sequencer.hpp"

namespace loft {
namespace {

constexpr auto between_questions = std::chrono::milliseconds(200);
/// A storage that took this long to fail would take as long to be asked: those who wait hear of it before.
constexpr Millis patience = 1000;

}  // namespace

void Core::storage_fails(const Error& error) {
  failed_lately_ = true;
  if (storage_lost_.exchange(true)) return;
  log_.error("storage does not take messages", {{"reason", error.reason}});
  lost_(StorageLost{{}, error});
}

void Core::storage_works() {
  if (!storage_lost_.load(std::memory_order_relaxed)) return;
  storage_lost_ = false;
  log_.info("storage takes messages again");
  recovered_(StorageRecovered{});
}

/// Whether a round is stored that failed; an error while the storage does not say.
Result<bool> Core::is_stored(Position round) {
  Batch nothing;
  {
    std::lock_guard lock(state_.mutex);
    nothing.applied_upto = state_.durable;
  }
  // S24: once a later commit is answered, it is decided what became of the ones before.
  const auto decided = commit(nothing);
  if (!decided) return decided.error();
  const auto last = storage_.last_position();
  if (!last) return last.error();
  return *last >= round;
}

bool Core::survives(Sequencer& sequencer, std::vector<Entry>& entries, Position round, const Error& error, Millis took,
                    Outbound& out, bool& told) {
  storage_fails(error);
  const auto outcome = find_out(sequencer, entries, round, error, took);
  told = outcome.told;
  if (!outcome.stored) return false;  // the host stops: a start will see it
  if (*outcome.stored) return true;
  if (!told) fail_all(entries, error, false, out);
  std::lock_guard lock(state_.mutex);
  state_.stable = ids_.last();
  return false;
}

Core::Outcome Core::find_out(Sequencer& sequencer, std::vector<Entry>& entries, Position round, const Error& error,
                             Millis took) {
  // One that never waits has no way on which an answer is lost. And of what was never handed over nothing is stored.
  if (instant_ || sequencer.changes_nothing()) return {false, false};
  if (took < patience) {
    if (const auto stored = is_stored(round)) return {*stored, false};
  }
  Outbound out(threads_.count());
  fail_all(entries, error, false, out);
  hand_back(out);
  answered(entries);
  sequencer.release(entries);
  std::vector<Entry> others;
  for (auto next = std::chrono::steady_clock::now();;) {
    {
      std::unique_lock lock(queue_mutex_);
      queue_filled_.wait_until(lock, next, [this] { return stopping_ || !queue_.empty() || !backlog_.empty(); });
      if (stopping_) return {std::nullopt, true};
    }
    take_waiting();
    others.swap(backlog_);
    if (!others.empty()) refuse(others, error);
    if (std::chrono::steady_clock::now() < next) continue;
    if (const auto stored = is_stored(round)) return {*stored, true};
    next = std::chrono::steady_clock::now() + between_questions;
  }
}

/// Entries that came while nothing can be stored.
void Core::refuse(std::vector<Entry>& entries, const Error& error) {
  Outbound out(threads_.count());
  prepare(entries);
  fail_all(entries, error, false, out);
  hand_back(out);
  answered(entries);
  entries.clear();
}

}  // namespace loft
