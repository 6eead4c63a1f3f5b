// The committer's role: take what waits, sequence, store, hand back.
#include <algorithm>
#include <chrono>

#include <boost/unordered/unordered_flat_set.hpp>

#include "messaging/core.hpp"
#include "messaging/sequencer.hpp"

namespace loft {
namespace {

constexpr std::size_t recent_keys_limit = 200'000;
// A conflict means that the storage knew more than the memory; after learning it once or twice a round must fit.
constexpr int attempts = 8;

const Error no_ids{Code::unavailable, "host.clock", "the host's clock is wrong; try again later"};

constexpr Millis housekeeping_period = 10'000;
constexpr std::size_t forget_step = 2000;
constexpr Millis forget_pause = 50;  // between steps, while there are more: up to 40,000 a second

/// Takes no room of the queue's limit. What links have proven is bounded by the sessions, and so is what was refused
/// before it was queued: its content is not kept, it waits only for its turn.
bool is_exempt(const Entry& entry) noexcept {
  return std::holds_alternative<ProvenEntry>(entry.what) ||
         (entry.bytes == 0 && (std::holds_alternative<SubmitEntry>(entry.what) ||
                               std::holds_alternative<Boxed<SubmitAllEntry>>(entry.what)));
}

}  // namespace

void Core::enqueue(unsigned thread, Entry entry) {
  if (is_exempt(entry)) exempt_waiting_.fetch_add(1, std::memory_order_relaxed);
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
  bool wakes = false;
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
    wakes = queue_.size() >= worth_waking_;
  }
  if (entries.empty()) {
    if (wakes) wake();
    return;
  }
  Outbound out(threads_.count());
  fail_all(entries, {Code::unavailable, "host.stopping", "the host stops; try again later"}, true, out);
  hand_back(out);
  answered(entries);
  entries.clear();
}

void Core::answered(const std::vector<Entry>& entries) {
  std::size_t bytes = 0;
  std::size_t exempt = 0;
  for (const auto& entry : entries) {
    bytes += entry.bytes;
    exempt += is_exempt(entry) ? 1 : 0;
  }
  waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  const auto left = waiting_.fetch_sub(entries.size(), std::memory_order_release) - entries.size();
  if (exempt != 0) exempt_waiting_.fetch_sub(exempt, std::memory_order_relaxed);
  queue_gauge_.set(static_cast<std::int64_t>(left));
}

bool Core::is_full() const noexcept {
  const auto room = options_.queue_entries + exempt_waiting_.load(std::memory_order_relaxed);
  return waiting_.load(std::memory_order_relaxed) >= room ||
         waiting_bytes_.load(std::memory_order_relaxed) >= options_.queue_bytes;
}

bool Core::full() {
  if (!is_full()) return false;
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
      const auto due = std::min(next_eviction_, next_forgetting_);
      const auto pause = std::clamp<Millis>(due - clock_.steady(), 10, housekeeping_period);
      queue_filled_.wait_for(lock, std::chrono::milliseconds(pause),
                             [this] { return !queue_.empty() || !backlog_.empty() || stopping_; });
      if (queue_.empty() && backlog_.empty() && stopping_) return;
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
    for (;;) {
      if (lanes_ != nullptr) commit_in_lanes();
      take_round(round_);
      if (round_.empty()) break;
      commit_round(round_);
      housekeeping();
    }
    role.unlock();
    std::lock_guard lock(queue_mutex_);
    if (queue_.empty()) return;
  }
}

void Core::take_round(std::vector<Entry>& entries) {
  entries.clear();
  std::lock_guard lock(queue_mutex_);
  auto& from = backlog_.empty() ? queue_ : backlog_;
  if (from.size() <= options_.batch_entries) return entries.swap(from);
  const auto middle = from.begin() + static_cast<std::ptrdiff_t>(options_.batch_entries);
  entries.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(middle));
  from.erase(from.begin(), middle);
}

