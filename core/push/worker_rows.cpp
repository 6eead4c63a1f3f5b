// One push in a worker's hands, from the second look at it to its channels.
#include <loft/json.hpp>
#include <loft/mail_address.hpp>

#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr Millis busy_longest = 120'000;  // how long at most what finds a full window waits, and half of it more

std::string address_of(const User& user) {
  const auto profile = json::parse(user.profile);
  const auto address = profile ? profile->find("email") : std::nullopt;
  auto text = address ? address->text().value_or("") : std::string();
  return is_mail_address(text) ? text : std::string();
}

}  // namespace

/// Why nobody needs to hear of it any more; null: it is needed.
const char* Worker::needless(const Standing& standing) const {
  const auto& record = standing.record;
  if (record.message == nullptr) return "push.gone";
  if (record.is_recalled()) return "push.recalled";
  if (record.hidden) return "push.hidden";
  if (record.receipt == Receipt::read) return "push.read";
  if (record.receipt == Receipt::delivered) return "push.seen";
  return standing.online ? "push.online" : nullptr;
}

void Worker::look_at(Row& row) {
  const auto now = p_.clock.now();
  const auto& push = row.push;
  if (now >= push.expires) return expire(row);
  leave_unreachable(row);
  if (must_wait(row)) return conclude(row);
  auto user = p_.world.user(push.user);
  if (!user && user.error().code == Code::not_found) {
    // What was owed while the user was being erased is nothing that may stay.
    if (const auto gone = p_.ledger.erase_pushes(push.user, {}); !gone)
      return put_off(row, now + busy_first + jitter(busy_first), gone.error().reason);
    return end(row, PushState::silenced, "push.user_gone");
  }
  auto standing = user ? p_.world.standing(push.user, push.message, p_.settings.badge) : user.error();
  if (!standing) return put_off(row, now + busy_first + jitter(busy_first), standing.error().reason);
  if (const auto* reason = needless(*standing)) return stop(row, reason);
  const auto muted = p_.world.is_muted(push.user, push.conversation);
  if (!muted) return put_off(row, now + busy_first + jitter(busy_first), muted.error().reason);
  if (*muted) return stop(row, "push.muted");
  row.standing = std::move(*standing);
  row.handle = (*user)->handle;
  row.mail = address_of(**user);
  row.looked = true;
  try_devices(row);
}

void Worker::expire(Row& row) {
  for (auto& outcome : row.plan.outcomes) {
    if (outcome.is_open()) outcome.state = Outcome::State::spent;
  }
  const bool any = row.plan.has(Outcome::State::accepted);
  if (!any) tell_dead(row, {.reason = "push.expired"}, {});
  end(row, any ? PushState::delivered : PushState::dead, any ? "" : "push.expired");
}

/// What belongs to devices that are gone by now, or to channels that are off, waits for nobody.
void Worker::leave_unreachable(Row& row) {
  for (auto& outcome : row.plan.outcomes) {
    const auto is_it = [&](const Device& device) {
      return device.id == outcome.device && device.channel == outcome.channel;
    };
    if (!outcome.is_open() || outcome.device == 0) continue;
    if (std::any_of(row.devices.begin(), row.devices.end(), is_it)) continue;
    outcome.state = Outcome::State::dead;
    outcome.reason = device_removed;
  }
  for (const auto& device : row.devices) {
    auto& outcome = row.plan.of(device.id, device.channel);
    const bool was_off = outcome.state == Outcome::State::silenced && outcome.reason == channel_off;
    const bool is_off = lane(device.channel) == nullptr;
    if (is_off && outcome.is_open()) {
      outcome.state = Outcome::State::silenced;
      outcome.reason = channel_off;
    } else if (was_off && !is_off) {
      outcome.state = Outcome::State::open;
      outcome.reason.clear();
    }
  }
}

