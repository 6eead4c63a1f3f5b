// One push in a worker's hands, from the second look at it to its end.
#include <loft/json.hpp>

#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr Millis busy_first = 2'000;  // how long what finds a full window waits, and some more
constexpr Millis busy_spread = 6'000;
constexpr Millis mail_turn = 2'000;  // another mail to the same user is under way
constexpr std::string_view email = "email";
constexpr const char* late = "push.late";

std::string address_of(const User& user) {
  const auto profile = json::parse(user.profile);
  const auto address = profile ? profile->find("email") : std::nullopt;
  auto text = address ? address->text().value_or("") : std::string();
  const auto at = text.find('@');
  const bool fine = at != std::string::npos && at > 0 && at + 1 < text.size() && text.size() <= 254 &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c != 0x7F; });
  return fine ? text : std::string();
}

}  // namespace

/// What interceptors may change; the rest is not theirs.
void rewrite(Notification& notification, Notification&& wanted) {
  notification.title = std::move(wanted.title);
  notification.body = std::move(wanted.body);
  notification.badge = wanted.badge;
  notification.expires = wanted.expires;
}

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

void Worker::look_at(Row& row, const std::vector<Device>& devices) {
  const auto now = p_.clock.now();
  const auto& push = row.push;
  if (now >= push.expires) {
    for (auto& outcome : row.plan.outcomes) {
      if (outcome.is_open()) outcome.state = Outcome::State::spent;
    }
    const bool any = row.plan.has(Outcome::State::accepted);
    if (!any) tell_dead(row, {.reason = "push.expired"}, {});
    return end(row, any ? PushState::delivered : PushState::dead, any ? "" : "push.expired");
  }
  auto user = p_.world.user(push.user);
  if (!user && user.error().code == Code::not_found) return end(row, PushState::silenced, "push.user_gone");
  auto standing = user ? p_.world.standing(push.user, push.message, p_.settings.badge) : user.error();
  if (!standing) {
    return put_off(row, now + busy_first + jitter(busy_first), standing.error().reason);
  }
  if (const auto* reason = needless(*standing)) {
    const bool any = row.plan.has(Outcome::State::accepted);
    return end(row, any ? PushState::delivered : PushState::silenced, any ? "" : reason);
  }
  const auto muted = p_.world.is_muted(push.user, push.conversation);
  if (!muted) return put_off(row, now + busy_first + jitter(busy_first), muted.error().reason);
  if (*muted) return end(row, PushState::silenced, "push.muted");
  row.standing = std::move(*standing);
  row.handle = (*user)->handle;
  row.mail = address_of(**user);
  for (const auto& device : devices) {
    if (device.user == push.user && device.channel != email && lane(device.channel) != nullptr)
      row.devices.push_back(device);
  }
  try_devices(row);
}

void Worker::try_devices(Row& row) {
  row.tries.reserve(row.devices.size() + 1);
  // What belongs to devices that are gone by now waits for nobody.
  for (auto& outcome : row.plan.outcomes) {
    const auto is_it = [&](const Device& device) { return device.id == outcome.device; };
    if (!outcome.is_open() || outcome.device == 0) continue;
    if (std::any_of(row.devices.begin(), row.devices.end(), is_it)) continue;
    outcome.state = Outcome::State::dead;
    outcome.reason = "push.device_removed";
  }
  for (const auto& device : row.devices) {
    if (row.plan.of(device.id, device.channel).is_open()) try_one(row, *lane(device.channel), device);
  }
  if (row.under_way == 0) conclude(row);
}

