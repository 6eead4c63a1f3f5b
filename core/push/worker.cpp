#include "push/worker.hpp"

#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr Millis idle = 1'000;          // what another host owes is found so late
constexpr Millis ledger_pause = 1'000;  // after a failure of it
constexpr Millis crowded_pause = 200;   // when a lease brought nothing but what must wait
constexpr std::size_t least_leased = 16;
constexpr Millis margin = 5'000;  // of a lease, above a channel's longest time

}  // namespace

Worker::Worker(const Parts& parts, std::uint64_t holder, std::uint64_t seed)
    : p_(parts), holder_(holder), random_(seed), mailbox_(std::make_shared<Mailbox>()) {}

Worker::~Worker() {
  for (auto& [number, row] : rows_) {
    if (row->mailing) p_.shared.mails.release(row->push.user);
  }
  p_.shared.hands.leave(holder_);
}

void Worker::wait(Millis time) { mailbox_->wait(time); }
void Worker::poke() { mailbox_->poke(); }

ChannelLane* Worker::lane(std::string_view word) const {
  for (const auto& each : p_.lanes) {
    if (each->word() == word) return each.get();
  }
  return nullptr;
}

Millis Worker::jitter(Millis most) {
  return most <= 0 ? 0 : static_cast<Millis>(random_() % static_cast<std::uint64_t>(most + 1));
}

/// From half of the pause to one and a half of it.
Millis Worker::back_off(std::uint32_t attempts) {
  auto pause = p_.settings.retry_first;
  for (std::uint32_t i = 1; i < attempts && pause < p_.settings.retry_longest; ++i) pause *= 2;
  pause = std::min(pause, p_.settings.retry_longest);
  return std::max<Millis>(pause / 2 + jitter(pause), 1);
}

Millis Worker::step() {
  collect();
  if (!settle()) return ledger_pause;
  if (finishing_) return idle;
  const auto pause = lease();
  collect();
  if (!settle()) return ledger_pause;
  return pause;
}

void Worker::collect() {
  for (auto& answer : mailbox_->take()) take(answer);
}

Millis Worker::lease() {
  std::size_t room = 0;
  Millis longest = 0;
  for (const auto& each : p_.lanes) {
    room += each->room();
    longest = std::max(longest, each->longest());
  }
  // What is in hand is bounded by the windows alone: one that is held by a slow provider leaves the others theirs.
  if (room == 0) return crowded_pause;
  const auto least = std::min(least_leased, p_.settings.batch);
  const auto limit = std::clamp(room / p_.settings.workers, least, p_.settings.batch);
  const auto now = p_.clock.now();
  const auto since = p_.clock.steady();
  const auto length = std::max(p_.settings.lease, longest + std::min(margin, p_.settings.lease));
  auto leased = p_.ledger.lease(holder_, now, now + length, limit);
  if (!leased) {
    p_.log.warn("what is owed could not be read; it is asked for again", {{"reason", leased.error().reason}});
    return ledger_pause;
  }
  if (leased->empty()) {
    const auto next = p_.ledger.next_due();
    if (!next || !*next) return idle;
    return std::clamp<Millis>(**next - now, 1, idle);
  }
  std::vector<UserId> users;
  for (const auto& push : *leased) users.push_back(push.user);
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  const auto devices = p_.ledger.devices(users);
  bool moved = leased->size() == limit;  // there may be more behind what has to wait
  for (auto& push : *leased) moved = take_up(std::move(push), devices, since + length - longest) || moved;
  return moved ? 0 : crowded_pause;
}

/// Whether anything came of it but that it waits.
bool Worker::take_up(OwedPush&& push, const Result<std::vector<Device>>& devices, Millis until) {
  // It is under way in this host, and its lease ran out: what comes of that is stored, or taken over with the next one.
  const auto known = p_.shared.hands.take({push.message, push.user}, holder_);
  if (!known) return false;
  auto made = std::make_unique<Row>();
  const auto number = made->number = next_row_++;
  made->until = until;
  made->plan = Plan::decode(push.plan);
  made->plan.learn(Plan::decode(*known));
  made->push = std::move(push);
  auto& row = *rows_.emplace(number, std::move(made)).first->second;
  if (!devices) {
    put_off(row, p_.clock.now() + ledger_pause + jitter(ledger_pause), devices.error().reason);
    return false;
  }
  for (const auto& device : *devices) {
    if (device.user == row.push.user && device.channel != email) row.devices.push_back(device);
  }
  look_at(row);
  return rows_.find(number) != rows_.end() || (!settled_.empty() && settled_.back().state != PushState::owed);
}

bool Worker::settle() {
  if (settled_.empty() && attempts_.empty() && news_.empty()) return true;
  if (p_.clock.steady() < unsettled_until_) return false;
  const Erased::Hold hold(p_.shared.erased);
  leave_erased(hold);
  std::vector<PushAttempt> attempts;
  attempts.reserve(attempts_.size());
  for (const auto& each : attempts_) attempts.push_back(each.row);
  const auto stored = p_.ledger.settle(holder_, {settled_, attempts, news_});
  if (!stored) {
    p_.log.warn("what became of pushes could not be stored; it is tried again", {{"reason", stored.error().reason}});
    unsettled_until_ = p_.clock.steady() + ledger_pause;
    return false;
  }
  for (const auto& push : settled_) {
    if (push.state == PushState::owed)
      p_.meters.put_off(push.reason);
    else
      p_.meters.finished(push.state, push.reason);
  }
  let_go(*stored);
  for (auto* const lane : answered_) lane->release();
  settled_.clear();
  attempts_.clear();
  news_.clear();
  answered_.clear();
  return true;
}

/// Their rows are gone, and those of `push_log` must not come back.
void Worker::leave_erased(const Erased::Hold& hold) {
  if (!hold.any()) return;
  std::erase_if(attempts_, [&](const Attempt& each) { return hold.has(each.user); });
  std::erase_if(settled_, [&](const OwedPush& push) {
    if (!hold.has(push.user)) return false;
    p_.shared.hands.drop({push.message, push.user}, holder_);
    return true;
  });
}

/// What was passed over because somebody else leases it by now is kept in mind: it may come to a worker of this host.
void Worker::let_go(std::size_t stored) {
  for (const auto& push : settled_) {
    const PushKey key{push.message, push.user};
    if (stored < settled_.size()) {
      const auto found = p_.ledger.push(key);
      const bool is_there = found && (!*found || ((*found)->state == push.state && (*found)->plan == push.plan));
      if (!is_there) continue;
    }
    p_.shared.hands.drop(key, holder_);
  }
  if (stored < settled_.size()) p_.shared.hands.sweep(p_.clock.now());
}

}  // namespace loft::push
