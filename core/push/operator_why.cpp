// `push.why` and `push.dry-run`: the story of one push, and what it would be now.
#include <algorithm>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

#include "push/operator.hpp"
#include "push/operator_words.hpp"
#include "push/plan.hpp"

namespace loft::push {
namespace {

/// The answers of providers that are told; of more, the first ones.
constexpr std::size_t most_told = 500;

struct Event {
  Millis at = 0;
  std::string what;
  std::string detail;
};

/// What a reason of ours means to somebody who has not read the manual.
std::string explained(std::string_view reason) {
  constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"push.online", "the user had a live session"},
      {"push.muted", "the user has muted the conversation"},
      {"push.channel_off", "the channel of the user's devices is not enabled"},
      {"push.mail_dead", "the mail server does not know the user's address"},
      {"push.no_device", "the user has no device, and no mail address that is used"},
      {"push.read", "the user has read it"},
      {"push.seen", "it has reached one of the user's sessions"},
      {"push.hidden", "the user has deleted it"},
      {"push.recalled", "it was recalled"},
      {"push.gone", "the message is gone, or the user may not see it any more"},
      {"push.user_gone", "the user is erased"},
      {"push.expired", "it was not delivered before its time (push.ttl) was over"},
      {"push.attempts", "it was tried as often as push.attempts allows"},
      {"push.busy", "as much as the channel takes at once was under way"},
      {"push.channel_rests", "the channel rests; see `loft push status`"},
      {"push.mail_interval", "the user got a mail a short while ago"},
      {"push.mail_turn", "another mail to the user was under way"},
      {"push.mail_covers", "a mail that was sent later told of it"},
      {"push.device_removed", "the device was removed"},
      {"push.late", "the host stood still for longer than its lease"},
  };
  for (const auto& [word, meaning] : words) {
    if (word == reason) return std::string(reason) + ": " + std::string(meaning);
  }
  return std::string(reason);
}

void tell_row(const OwedPush& row, std::vector<Event>& story) {
  story.push_back({row.created, "owed", "due at once or after push.delay"});
  const auto plan = Plan::decode(row.plan);
  for (const auto& each : plan.history) {
    story.push_back({each.first, each.what, explained(each.detail)});
    if (each.times == 2) story.push_back({each.last, each.what, explained(each.detail) + ", again"});
    if (each.times > 2) {
      story.push_back(
          {each.last, each.what, explained(each.detail) + ", for the " + std::to_string(each.times) + "th time"});
    }
  }
  for (const auto& outcome : plan.outcomes) {
    const auto who =
        outcome.device == 0 ? std::string("mail") : outcome.channel + " device " + std::to_string(outcome.device);
    // What providers said is in push_log.
    using State = Outcome::State;
    const auto state = outcome.state;
    const auto at = row.finished != 0 ? row.finished : row.due;
    if (state == State::silenced || (state == State::dead && outcome.reason == "push.device_removed"))
      story.push_back({at, "silenced", who + ": " + explained(outcome.reason)});
    if (state == State::rerouted) story.push_back({at, "rerouted", who + ": to " + outcome.reason + ", by a plugin"});
    if (state == State::covered) story.push_back({at, "covered", who + ": the user was told in another way"});
  }
  if (row.state == PushState::owed) {
    story.push_back({row.due, "due", row.reason.empty() ? "to be sent" : explained(row.reason)});
    story.push_back({row.expires, "expires", "if nothing came of it by then"});
  } else {
    story.push_back({row.finished, std::string(name(row.state)), explained(row.reason)});
  }
}

}  // namespace

