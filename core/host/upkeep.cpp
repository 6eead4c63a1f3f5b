#include "host/upkeep.hpp"

#include <algorithm>

namespace loft {
namespace {

constexpr const char* kinds[] = {"direct", "group", "system", "broadcast"};
constexpr std::size_t page = 500;         // of conversations
constexpr Millis step_budget = 1'000;     // of an erasure
constexpr Millis erasure_pause = 60'000;  // after a plugin or the storage has refused, and between looks
constexpr Millis failure_pause = 60'000;  // after a round that failed, at most
const Error stopping{Code::unavailable, "host.stopping", "the host stops"};

}  // namespace

Upkeep::Upkeep(const Retention& retention, Core& core, Storage& storage, Eraser& eraser, const Clock& clock,
               Logger& log, Metrics& metrics)
    : retention_(retention), core_(core), storage_(storage), eraser_(eraser), clock_(clock), log_(log) {
  for (std::size_t kind = 0; kind < std::size(kinds); ++kind) {
    forgotten_total_[kind] =
        &metrics.counter("messages_forgotten_total", "Messages removed because they were older than `retention` says.",
                         std::string("kind=\"") + kinds[kind] + '"');
  }
}

void Upkeep::start() {
  thread_ = std::thread([this] { run(); });
}

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// False: the host stops.
bool Upkeep::pause(Millis time) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::milliseconds(time), [this] { return stopping_; });
}

void Upkeep::run() {
  auto next_round = clock_.steady();
  auto next_look = clock_.steady();
  for (;;) {
    if (clock_.steady() >= next_look) next_look = clock_.steady() + finish_erasures();
    if (retention_.any() && clock_.steady() >= next_round) {
      const auto begin = clock_.steady();
      const auto removed = round();
      const bool unsupported = !removed && removed.error().reason == "storage.unsupported";
      if (unsupported) log_.warn("the storage cannot remove messages: `retention` has no effect");
      if (!removed && !unsupported && removed.error().reason != stopping.reason)
        log_.warn("old messages could not be removed", {{"reason", removed.error().reason}});
      if (removed) {
        const auto level = *removed == Removed{} ? LogLevel::debug : LogLevel::info;
        log_.write(level, "old messages are removed",
                   {{"direct", (*removed)[0]},
                    {"group", (*removed)[1]},
                    {"system", (*removed)[2]},
                    {"broadcast", (*removed)[3]},
                    {"took_ms", clock_.steady() - begin}});
      }
      next_round = clock_.steady() +
                   (removed || unsupported ? retention_.interval : std::min(retention_.interval, failure_pause));
    }
    const auto next = retention_.any() ? std::min(next_round, next_look) : next_look;
    if (!pause(std::max<Millis>(next - clock_.steady(), 0))) return;
  }
}

Millis Upkeep::finish_erasures() {
  for (;;) {
    const auto report = eraser_.resume(step_budget);
    if (!report || !*report) return erasure_pause;
    if (!pause(0)) return erasure_pause;
  }
}

Result<Upkeep::Removed> Upkeep::round() {
  Removed removed{};
  const auto now = clock_.now();
  auto after = ConversationId::none;
  for (;;) {
    const auto conversations = storage_.all_conversations(after, page);
    if (!conversations) return conversations.error();
    for (const auto& stored : *conversations) {
      const auto kind = static_cast<std::size_t>(stored.conversation.kind);
      if (retention_.keep[kind] == 0 || stored.head == 0) continue;
      const auto old = remove_old(stored, id::first_at(now - retention_.keep[kind]));
      if (!old) return old.error();
      removed[kind] += *old;
    }
    if (conversations->size() < page) return removed;
    after = conversations->back().conversation.id;
    if (!pause(0)) return stopping;
  }
}

/// Messages with ids below `before`. Nearly always one look at the oldest says that there are none.
Result<std::uint64_t> Upkeep::remove_old(const StoredConversation& stored, Position before) {
  const auto& conversation = stored.conversation;
  std::uint64_t removed = 0;
  Seq upto = 0;
  for (;;) {
    const auto oldest = storage_.log(conversation.id, 1, stored.head, 1, false);
    if (!oldest) return oldest.error();
    if (oldest->empty() || raw(oldest->front().id) >= before) return removed;
    if (upto == 0) {
      const auto last = storage_.seq_at(conversation.id, before - 1);
      if (!last) return last.error();
      upto = std::min(*last, stored.head);
    }
    const auto seq = oldest->front().seq;
    if (seq > upto) return removed;
    const auto done = core_.forget_messages(conversation.id, std::min<Seq>(upto, seq + retention_.batch - 1));
    if (!done) return done.error();
    if (*done == 0) return removed;
    removed += *done;
    forgotten_total_[static_cast<std::size_t>(conversation.kind)]->add(static_cast<std::int64_t>(*done));
    if (!pause(retention_.pause)) return stopping;
  }
}

}  // namespace loft
