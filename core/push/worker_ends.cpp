// Nothing of a push is under way: its next time, its mail, or its end.
#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr Millis mail_turn = 2'000;  // another mail to the same user is under way

/// How it ended where nobody took it: what providers said goes before what kept us from asking them.
std::pair<PushState, std::string> last_word(const Plan& plan) {
  using State = Outcome::State;
  const Outcome* said = nullptr;
  const Outcome* kept = nullptr;
  const auto rank = [](const Outcome& each) {
    return each.state == State::silenced ? (each.reason == channel_off ? 1 : 3) : each.reason == device_removed ? 2 : 0;
  };
  for (const auto& each : plan.outcomes) {
    if (rank(each) == 0 && each.state != State::rerouted) {
      if (said == nullptr || each.last >= said->last) said = &each;
    } else if (kept == nullptr || rank(each) > rank(*kept)) {
      kept = &each;
    }
  }
  if (said != nullptr) return {PushState::dead, said->state == State::spent ? "push.attempts" : said->reason};
  return {PushState::silenced, kept != nullptr ? kept->reason : "push.no_device"};
}

/// A plugin wants the mail beside what the other devices get.
bool is_rerouted_to_mail(const Plan& plan) {
  return std::any_of(plan.outcomes.begin(), plan.outcomes.end(), [](const Outcome& each) {
    return each.state == Outcome::State::rerouted && each.reason == email;
  });
}

}  // namespace

void Worker::conclude(Row& row) {
  if (std::exchange(row.charged, false)) ++row.push.attempts;
  spend(row);
  const auto* mail = row.plan.find(0, email);
  if (mail != nullptr && mail->state == Outcome::State::accepted && !is_rerouted_to_mail(row.plan)) cover(row);
  const bool taken = row.plan.has(Outcome::State::accepted);
  const bool mails = row.looked && ((row.plan.next() == nullptr && !taken) || wants_mail(row));
  if (mails && try_mail(row)) return;
  const auto* next = row.plan.next();
  mail = mails ? row.plan.find(0, email) : nullptr;
  if (mail != nullptr && mail->is_open() && (next == nullptr || mail->due < next->due)) next = mail;
  if (next != nullptr)
    return put_off(row, std::max(next->due, p_.clock.now() + 1), next->reason.empty() ? row.waits : next->reason);
  if (taken) {
    cover(row);
    return end(row, PushState::delivered, "");
  }
  auto [state, reason] = last_word(row.plan);
  end(row, state, std::move(reason));
}

/// The user was told in another way.
void Worker::cover(Row& row) {
  for (auto& outcome : row.plan.outcomes) {
    if (outcome.is_open()) outcome.state = Outcome::State::covered;
  }
}

void Worker::spend(Row& row) {
  for (auto& outcome : row.plan.outcomes) {
    if (!outcome.is_open() || outcome.tries < p_.settings.attempts) continue;
    outcome.state = Outcome::State::spent;
    const auto is_it = [&](const Device& device) { return device.id == outcome.device; };
    const auto device = std::find_if(row.devices.begin(), row.devices.end(), is_it);
    tell_dead(row, outcome, device == row.devices.end() ? Device() : *device);
  }
}

/// Whether a mail is to go out though devices may take it yet: a plugin said so, or all their channels have failed for
/// long.
bool Worker::wants_mail(const Row& row) const {
  const auto* mail = row.plan.find(0, email);
  if (lane(email) == nullptr || (mail != nullptr && !mail->is_open())) return false;
  if (is_rerouted_to_mail(row.plan)) return true;
  bool fails = false;
  for (const auto& each : row.plan.outcomes) {
    if (each.state == Outcome::State::accepted) return false;
    if (!each.is_open() || each.device == 0) continue;
    const auto* at = lane(each.channel);
    const auto time = at == nullptr ? 0 : at->failing();
    if (time == 0 || time < p_.settings.email_after) return false;
    fails = true;
  }
  return fails;
}

/// The fallback. True: the row is dealt with; false: the mail waits, and its outcome is open, or there is none.
bool Worker::try_mail(Row& row) {
  using State = Outcome::State;
  auto* const mail = lane(email);
  if (mail == nullptr || row.mail.empty()) {
    if (row.plan.find(0, email) == nullptr) return false;
    auto& outcome = row.plan.of(0, email);
    if (outcome.is_open()) outcome.state = State::silenced, outcome.reason = "push.no_device";
    return false;
  }
  const auto now = p_.clock.now();
  const auto user = row.push.user;
  auto& outcome = row.plan.of(0, email);
  if (!outcome.is_open() || outcome.due > now) return false;
  const auto wait = [&](Millis due, std::string reason) {
    outcome.due = due;
    outcome.reason = std::move(reason);
    return false;
  };
  const auto dead = p_.world.is_mail_dead(user, row.mail);
  if (!dead) return wait(now + mail_turn, dead.error().reason);
  if (*dead) {
    outcome.state = State::silenced;
    outcome.reason = "push.mail_dead";
    return false;
  }
  if (!p_.shared.mails.take(user)) return wait(now + mail_turn + jitter(mail_turn), "push.mail_turn");
  const auto last = p_.world.mailed(user);
  if (!last || *last >= id::time_of(raw(row.push.message)) || now < *last + p_.settings.email_interval) {
    p_.shared.mails.release(user);
    if (!last) return wait(now + mail_turn, last.error().reason);
    // A mail that went out after the message has told of it: it says how many are unread.
    if (*last >= id::time_of(raw(row.push.message))) return stop(row, "push.mail_covers"), true;
    return wait(*last + p_.settings.email_interval, "push.mail_interval");
  }
  row.mailing = true;
  row.mailing_since = now;
  row.plan.note("falls back", "to mail", now);
  Device device;
  device.user = user;
  device.channel = email;
  device.token = row.mail;
  if (try_one(row, *mail, device)) return true;
  row.mailing = false;
  p_.shared.mails.release(user);
  return false;
}

/// Nobody needs it any more, or nobody should be told again.
void Worker::stop(Row& row, const char* reason) {
  for (auto& outcome : row.plan.outcomes) {
    if (!outcome.is_open()) continue;
    outcome.state = Outcome::State::silenced;
    outcome.reason = reason;
  }
  const bool taken = row.plan.has(Outcome::State::accepted);
  end(row, taken ? PushState::delivered : PushState::silenced, taken ? "" : reason);
}

void Worker::put_off(Row& row, Millis due, std::string reason) {
  auto push = std::move(row.push);
  push.state = PushState::owed;
  push.due = std::min(due, push.expires);
  push.reason = std::move(reason);
  row.plan.note("put off", push.reason, p_.clock.now());
  store_later(row, std::move(push));
}

void Worker::end(Row& row, PushState state, std::string reason) {
  auto push = std::move(row.push);
  push.state = state;
  push.finished = p_.clock.now();
  push.reason = std::move(reason);
  store_later(row, std::move(push));
}

void Worker::store_later(Row& row, OwedPush&& push) {
  push.plan = row.plan.encode();
  p_.shared.hands.know(push, holder_);
  rows_.erase(row.number);
  settled_.push_back(std::move(push));
}

}  // namespace loft::push