Result<std::string> Operator::why(const json::Value& arguments) {
  const auto which = named(arguments);
  if (!which) return which.error();
  const PushKey key{which->message, which->user};
  const MessageId ids[] = {key.message};
  const auto messages = p_.storage.messages(ids);
  if (!messages) return messages.error();
  const auto row = p_.ledger->push(key);
  if (!row) return row.error();
  const auto attempts = p_.ledger->attempts_of(key.message, which->handle, 0, most_told + 1);
  if (!attempts) return attempts.error();
  if (messages->empty() && !*row && attempts->empty())
    return Error{Code::not_found, "message.unknown", "there is no such message, and nothing is known of its pushes"};

  std::vector<Event> story;
  std::string state = "none", reason;
  if (!messages->empty()) {
    const auto& message = messages->front();
    story.push_back(
        {message.time(), "stored",
         "from " + handle_of(message.sender) + " in conversation " + std::to_string(raw(message.conversation))});
    if (message.recalled != 0) story.push_back({id::time_of(message.recalled), "recalled", {}});
  }
  for (const auto& attempt : std::span(*attempts).first(std::min(attempts->size(), most_told))) {
    story.push_back({attempt.time, attempt.status == "success" ? "taken" : "not taken",
                     "by " + attempt.type + (attempt.error.empty() ? "" : ": " + explained(attempt.error))});
  }
  if (*row) {
    state = name((*row)->state);
    reason = (*row)->reason;
    tell_row(**row, story);
  } else if (!messages->empty()) {
    const auto found = unowed(*which, messages->front());
    if (!found) return found.error();
    reason = found->second;
    story.push_back({found->first, "not owed", explained(reason)});
  }
  std::stable_sort(story.begin(), story.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  std::string out;
  json::Writer w(out);
  w.object().key("message").number(raw(key.message)).key("user").string(which->handle);
  w.key("state").string(state).key("reason").string(reason).key("story").array();
  for (const auto& event : story)
    w.object()
        .key("time")
        .number(event.at)
        .key("what")
        .string(event.what)
        .key("detail")
        .string(event.detail)
        .end_object();
  w.end_array().key("more").boolean(attempts->size() > most_told);
  if (*row) {
    w.key("push");
    write_push(w, **row, which->handle);
  }
  w.end_object();
  return out;
}

/// When and why nothing was owed, as far as that is known still.
Result<std::pair<Millis, std::string>> Operator::unowed(const Named& which, const Message& message) {
  const auto now = p_.clock.now();
  const auto say = [&](Millis at, std::string reason) { return std::pair(at, std::move(reason)); };
  if (message.sender == which.user) return say(message.time(), "the message is the user's own");
  if (const auto decision = p_.trace.find({which.message, which.user})) return say(decision->at, decision->reason);
  if (!p_.settings.enabled) return say(now, "push.enabled is off in the configuration");
  const auto at = p_.storage.follower("push");
  if (!at) return at.error();
  if (!*at || **at < raw(message.id)) return say(now, "push has not come to this message yet");
  auto standing = p_.world.standing(which.user, which.message, false);
  if (!standing) return standing.error();
  if (standing->record.message == nullptr) return say(now, "the user may not see this message");
  if (message.time() + p_.settings.keep < now) return say(now, "what was owed so long ago is forgotten (push.keep)");
  const auto muted = p_.world.is_muted(which.user, message.conversation);
  if (!muted) return muted.error();
  if (*muted) return say(now, "push.muted");
  if (standing->record.receipt != Receipt::sent) return say(now, "push.seen");
  const auto devices = p_.ledger->devices(which.user);
  if (!devices) return devices.error();
  if (devices->empty() && !p_.settings.email) return say(now, "push.no_device");
  return say(now,
             "the user had a live session or no device then, or push was off; the host was started again since, and "
             "does not remember which");
}

Result<std::string> Operator::dry_run(const json::Value& arguments) {
  const auto which = named(arguments);
  if (!which) return which.error();
  auto standing = p_.world.standing(which->user, which->message, p_.settings.badge);
  if (!standing) return standing.error();
  const auto& record = standing->record;
  std::string against;
  if (!p_.settings.enabled) against = "push.enabled is off in the configuration";
  if (against.empty() && record.message == nullptr) against = explained("push.gone");
  if (against.empty() && record.message->sender == which->user) against = "the message is the user's own";
  if (against.empty() && record.is_recalled()) against = explained("push.recalled");
  if (against.empty() && record.hidden) against = explained("push.hidden");
  if (against.empty() && record.receipt == Receipt::read) against = explained("push.read");
  if (against.empty() && record.receipt == Receipt::delivered) against = explained("push.seen");
  if (against.empty() && standing->online) against = explained("push.online");
  if (against.empty()) {
    const auto muted = p_.world.is_muted(which->user, record.message->conversation);
    if (!muted) return muted.error();
    if (*muted) against = explained("push.muted");
  }
  const auto devices = p_.ledger->devices(which->user);
  if (!devices) return devices.error();
  std::string out;
  json::Writer w(out);
  w.object().key("message").number(raw(which->message)).key("user").string(which->handle);
  w.key("would_send").boolean(against.empty() && !devices->empty());
  w.key("reason").string(against.empty() && devices->empty() ? explained("push.no_device") : against);
  w.key("notifications").array();
  for (const auto& device : *devices) {
    if (record.message == nullptr) break;
    const auto is_it = [&](const auto& lane) { return lane->word() == device.channel; };
    const bool served = std::any_of(p_.lanes.begin(), p_.lanes.end(), is_it);
    const auto one = notice(p_.settings, p_.world, *standing, device, which->user, p_.clock.now() + p_.settings.ttl);
    w.object().key("device").number(device.id).key("channel").string(device.channel);
    w.key("token").string(shortened(device.token)).key("channel_enabled").boolean(served);
    w.key("id").string(one.id).key("title").string(one.title).key("body").string(one.body);
    w.key("badge").number(one.badge).key("collapse_key").string(one.collapse_key).end_object();
  }
  w.end_array().end_object();
  return out;
}

}  // namespace loft::push