// Ids carry the time, so a clock that no id can say stops all writing until it is set right.
bool Core::has_ids() {
  const bool wrong = !ids_.ready();
  if (wrong && !clock_wrong_.exchange(true)) {
    log_.error("the clock is outside of what ids can say, from 2025 to 2094; nothing is stored until it is set right",
               {{"now_ms", clock_.now()}, {"last_id", ids_.last()}});
  } else if (!wrong && clock_wrong_.exchange(false)) {
    log_.info("the clock is right again");
  }
  return !wrong;
}

void Core::commit_round(std::vector<Entry>& entries) {
  Outbound out(threads_.count());
  if (out.by_thread.size() == 1) out.by_thread.front().reserve(2 * entries.size());
  if (!has_ids()) return refuse(entries, no_ids);
  bool told = false;  // the entries have had their answers
  for (int attempt = 1;; ++attempt) {
    prepare(entries);
    ask_receivers(entries);
    Sequencer sequencer(*this, state_);
    sequencer.reserve(entries.size());
    {
      std::unique_lock lock(state_.mutex);
      for (auto& entry : entries) sequencer.take(entry, lock);
    }
    const auto begin = clock_.steady();
    const auto stored = store(sequencer, attempt);
    if (stored && !*stored) continue;
    const auto upto = ids_.last();
    if (stored || survives(sequencer, entries, upto, stored.error(), clock_.steady() - begin, out, told)) {
      carry_out(sequencer, entries, upto, out, whole_rounds_total_);
    }
    break;
  }
  hand_back(out);
  if (!told) answered(entries);
}

void Core::carry_out(Sequencer& sequencer, std::vector<Entry>& entries, Position upto, Outbound& out, Metric& rounds) {
  if (!sequencer.changes_nothing()) storage_works();
  rounds.add(sequencer.changes_nothing() ? 0 : 1);
  if (sequencer.message_count() != 0) {
    messages_total_.add(static_cast<std::int64_t>(sequencer.message_count()));
    batch_messages_total_.add(static_cast<std::int64_t>(sequencer.message_count()));
    batches_total_.add();
  }
  {
    std::lock_guard lock(state_.mutex);
    if (!sequencer.changes_nothing()) state_.durable = upto;
    sequencer.apply(entries, out);
    state_.stable = upto;
  }
  read_originals(sequencer, out);
}

/// The answers to repeats whose originals are not in memory.
void Core::read_originals(const Sequencer& sequencer, Outbound& out) {
  for (const auto& late : sequencer.late()) {
    std::get<Ack>(out.by_thread[late.thread][late.item]).result = repeated(late.original, late.repeat);
  }
  for (const auto& late : sequencer.late_parts()) {
    if (!*late.answer) continue;
    auto found = repeated(late.original, late.repeat);
    if (found)
      (**late.answer)[late.index] = std::move(*found);
    else
      *late.answer = std::move(found.error());
  }
}

/// `known`: what the answer is made of where the original was removed.
Result<Accepted> Core::repeated(MessageId original, RecordPtr known) {
  auto record = record_of(original);
  if (!record && record.error().reason == "message.unknown" && known != nullptr)
    return Accepted{std::move(known), true};
  if (!record) return record.error();
  return Accepted{std::make_shared<const MessageRecord>(std::move(*record)), true};
}

void Core::give_position() {
  if (ids_.last() == latest_round_) static_cast<void>(ids_.next());
  latest_round_ = ids_.last();
}

/// Whether the round is stored now. False: something was learnt, so draft it again.
Result<bool> Core::store(Sequencer& sequencer, int attempt) {
  if (attempt == 1 && !sequencer.doubtful().empty()) {
    const auto learnt = ask_about_repeats(sequencer);
    if (!learnt) return learnt.error();
    if (*learnt) return false;
  }
  if (sequencer.changes_nothing()) return true;
  give_position();
  const auto conflict = commit(sequencer.batch());
  if (!conflict) return conflict.error();
  if (conflict->empty()) return true;
  if (attempt == attempts) return Error{Code::internal, "storage.conflict", {}};
  learn(*conflict, sequencer);
  return false;
}

Result<Conflict> Core::commit(const Batch& batch) {
  const auto begin = clock_.steady();
  try {
    auto stored = storage_.commit(batch);
    commit_took_ = static_cast<std::size_t>(std::max<Millis>(clock_.steady() - begin, 0));
    return stored;
  } catch (const std::exception& e) {
    log_.error("the storage threw", {{"what", e.what()}});
    return Error{Code::internal, "storage.broken", {}};
  }
}

