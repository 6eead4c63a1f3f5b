// The committer's role: take what waits, sequence, store, hand back.
#include <algorithm>
#include <chrono>

#include "messaging/core.hpp"
#include "messaging/sequencer.hpp"

namespace loft {
namespace {

constexpr std::size_t recent_keys_limit = 200'000;
// A conflict means that the storage knew more than the memory; after learning it once or twice a round must fit.
constexpr int attempts = 8;

constexpr Millis housekeeping_period = 10'000;
constexpr std::size_t forget_step = 2000;
constexpr Millis forget_pause = 50;  // between steps, while there are more: up to 40,000 a second

}  // namespace

void Core::enqueue(unsigned thread, Entry entry) {
  if (std::holds_alternative<ProvenEntry>(entry.what)) proven_waiting_.fetch_add(1, std::memory_order_relaxed);
  waiting_.fetch_add(1, std::memory_order_relaxed);
  waiting_bytes_.fetch_add(entry.bytes, std::memory_order_relaxed);
  if (thread < local_.size()) {
    auto& local = local_[thread];
    if (std::holds_alternative<SubmitEntry>(entry.what)) ++local.submitted;
    local.entries.push_back(std::move(entry));
    return;
  }
  std::vector<Entry> one;
  one.push_back(std::move(entry));
  hand_in(one);
}

void Core::hand_in(std::vector<Entry>& entries) {
  {
    std::lock_guard lock(queue_mutex_);
    if (stopping_) {
      // Below.
    } else if (queue_.empty()) {
      queue_.swap(entries);
    } else {
      std::move(entries.begin(), entries.end(), std::back_inserter(queue_));
      entries.clear();
    }
  }
  if (entries.empty()) return wake();
  Outbound out(threads_.count());
  answered(entries);
  fail_all(entries, {Code::unavailable, "host.stopping", "the host stops; try again later"}, true, out);
  entries.clear();
  hand_back(out);
}

void Core::answered(const std::vector<Entry>& entries) {
  std::size_t bytes = 0;
  std::size_t proven = 0;
  for (const auto& entry : entries) {
    bytes += entry.bytes;
    proven += std::holds_alternative<ProvenEntry>(entry.what) ? 1 : 0;
  }
  waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  const auto left = waiting_.fetch_sub(entries.size(), std::memory_order_release) - entries.size();
  if (proven != 0) proven_waiting_.fetch_sub(proven, std::memory_order_relaxed);
  queue_gauge_.set(static_cast<std::int64_t>(left));
}

bool Core::full() {
  if (waiting_.load(std::memory_order_relaxed) < options_.queue_entries + proven_waiting_.load(std::memory_order_relaxed) &&
      waiting_bytes_.load(std::memory_order_relaxed) < options_.queue_bytes) {
    return false;
  }
  overloaded_(Overloaded{{}, "commit queue"});
  return true;
}

void Core::wake() {
  if (instant_)
    commit_waiting();
  else
    queue_filled_.notify_one();
}

void Core::turn_end(unsigned thread) {
  auto& entries = local_[thread].entries;
  if (!entries.empty()) hand_in(entries);
}

void Core::run_committer() {
  for (;;) {
    {
      std::unique_lock lock(queue_mutex_);
      const auto pause = std::clamp<Millis>(next_housekeeping_ - clock_.steady(), 10, housekeeping_period);
      queue_filled_.wait_for(lock, std::chrono::milliseconds(pause), [this] { return !queue_.empty() || stopping_; });
      if (queue_.empty() && stopping_) return;
    }
    commit_waiting();
    std::lock_guard role(committer_);
    housekeeping();
  }
}

// Whoever finds the role free takes everything; whoever does not may go: the holder looks again before it leaves, and
// once more after it has left.
void Core::commit_waiting() {
  for (;;) {
    std::unique_lock role(committer_, std::try_to_lock);
    if (!role) return;
    auto& entries = round_;
    for (;;) {
      entries.clear();
      {
        std::lock_guard lock(queue_mutex_);
        if (queue_.size() <= options_.batch_entries) {
          entries.swap(queue_);
        } else {
          const auto middle = queue_.begin() + static_cast<std::ptrdiff_t>(options_.batch_entries);
          entries.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(middle));
          queue_.erase(queue_.begin(), middle);
        }
      }
      if (entries.empty()) break;
      commit_round(entries);
    }
    // An instant storage has no writer thread that would do it.
    if (instant_) housekeeping();
    role.unlock();
    std::lock_guard lock(queue_mutex_);
    if (queue_.empty()) return;
  }
}

