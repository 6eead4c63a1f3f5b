#include "messaging/core.hpp"

#include <algorithm>

#include "messaging/domain_actions.hpp"
#include "messaging/domain_table.hpp"
#include "messaging/lane_round.hpp"

namespace loft {
namespace {

constexpr const char* rounds_help = "Transactions, of one lane beside others or of all that waited.";

}  // namespace

Core::Core(CoreOptions options, Storage& storage, Broker& broker, Bus& bus, const DomainTable& domains,
           const Clock& clock, Logger& log, Metrics& metrics, Threads& threads)
    : options_(options),
      storage_(storage),
      broker_(broker),
      bus_(bus),
      domains_(domains),
      clock_(clock),
      log_(log),
      threads_(threads),
      directory_(storage, options.cached_users),
      sessions_(threads.count(), bus),
      marks_{{"delivered", true}, {"read", true}, {"hidden", false}},
      ids_(clock, 0),
      local_(threads.count()),
      propose_session_(bus),
      propose_submit_(bus),
      propose_write_(bus),
      propose_recall_(bus),
      propose_mark_(bus),
      propose_create_(bus),
      propose_membership_(bus),
      propose_change_(bus),
      propose_read_(bus),
      session_opened_(bus),
      session_closed_(bus),
      stored_(bus),
      refused_(bus),
      recalled_(bus),
      advanced_(bus),
      created_(bus),
      membership_changed_(bus),
      conversation_changed_(bus),
      user_created_(bus),
      overloaded_(bus),
      lost_(bus),
      recovered_(bus),
      messages_total_(metrics.counter("commit_messages_total", "Messages made durable.")),
      repeated_total_(metrics.counter("messages_repeated_total", "Submissions whose client id was seen before.")),
      lane_rounds_total_(metrics.counter("commit_rounds_total", rounds_help, "way=\"lane\"")),
      whole_rounds_total_(metrics.counter("commit_rounds_total", rounds_help, "way=\"whole\"")),
      batches_total_(metrics.counter("commit_batches_total", "Transactions with at least one message.")),
      batch_messages_total_(metrics.counter("commit_batch_messages_total", "Messages in those transactions.")),
      refused_total_(metrics.counter("messages_refused_total", "Submissions refused after they were queued.")),
      queue_gauge_(metrics.gauge("commit_queue_entries", "Entries that wait for the committer.")),
      actions_metric_(metrics.counter("actions_total", "Actions of message domains that were done.")),
      actions_(std::make_unique<DomainActions>(*this)) {}

Core::~Core() { stop(); }

Result<void> Core::start() {
  const auto last = storage_.last_position();
  if (!last) return last.error();
  ids_ = IdGenerator(clock_, *last);
  state_.stable = state_.durable = latest_round_ = *last;
  instant_ = storage_.instant();
  if (auto loaded = load_broadcasts(); !loaded) return loaded.error();
  next_eviction_ = next_forgetting_ = clock_.steady() + 10'000;
  if (!instant_ && storage_.writers() > 1) {
    lanes_ = std::make_unique<CommitLanes>(storage_, clock_, log_, [this] {
      { const std::lock_guard lock(queue_mutex_); }  // it has looked, or looks after this
      queue_filled_.notify_all();
    });
  }
  if (!instant_) writer_ = std::thread([this] { run_committer(); });
  return {};
}

Domains& Core::domains() noexcept { return *actions_; }

void Core::stop() {
  actions_->stop();
  {
    std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  queue_filled_.notify_all();
  if (writer_.joinable()) writer_.join();
}

MarkId Core::define_mark(const MarkSpec& spec) {
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    if (marks_[i].name == spec.name) return static_cast<MarkId>(i);
  }
  if (marks_.size() == 32) throw std::length_error("more than 32 marks are defined");
  marks_.push_back(spec);
  return static_cast<MarkId>(marks_.size() - 1);
}

Messaging::Online Core::online() const noexcept {
  std::lock_guard lock(state_.mutex);
  return {state_.sessions, state_.online_users};
}

std::string Core::health() const {
  if (auto why = storage_.health(); !why.empty()) return why;
  if (storage_lost_.load(std::memory_order_relaxed)) return "the storage does not take messages";
  if (clock_wrong_.load(std::memory_order_relaxed)) return "the clock is wrong; messages are not taken";
  return {};
}

std::size_t Core::cached_conversations() const {
  std::lock_guard lock(state_.mutex);
  return state_.conversations.size();
}

std::size_t Core::cached_views() const {
  std::lock_guard lock(state_.mutex);
  return state_.views.size();
}

Position Core::stable() const {
  std::lock_guard lock(state_.mutex);
  return std::min(state_.stable, state_.durable);
}

Result<UserPtr> Core::add_user(User user) {
  if (!is_handle(user.handle)) {
    return Error{Code::invalid, "user.handle_invalid",
                 "a handle has 1 to 50 bytes of UTF-8 without control characters and outer spaces"};
  }
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Result<UserPtr>> result;
  UserEntry wanted;
  wanted.user = std::move(user);
  wanted.done = [&](Result<UserPtr> made) {
    std::lock_guard lock(mutex);
    result = std::move(made);
    answered.notify_one();
  };
  Caller nobody;
  nobody.thread = ~0u;
  enqueue(nobody.thread, Entry{nobody, std::move(wanted), 0, {}});
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return result.has_value(); });
  return std::move(*result);
}

}  // namespace loft