bool Worker::try_one(Row& row, Lane& lane, const Device& device) {
  const auto now = p_.clock.now();
  auto& outcome = row.plan.of(device.id, lane.word());
  if (p_.clock.steady() > row.until) {  // this thread stood still: another may have it by now
    row.waits = late;
    return false;
  }
  const auto room = lane.take();
  if (!room.taken) {
    const auto rests = room.rests > 0;
    row.waits = rests ? "push.channel_rests" : "push.busy";
    const auto pause = rests ? room.rests + jitter(room.rests) : busy_first + jitter(busy_spread);
    row.not_before = std::max(row.not_before, now + pause);
    if (outcome.reason.empty()) outcome.reason = row.waits;
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
    if (answer.allowed) {
      rewrite(row.tries.back().notification, std::move(answer.allowed->notification));
      hand_over(row, row.tries.back());
    } else {
      mailbox_->put(std::move(answer));
    }
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

/// By a plugin: it was never handed over.
void Worker::refused(Row& row, Try& one, const Error& error) {
  one.lane->release();
  auto& outcome = row.plan.of(one.notification.device.id, one.lane->word());
  outcome.reason = error.reason;
  if (error.reason.starts_with("interceptor.")) {  // nobody's decision: it threw, or did not answer
    ++outcome.tries;
    row.tried = true;
  } else {
    outcome.state = Outcome::State::silenced;
  }
  end_mail(row, one);
}

/// The turn of the user's mails goes on, if this was one.
void Worker::end_mail(Row& row, const Try& one) {
  if (!row.mailing || one.notification.device.id != 0) return;
  row.mailing = false;
  p_.mails.release(row.push.user);
}

void Worker::judge(Row& row, Try& one, PushVerdict verdict) {
  using Kind = PushVerdict::Kind;
  const auto now = p_.clock.now();
  const auto& device = one.notification.device;
  if (verdict.reason == late) {  // it was never sent
    one.lane->release();
    row.waits = late;
    return end_mail(row, one);
  }
  one.lane->answered(verdict);
  p_.meters.answered(one.lane->word(), verdict.kind, verdict.reason);
  auto& outcome = row.plan.of(device.id, one.lane->word());
  if (verdict.kind != Kind::broken) ++outcome.tries;
  outcome.last = now;
  outcome.reason = verdict.kind == Kind::accepted ? "" : verdict.reason;
  const bool good = verdict.kind == Kind::accepted;
  attempts_.push_back({0, row.handle, row.push.message, one.lane->word(), good ? "success" : "failed", now,
                       good ? "" : verdict.reason});
  const auto news = [&](DeviceNews::Kind kind) {
    if (device.id != 0) news_.push_back({device.id, kind, now, good ? "" : verdict.reason, verdict.since});
  };
  switch (verdict.kind) {
    case Kind::accepted:
      outcome.state = Outcome::State::accepted;
      news(DeviceNews::Kind::success);
      p_.events.succeeded({{}, one.lane->word(), one.notification});
      break;
    case Kind::retry:
      row.tried = true;
      if (verdict.retry_after > 0)
        row.not_before = std::max(row.not_before, now + verdict.retry_after + jitter(verdict.retry_after / 10));
      news(DeviceNews::Kind::failure);
      break;
    case Kind::dead_token:
      outcome.state = Outcome::State::dead;
      news(DeviceNews::Kind::dead);
      if (device.id != 0 && (verdict.since == 0 || device.registered < verdict.since)) p_.world.note_lost(device);
      tell_dead(row, outcome, device);
      break;
    case Kind::refused:
      outcome.state = Outcome::State::refused;
      news(DeviceNews::Kind::failure);
      tell_dead(row, outcome, device);
      break;
    case Kind::broken:  // the operator's to mend, and no attempt of this push's
      row.waits = "push.channel_rests";
      row.not_before = std::max(row.not_before, now + p_.settings.rest + jitter(p_.settings.rest / 2));
      break;
  }
  if (row.mailing && device.id == 0 && good) {
    if (const auto noted = p_.world.note_mail(row.push.user, now); !noted)
      p_.log.warn("the time of a mail could not be stored", {{"reason", noted.error().reason}});
  }
  end_mail(row, one);
}

void Worker::tell_dead(Row& row, const Outcome& outcome, const Device& device) {
  Notification notification;
  notification.message = row.push.message;
  notification.conversation = row.push.conversation;
  notification.user = row.push.user;
  notification.device = device;
  notification.id = notice_id(row.push.message, row.push.user, device);
  notification.expires = row.push.expires;
  p_.events.dead({{}, outcome.channel, std::move(notification), {Code::unavailable, outcome.reason, {}}});
}

/// Nothing of it is under way: is it to be tried later, by mail, or is this its end?
void Worker::conclude(Row& row) {
  const auto now = p_.clock.now();
  const bool tried = std::exchange(row.tried, false);
  if (tried) ++row.push.attempts;
  std::uint32_t tries = 0;
  const Outcome* open = nullptr;
  for (auto& outcome : row.plan.outcomes) {
    if (outcome.is_open() && outcome.tries >= p_.settings.attempts) {
      outcome.state = Outcome::State::spent;
      const auto is_it = [&](const Device& device) { return device.id == outcome.device; };
      const auto device = std::find_if(row.devices.begin(), row.devices.end(), is_it);
      tell_dead(row, outcome, device == row.devices.end() ? Device() : *device);
    }
    if (!outcome.is_open()) continue;
    tries = std::max(tries, outcome.tries);
    if (open == nullptr || open->device == 0) open = &outcome;
  }
  // An address that waits its turn is asked for below.
  if (open != nullptr && (open->device != 0 || row.mailed)) {
    const auto due = std::max(row.not_before, tried ? now + back_off(tries) : now + 1);
    return put_off(row, due, open->reason.empty() ? row.waits : open->reason);
  }
  if (row.plan.has(Outcome::State::accepted)) return end(row, PushState::delivered, "");
  if (try_mail(row)) return;
  if (row.plan.outcomes.empty()) return end(row, PushState::silenced, "push.no_device");
  const auto& last = *std::max_element(row.plan.outcomes.begin(), row.plan.outcomes.end(),
                                       [](const Outcome& a, const Outcome& b) { return a.last < b.last; });
  const bool silenced = std::all_of(row.plan.outcomes.begin(), row.plan.outcomes.end(),
                                    [](const Outcome& outcome) { return outcome.state == Outcome::State::silenced; });
  end(row, silenced ? PushState::silenced : PushState::dead,
      last.state == Outcome::State::spent ? "push.attempts" : last.reason);
}

/// The fallback. True: the row is dealt with.
bool Worker::try_mail(Row& row) {
  auto* const mail = lane(email);
  if (mail == nullptr || row.mail.empty() || !row.plan.of(0, email).is_open()) return false;
  const auto now = p_.clock.now();
  const auto user = row.push.user;
  const auto later = [&](Millis due, const char* reason) {
    row.plan.of(0, email).reason = reason;
    put_off(row, due, reason);
    return true;
  };
  if (!p_.mails.take(user)) return later(now + mail_turn + jitter(mail_turn), "push.mail_turn");
  const auto last = p_.world.mailed(user);
  if (!last || *last >= id::time_of(raw(row.push.message)) || now < *last + p_.settings.email_interval) {
    p_.mails.release(user);
    if (!last) return later(now + mail_turn, last.error().reason.c_str());
    // A mail that went out after the message has told of it: it says how many are unread.
    if (*last >= id::time_of(raw(row.push.message))) return end(row, PushState::silenced, "push.mail_covers"), true;
    return later(*last + p_.settings.email_interval, "push.mail_interval");
  }
  row.mailing = row.mailed = true;
  row.plan.note("falls back", "to mail, since no app channel took it", now);
  Device device;
  device.user = user;
  device.channel = email;
  device.token = row.mail;
  if (try_one(row, *mail, device)) return true;
  row.mailing = false;
  p_.mails.release(user);
  put_off(row, std::max(row.not_before, now + 1), row.waits);
  return true;
}

void Worker::put_off(Row& row, Millis due, std::string reason) {
  auto push = std::move(row.push);
  push.state = PushState::owed;
  push.due = std::min(due, push.expires);
  push.reason = std::move(reason);
  row.plan.note("put off", push.reason, p_.clock.now());
  push.plan = row.plan.encode();
  rows_.erase(row.number);
  settled_.push_back(std::move(push));
}

void Worker::end(Row& row, PushState state, std::string reason) {
  auto push = std::move(row.push);
  push.state = state;
  push.finished = p_.clock.now();
  push.reason = std::move(reason);
  push.plan = row.plan.encode();
  rows_.erase(row.number);
  settled_.push_back(std::move(push));
}

}  // namespace loft::push