void Core::commit_round(std::vector<Entry>& entries) {
  Outbound out(threads_.count());
  if (out.by_thread.size() == 1) out.by_thread.front().reserve(2 * entries.size());
  for (int attempt = 1;; ++attempt) {
    prepare(entries);
    Sequencer sequencer(*this, state_);
    sequencer.reserve(entries.size());
    {
      std::unique_lock lock(state_.mutex);
      for (auto& entry : entries) sequencer.take(entry, lock);
    }
    auto stored = commit(sequencer);
    if (stored && !stored->empty() && attempt < attempts) {
      learn(*stored, sequencer);
      continue;
    }
    if (!stored || !stored->empty()) {
      const auto error = stored ? Error{Code::internal, "storage.conflict", {}} : stored.error();
      if (!storage_lost_.exchange(true)) {
        log_.error("storage does not take messages", {{"reason", error.reason}});
        lost_(StorageLost{{}, error});
      }
      fail_all(entries, error, false, out);
      // The round is over: whatever became of it, nothing of it is in flight.
      std::lock_guard lock(state_.mutex);
      state_.stable = ids_.last();
      break;
    }
    if (storage_lost_.load(std::memory_order_relaxed) && !sequencer.changes_nothing()) {
      storage_lost_ = false;
      log_.info("storage takes messages again");
      recovered_(StorageRecovered{});
    }
    if (sequencer.message_count() != 0) {
      messages_total_.add(static_cast<std::int64_t>(sequencer.message_count()));
      batch_messages_total_.add(static_cast<std::int64_t>(sequencer.message_count()));
      batches_total_.add();
    }
    {
      std::lock_guard lock(state_.mutex);
      sequencer.apply(entries, out);
      state_.stable = ids_.last();
    }
    for (const auto& late : sequencer.late()) {
      std::get<Ack>(out.by_thread[late.thread][late.item]).result = repeated(late.original);
    }
    break;
  }
  hand_back(out);
  answered(entries);
}

/// The answer to a repeat whose original is not in memory.
Result<Accepted> Core::repeated(MessageId original) {
  auto record = record_of(original);
  if (!record) return record.error();
  return Accepted{std::make_shared<const MessageRecord>(std::move(*record)), true};
}

Result<Conflict> Core::commit(Sequencer& sequencer) {
  if (sequencer.changes_nothing()) return Conflict{};
  const auto begin = clock_.steady();
  try {
    auto stored = storage_.commit(sequencer.batch());
    commit_took_ = static_cast<std::size_t>(std::max<Millis>(clock_.steady() - begin, 0));
    return stored;
  } catch (const std::exception& e) {
    log_.error("the storage threw", {{"what", e.what()}});
    return Error{Code::internal, "storage.broken", {}};
  }
}

// What the storage knew and the memory did not.
void Core::learn(const Conflict& conflict, const Sequencer& sequencer) {
  for (const auto& duplicate : conflict.duplicates) {
    ClientKey key = *sequencer.message(duplicate.index).key;
    key.digest = duplicate.digest;
    remember_key(key, duplicate.original);
  }
  std::lock_guard lock(state_.mutex);
  for (const auto& stale : conflict.stale) {
    auto* conversation = state_.find(stale.conversation);
    if (conversation == nullptr) continue;
    log_.warn("a conversation's head was stale",
              {{"conversation", raw(stale.conversation)}, {"known", conversation->head}, {"stored", stale.head}});
    state_.drop_tail(*conversation);
    conversation->head = stale.head;
    conversation->last = stale.last;
    // What is behind a count was taken to be from others.
    for (auto& [user, view] : state_.views) {
      if (const auto it = view->entries.find(stale.conversation); it != view->entries.end()) it->second.counted = false;
    }
  }
}

void Core::remember_key(const ClientKey& key, MessageId id) {
  if (!recent_keys_.insert_or_assign(key.hash, std::pair(id, key.digest)).second) return;
  recent_key_order_.push_back(key.hash);
  if (recent_key_order_.size() > recent_keys_limit) {
    recent_keys_.erase(recent_key_order_.front());
    recent_key_order_.pop_front();
  }
}

void Core::fail_all(std::vector<Entry>& entries, const Error& error, bool stopping, Outbound& out) {
  for (auto& entry : entries) {
    std::visit(
        [&](auto& any) {
          auto& what = unboxed(any);
          using T = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<T, SubmitEntry>) {
            if (entry.caller.thread < out.by_thread.size()) {
              out.by_thread[entry.caller.thread].push_back(Ack{entry.caller.session, std::move(what.done), error});
            } else {
              out.reply<Accepted>(entry.caller, what.done, error);
            }
          } else if constexpr (std::is_same_v<T, CloseEntry>) {
            // Sessions come and go without the storage.
            std::lock_guard lock(state_.mutex);
            Sequencer(*this, state_).close(what, out);
          } else if constexpr (std::is_same_v<T, OpenEntry>) {
            if (stopping || entry.failed)
              return out.reply<Login>(entry.caller, what.done, entry.failed ? *entry.failed : error);
            std::lock_guard lock(state_.mutex);
            Sequencer(*this, state_).open(entry, what, out);
          } else if constexpr (!std::is_same_v<T, ProvenEntry>) {
            out.reply(entry.caller, what.done, {entry.failed ? *entry.failed : error});
          }
        },
        entry.what);
  }
}

// With the committer's role.
void Core::housekeeping() {
  if (clock_.steady() < next_housekeeping_) return;
  evict_views();
  evict_conversations();
  // In steps, so that commits go on in between; a full step means that there are more.
  const auto before = id::first_at(clock_.now() - options_.dedupe_keep);
  const auto forgotten = storage_.forget_client_keys(before, forget_step);
  if (!forgotten) log_.warn("old client ids could not be forgotten", {{"reason", forgotten.error().reason}});
  const bool more = forgotten && *forgotten == forget_step;
  next_housekeeping_ = clock_.steady() + (more ? forget_pause : housekeeping_period);
}

}  // namespace loft
