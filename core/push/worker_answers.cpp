// What plugins and providers said of a push in a worker's hands.
#include "push/worker_parts.hpp"

namespace loft::push {
namespace {

constexpr std::size_t most_wrong_ways = 100;

/// What interceptors may change; the rest is not theirs.
void rewrite(Notification& notification, Notification&& wanted) {
  notification.title = std::move(wanted.title);
  notification.body = std::move(wanted.body);
  notification.badge = wanted.badge;
  notification.expires = wanted.expires;
}

}  // namespace

void Worker::take(Answer& answer) {
  const auto found = rows_.find(answer.row);
  if (found == rows_.end()) return;
  auto& row = *found->second;
  auto& one = row.tries[answer.index];
  if (answer.refused) {
    refused(row, one, *answer.refused);
  } else if (answer.allowed) {
    if (!reroute(row, one, answer.allowed->channel)) {
      rewrite(one.notification, std::move(answer.allowed->notification));
      return hand_over(row, one);
    }
  } else {
    judge(row, one, std::move(answer.verdict));
  }
  if (--row.under_way == 0) conclude(row);
}

/// A plugin named another channel. Whether it goes there; else it goes its own way.
bool Worker::reroute(Row& row, Try& one, const std::string& word) {
  const auto& from = one.lane->word();
  if (word == from) return false;
  const auto takes = [](const Outcome& each) { return each.is_open() || each.state == Outcome::State::accepted; };
  if (lane(word) == nullptr) {
    if (wrong_ways_.size() < most_wrong_ways && wrong_ways_.insert(word).second)
      p_.log.warn("a plugin rerouted a push to what is no enabled channel; such pushes go their own way",
                  {{"channel", from}, {"rerouted_to", word}});
    return false;
  }
  bool possible = false;
  if (word == email) {
    possible = !row.mail.empty() && takes(row.plan.of(0, email));
  } else {
    for (const auto& device : row.devices)
      possible = possible || (device.channel == word && takes(row.plan.of(device.id, word)));
  }
  if (!possible) {
    p_.log.debug("a plugin rerouted a push to where its user has nothing; it goes its own way",
                 {{"channel", from}, {"rerouted_to", word}, {"user", raw(row.push.user)}});
    return false;
  }
  one.lane->release();
  auto& outcome = row.plan.of(one.notification.device.id, from);
  outcome.state = Outcome::State::rerouted;
  outcome.reason = word;
  end_mail(row, one);
  return true;
}

/// By a plugin: it was never handed over.
void Worker::refused(Row& row, Try& one, const Error& error) {
  one.lane->release();
  auto& outcome = row.plan.of(one.notification.device.id, one.lane->word());
  outcome.reason = error.reason;
  if (error.reason.starts_with("interceptor.")) {  // nobody's decision: it threw, or did not answer
    outcome.due = p_.clock.now() + back_off(++outcome.tries + outcome.excused);
    row.charged = true;
  } else {
    outcome.state = Outcome::State::silenced;
  }
  end_mail(row, one);
}

/// The turn of the user's mails goes on, if this was one.
void Worker::end_mail(Row& row, const Try& one) {
  if (!row.mailing || one.notification.device.id != 0) return;
  row.mailing = false;
  p_.shared.mails.release(row.push.user);
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
  // A mail has no device, but an address, which is the user's.
  answered_.push_back(one.lane);
  const bool own = one.lane->answered(verdict, device.id != 0 ? device.id : raw(row.push.user));
  p_.meters.answered(one.lane->word(), verdict.kind, verdict.reason);
  auto& outcome = row.plan.of(device.id, one.lane->word());
  if (verdict.kind != Kind::broken) ++(own ? outcome.tries : outcome.excused);
  const bool good = verdict.kind == Kind::accepted;
  outcome.last = now;
  outcome.reason = good ? "" : verdict.reason;
  attempts_.push_back({{0, row.handle, row.push.message, one.lane->word(), good ? "success" : "failed", now,
                        good ? "" : verdict.reason},
                       row.push.user});
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
      row.charged = row.charged || own;
      outcome.due = now + std::max(back_off(outcome.tries + outcome.excused),
                                   verdict.retry_after + jitter(verdict.retry_after / 10));
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
      outcome.due = now + p_.settings.rest + jitter(p_.settings.rest / 2);
      break;
  }
  if (device.id == 0) judge_mail(row, outcome);
  end_mail(row, one);
}

void Worker::judge_mail(Row& row, const Outcome& outcome) {
  Result<void> noted;
  // What came while it was under way is not in it.
  if (outcome.state == Outcome::State::accepted) noted = p_.world.note_mail(row.push.user, row.mailing_since);
  if (outcome.state == Outcome::State::dead) {
    noted = p_.world.note_mail_dead(row.push.user, row.mail);
    p_.log.info("a mail server does not know a user's address; it is not used again until it is another one",
                {{"user", raw(row.push.user)}, {"reason", outcome.reason}});
  }
  if (!noted) p_.log.warn("what became of a mail could not be stored", {{"reason", noted.error().reason}});
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

}  // namespace loft::push
