#include "push/worker.hpp"

#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr Millis idle = 1'000;          // what another host owes is found so late
constexpr Millis ledger_pause = 1'000;  // after a failure of it
constexpr Millis crowded_pause = 200;   // when a lease brought nothing but what must wait
constexpr Millis margin = 5'000;        // of a lease, above a channel's longest time

}  // namespace

Worker::Worker(const Parts& parts, std::uint64_t holder, std::uint64_t seed)
    : p_(parts), holder_(holder), random_(seed), mailbox_(std::make_shared<Mailbox>()) {}

Worker::~Worker() {
  for (auto& [number, row] : rows_) {
    if (row->mailing) p_.mails.release(row->push.user);
  }
}

void Worker::wait(Millis time) { mailbox_->wait(time); }
void Worker::poke() { mailbox_->poke(); }

ChannelLane* Worker::lane(std::string_view word) {
  for (auto& each : p_.lanes) {
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

void Worker::take(Answer& answer) {
  const auto found = rows_.find(answer.row);
  if (found == rows_.end()) return;
  auto& row = *found->second;
  auto& one = row.tries[answer.index];
  if (answer.refused) {
    refused(row, one, *answer.refused);
    --row.under_way;
  } else if (answer.allowed) {
    rewrite(one.notification, std::move(answer.allowed->notification));
    return hand_over(row, one);
  } else {
    judge(row, one, std::move(answer.verdict));
    --row.under_way;
  }
  if (row.under_way == 0) conclude(row);
}

Millis Worker::lease() {
  std::size_t room = 0;
  Millis longest = 0;
  for (const auto& each : p_.lanes) {
    room += each->room();
    longest = std::max(longest, each->longest());
  }
  // Nobody's channel but one may be full or rest: what is owed on it is put off below, and the others go on.
  room = std::min(room == 0 ? 0 : std::max<std::size_t>(room / p_.settings.workers, 1), p_.settings.batch);
  if (room == 0 || rows_.size() >= 4 * p_.settings.batch) return crowded_pause;
  const auto now = p_.clock.now();
  const auto since = p_.clock.steady();
  const auto length = std::max(p_.settings.lease, longest + std::min(margin, p_.settings.lease));
  auto leased = p_.ledger.lease(holder_, now, now + length, room);
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
  bool moved = false;
  for (auto& push : *leased) {
    auto row = std::make_unique<Row>();
    row->number = next_row_++;
    row->until = since + length - longest;
    row->plan = Plan::decode(push.plan);
    row->push = std::move(push);
    auto& added = *rows_.emplace(row->number, std::move(row)).first->second;
    const auto number = added.number;
    if (!devices) {
      put_off(added, now + ledger_pause + jitter(ledger_pause), devices.error().reason);
    } else {
      look_at(added, *devices);
    }
    moved = moved || rows_.find(number) != rows_.end() || settled_.back().state != PushState::owed;
  }
  return moved ? 0 : crowded_pause;
}

bool Worker::settle() {
  if (settled_.empty() && attempts_.empty() && news_.empty()) return true;
  if (p_.clock.steady() < unsettled_until_) return false;
  const auto stored = p_.ledger.settle(holder_, {settled_, attempts_, news_});
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
  settled_.clear();
  attempts_.clear();
  news_.clear();
  return true;
}

}  // namespace loft::push
