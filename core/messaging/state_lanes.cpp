#include "messaging/state_lanes.hpp"

namespace loft {
namespace {

constexpr std::size_t most_waiting = 1000;  ///< of one conversation
constexpr std::size_t most_together = 64;

const Error stopping{Code::unavailable, "host.stopping", "the host is stopping"};

/// Calls once, at the latest when it is destroyed.
class Once {
 public:
  explicit Once(StateLanes::Ended ended) : ended_(std::move(ended)) {}
  Once(Once&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
  ~Once() {
    if (ended_) ended_(stopping);
  }
  void operator()(std::optional<Error> failed) {
    if (auto ended = std::exchange(ended_, nullptr)) ended(std::move(failed));
  }

 private:
  StateLanes::Ended ended_;
};

}  // namespace

StateLanes::StateLanes(Storage& storage, Threads& threads, Put put)
    : storage_(storage), threads_(threads), put_(std::move(put)) {}

void StateLanes::add(const Key& key, std::unique_ptr<Job> job) {
  std::unique_lock lock(mutex_);
  if (stopping_) return lock.unlock(), job->answer(stopping);
  const auto [place, is_first] = lanes_.try_emplace(key);
  auto& waiting = place->second.waiting;
  if (waiting.size() >= most_waiting) {
    lock.unlock();
    return job->answer(Error{Code::overloaded, "queue.full", "try again later"});
  }
  waiting.push_back(std::move(job));
  lock.unlock();
  if (is_first) begin(key);
}

void StateLanes::stop() {
  std::map<Key, Lane> dropped;
  std::lock_guard lock(mutex_);
  stopping_ = true;
  lanes_.swap(dropped);
}

void StateLanes::abandon() {
  stop();
  std::lock_guard lock(mutex_);
  abandoned_ = true;
}

void StateLanes::begin(const Key& key) {
  if (threads_.run_blocking([self = shared_from_this(), key] { self->work(key); })) return;
  std::unique_lock lock(mutex_);
  const auto lane = lanes_.extract(key);
  lock.unlock();
  if (lane.empty()) return;
  for (auto& job : lane.mapped().waiting) job->answer(Error{Code::overloaded, "pool.full", "try again later"});
}

StateLanes::Jobs StateLanes::take(const Key& key) {
  Jobs jobs;
  std::lock_guard lock(mutex_);
  const auto lane = lanes_.find(key);
  if (lane == lanes_.end()) return jobs;
  auto& waiting = lane->second.waiting;
  for (; !waiting.empty() && jobs.size() < most_together; waiting.pop_front())
    jobs.push_back(std::move(waiting.front()));
  return jobs;
}

void StateLanes::put_back(const Key& key, Jobs& jobs, std::size_t from) {
  std::lock_guard lock(mutex_);
  const auto lane = lanes_.find(key);
  if (lane == lanes_.end()) return;
  for (; jobs.size() > from; jobs.pop_back()) lane->second.waiting.push_front(std::move(jobs.back()));
}

// On the pool. All jobs that only change state are stored together; one with a message waits until it is the first.
void StateLanes::work(const Key& key) {
  auto jobs = std::make_shared<Jobs>(take(key));
  if (jobs->empty()) return;
  const auto conversation = jobs->front()->conversation();
  if (!conversation) return end(key, *jobs, conversation.error());
  const auto& space = std::get<std::string>(key);
  StoredState state(storage_, space, *conversation);
  Jobs waiting;
  for (std::size_t i = 0; i < jobs->size(); ++i) {
    auto& job = (*jobs)[i];
    const bool was_changed = state.is_changed();
    auto ran = job->run(state);
    if (state.failed()) ran = *state.failed();
    if (!ran) {
      state.undo();
      std::exchange(job, nullptr)->answer(std::move(ran.error()));
      continue;
    }
    if (!job->has_message()) {
      state.keep();
      continue;
    }
    if (was_changed) {
      state.undo();
      put_back(key, *jobs, i);
      break;
    }
    state.keep();
    put_back(key, *jobs, i + 1);
    auto& last = *job;
    return last.commit(space, state.changes(), when_stored(key, std::move(jobs)));
  }
  if (!state.is_changed()) return end(key, *jobs, std::nullopt);
  put_(space, *conversation, state.changes(), when_stored(key, std::move(jobs)));
}

StateLanes::Ended StateLanes::when_stored(const Key& key, std::shared_ptr<Jobs> jobs) {
  auto once = std::make_unique<Once>([self = shared_from_this(), key, jobs = std::move(jobs)](
                                         std::optional<Error> failed) { self->end(key, *jobs, failed); });
  return [once = std::move(once)](std::optional<Error> failed) { (*once)(std::move(failed)); };
}

void StateLanes::end(const Key& key, Jobs& jobs, const std::optional<Error>& failed) {
  if (std::unique_lock lock(mutex_); abandoned_) return;
  for (auto& job : jobs) {
    if (job != nullptr) job->answer(failed);
  }
  jobs.clear();
  std::unique_lock lock(mutex_);
  const auto lane = lanes_.find(key);
  if (lane == lanes_.end()) return;
  if (!lane->second.waiting.empty()) return lock.unlock(), begin(key);
  lanes_.erase(lane);
}

}  // namespace loft
