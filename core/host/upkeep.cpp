#include "host/upkeep.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace loft {
namespace {

constexpr const char* kinds[] = {"direct", "group", "system", "broadcast"};
constexpr std::size_t page = 500;         // of conversations
constexpr std::size_t most_told = 1'000;  // conversations that cannot be read
constexpr Millis step_budget = 1'000;     // of an erasure
constexpr Millis erasure_pause = 60'000;  // between looks
constexpr Millis failure_pause = 60'000;  // after what failed again and again, at most
const Error stopping{Code::unavailable, "host.stopping", "the host stops"};

bool is_corrupt(const Error& error) { return error.reason == "storage.corrupt"; }

/// The conversation that could not be read, of a detail such as "table conversation, row 20001: …".
ConversationId named_in(const Error& error) {
  constexpr std::string_view before = "table conversation, row ";
  if (!error.detail.starts_with(before)) return ConversationId::none;
  std::uint64_t number = 0;
  const auto* begin = error.detail.data();
  std::from_chars(begin + before.size(), begin + error.detail.size(), number);
  return static_cast<ConversationId>(number);
}

}  // namespace

Upkeep::Upkeep(const Retention& retention, Core& core, Storage& storage, Eraser& eraser, const Clock& clock,
               Logger& log, Metrics& metrics)
    : retention_(retention),
      core_(core),
      storage_(storage),
      eraser_(eraser),
      clock_(clock),
      time_(core, storage, clock, log),
      log_(log) {
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
    if (retention_.any() && clock_.steady() >= next_round) next_round = clock_.steady() + retain();
    const auto next = retention_.any() ? std::min(next_round, next_look) : next_look;
    if (!pause(std::max<Millis>(next - clock_.steady(), 0))) return;
  }
}

/// A second, then twice as long each time.
Millis Upkeep::Patience::next(Millis most) {
  pause_ = std::min(pause_ == 0 ? 1'000 : 2 * pause_, most);
  return pause_;
}

Millis Upkeep::retain() {
  const auto begin = clock_.steady();
  const auto removed = round();
  if (removed) {
    const auto level = *removed == Removed{} ? LogLevel::debug : LogLevel::info;
    log_.write(level, "old messages are removed",
               {{"direct", (*removed)[0]},
                {"group", (*removed)[1]},
                {"system", (*removed)[2]},
                {"broadcast", (*removed)[3]},
                {"took_ms", clock_.steady() - begin}});
    round_patience_ = {};
    return retention_.interval;
  }
  const auto& error = removed.error();
  if (error.reason == "storage.unsupported") {
    log_.warn("the storage cannot remove messages: `retention` has no effect");
    return retention_.interval;
  }
  const auto again = round_patience_.next(std::min(retention_.interval, failure_pause));
  if (error.reason != stopping.reason) {
    log_.warn("old messages could not be removed; it is tried again",
              {{"reason", error.reason}, {"detail", error.detail}, {"in_ms", again}});
  }
  return again;
}

Millis Upkeep::finish_erasures() {
  for (;;) {
    const auto report = eraser_.resume(step_budget);
    if (!report) {
      const auto again = erasure_patience_.next(failure_pause);
      log_.warn("an erasure could not go on; it is tried again",
                {{"reason", report.error().reason}, {"detail", report.error().detail}, {"in_ms", again}});
      return again;
    }
    if (!*report || (*report)->done) erasure_patience_ = {};
    if (!*report) return erasure_pause;
    if (!pause(0)) return erasure_pause;
  }
}

Result<Upkeep::Removed> Upkeep::round() {
  Removed removed{};
  const auto now = time_.now();
  if (!now) return now.error();
  for (auto after = ConversationId::none;;) {
    const auto conversations = next_page(after);
    if (!conversations) return conversations.error();
    if (conversations->empty()) return removed;
    for (const auto& stored : *conversations) {
      const auto kind = static_cast<std::size_t>(stored.conversation.kind);
      if (kind >= retention_.keep.size()) {
        tell(stored.conversation.id, "its kind is " + std::to_string(kind));
        continue;
      }
      if (retention_.keep[kind] == 0 || stored.head == 0) continue;
      const auto old = remove_old(stored, id::first_at(*now - retention_.keep[kind]));
      if (!old && is_corrupt(old.error())) {
        tell(stored.conversation.id, old.error().detail);
        continue;
      }
      if (!old) return old.error();
      removed[kind] += *old;
    }
    if (!pause(0)) return stopping;
  }
}

/// Moves `after` behind what it returns. Rows that cannot be read are left out; empty: there is nothing more.
Result<std::vector<StoredConversation>> Upkeep::next_page(ConversationId& after) {
  for (std::size_t limit = page;;) {
    auto found = storage_.all_conversations(after, limit);
    if (found) {
      if (!found->empty()) after = found->back().conversation.id;
      return found;
    }
    if (!is_corrupt(found.error())) return found.error();
    if (limit > 1) {
      limit /= 2;
      continue;
    }
    const auto bad = named_in(found.error());
    if (bad <= after) return found.error();
    tell(bad, found.error().detail);
    after = bad;
    limit = page;
  }
}

/// Once of each.
void Upkeep::tell(ConversationId id, const std::string& what) {
  if (told_.size() >= most_told || !told_.insert(id).second) return;
  log_.error("a conversation cannot be read, so old messages stay in it; `loft storage check` names what is wrong",
             {{"conversation", raw(id)}, {"detail", what}});
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