// A repeat is answered with its original whatever its sender may do now, also when only the storage remembers it. The
// storage compares client ids when it commits and at no other time, so it is given a batch that it cannot take, because
// no conversation has this head: nothing of it is stored (S4), and it says which client ids it knows (S3).
Result<bool> Core::ask_about_repeats(const Sequencer& sequencer) {
  constexpr Seq no_head = id::limit;
  const auto& doubtful = sequencer.doubtful();
  std::vector<Message> messages(doubtful.size());
  std::vector<NewMessage> keyed;
  boost::unordered_flat_map<ConversationId, HeadUpdate> heads;
  boost::unordered_flat_set<std::array<std::uint64_t, 2>, KeyHash> asked;
  for (const auto& [submit, conversation] : doubtful) {
    if (!asked.insert(submit->key()->hash).second) continue;
    auto& head = heads.try_emplace(conversation->id(), HeadUpdate{conversation->id(), no_head, no_head}).first->second;
    auto& message = messages[keyed.size()];
    message.id = head.last = static_cast<MessageId>(ids_.next());
    message.conversation = conversation->id();
    message.seq = ++head.head;
    message.sender = submit->sender->id;
    keyed.push_back({&message, submit->key()});
  }
  std::vector<HeadUpdate> updates;
  for (const auto& [id, head] : heads) updates.push_back(head);
  Batch batch;
  batch.applied_upto = ids_.last();
  batch.heads = updates;
  batch.messages = keyed;
  const auto conflict = commit(batch);
  if (!conflict) return conflict.error();
  for (const auto& duplicate : conflict->duplicates) {
    remember_key({keyed[duplicate.index].key->hash, duplicate.digest}, duplicate.original);
  }
  return !conflict->duplicates.empty();
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

void Core::tell_refused(const Caller& caller, const Error& error, Outbound& out) {
  refused_total_.add();
  if (!refused_.has_observers()) return;
  out.publish(caller, [this, fact = MessageRefused{{}, caller.user, error}] { refused_(fact); });
}

void Core::fail_all(std::vector<Entry>& entries, const Error& error, bool stopping, Outbound& out) {
  for (auto& entry : entries) {
    std::visit(
        [&](auto& any) {
          auto& what = unboxed(any);
          using T = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<T, SubmitEntry>) {
            // What was refused before it was queued is not the storage's fault.
            const bool was_refused = what.rest != nullptr && what.rest->refused;
            const auto& why = was_refused ? *what.rest->refused : error;
            tell_refused(entry.caller, why, out);
            out.answer(entry.caller, what.done, why);
          } else if constexpr (std::is_same_v<T, SubmitAllEntry>) {
            const auto& why = what.refused ? *what.refused : error;
            answer_all(entry.caller, what, std::make_shared<Result<std::vector<Accepted>>>(why), out);
            for (std::size_t i = 0; i < what.count; ++i) tell_refused(entry.caller, why, out);
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

// With the committer's role and no round under way.
void Core::housekeeping() {
  evict();
  forget_client_keys();
}

void Core::evict() {
  if (clock_.steady() < next_eviction_) return;
  evict_views();
  evict_conversations();
  next_eviction_ = clock_.steady() + housekeeping_period;
}

void Core::forget_client_keys() {
  if (clock_.steady() < next_forgetting_) return;
  // In steps, so that commits go on in between; a full step means that there are more.
  const auto before = id::first_at(clock_.now() - options_.dedupe_keep);
  const auto forgotten = storage_.forget_client_keys(before, forget_step);
  if (!forgotten) log_.warn("old client ids could not be forgotten", {{"reason", forgotten.error().reason}});
  const bool more = forgotten && *forgotten == forget_step;
  if (!more) {
    // A host that nobody uses, because it is not ready, would never hear of it. While others try, they say.
    if (forgotten && !failed_lately_) storage_works();
    failed_lately_ = false;
  }
  next_forgetting_ = clock_.steady() + (more ? forget_pause : housekeeping_period);
}

}  // namespace loft