/// Whether all its channels are full or rest, and it is not the time of a mail: then even a look at the message is for
/// nothing.
bool Worker::must_wait(Row& row) {
  const auto now = p_.clock.now();
  bool any = false;
  for (const auto& outcome : row.plan.outcomes) {
    if (!outcome.is_open() || outcome.device == 0) continue;
    if (outcome.due <= now && lane(outcome.channel)->room() > 0) return false;
    any = true;
  }
  if (!any || wants_mail(row)) return false;
  for (auto& outcome : row.plan.outcomes) {
    if (outcome.is_open() && outcome.device != 0 && outcome.due <= now)
      defer(row, outcome, lane(outcome.channel)->rests());
  }
  return true;
}

void Worker::try_devices(Row& row) {
  row.tries.reserve(row.devices.size() + 1);
  for (const auto& device : row.devices) {
    const auto& outcome = row.plan.of(device.id, device.channel);
    if (outcome.is_open() && outcome.due <= p_.clock.now()) try_one(row, *lane(device.channel), device);
  }
  if (row.under_way == 0) conclude(row);
}

/// It waits the longer, the older it is: beside a channel that stands still each of its rows is touched now and then.
void Worker::defer(Row& row, Outcome& outcome, Millis rests) {
  const auto now = p_.clock.now();
  row.waits = rests > 0 ? "push.channel_rests" : "push.busy";
  const auto pause = std::clamp(now - row.push.created, busy_first, busy_longest);
  outcome.due = now + std::max(rests + jitter(std::min(rests, busy_longest)), pause / 2 + jitter(pause));
  if (outcome.reason.empty()) outcome.reason = row.waits;
}

/// Whether one is under way now.
bool Worker::try_one(Row& row, ChannelLane& lane, const Device& device) {
  auto& outcome = row.plan.of(device.id, lane.word());
  if (p_.clock.steady() > row.until) {  // this thread stood still: another may have it by now
    row.waits = late;
    return false;
  }
  const auto room = lane.take();
  if (!room.taken) {
    defer(row, outcome, room.rests);
    return false;
  }
  ++row.under_way;
  row.tries.push_back({&lane, notice(p_.settings, p_.world, row.standing, device, row.push.user, row.push.expires)});
  const auto index = row.tries.size() - 1;
  SendPush asked{{}, lane.word(), row.tries.back().notification};
  if (!p_.events.send.has_waiting()) {
    Answer answer{row.number, index, {}, {}, {}};
    if (p_.events.send.has_interceptors()) {
      if (auto verdict = p_.events.send.now(asked); !verdict.passed()) answer.refused = verdict.refusal();
    }
    if (!answer.refused) answer.allowed = std::make_unique<SendPush>(std::move(asked));
    mailbox_->put(std::move(answer));
    return true;
  }
  // Those that wait need a loop to wait on.
  p_.threads.post(
      static_cast<unsigned>(row.number % p_.threads.count()),
      [&events = p_.events, box = mailbox_, number = row.number, index, asked = std::move(asked)]() mutable {
        events.send.propose(std::move(asked), [box, number, index](SendPush& event, Verdict verdict) {
          Answer answer{number, index, {}, {}, {}};
          if (verdict.passed())
            answer.allowed = std::make_unique<SendPush>(std::move(event));
          else
            answer.refused = verdict.refusal();
          box->put(std::move(answer));
        });
      });
  return true;
}

void Worker::hand_over(Row& row, Try& one) {
  const auto index = static_cast<std::size_t>(&one - row.tries.data());
  auto promise = std::make_unique<Promise>(mailbox_, row.number, index);
  // An interceptor took its time, or this thread stood still: another host may have it by now.
  if (p_.clock.steady() > row.until) return promise->keep({PushVerdict::Kind::retry, late, 0, 0});
  try {
    one.lane->send(one.notification,
                   [promise = std::move(promise)](PushVerdict verdict) { promise->keep(std::move(verdict)); });
  } catch (const std::exception& e) {
    p_.log.error("a push channel threw; this is a bug in the plugin",
                 {{"channel", one.lane->word()}, {"what", e.what()}});
  }
}

}  // namespace loft::push
