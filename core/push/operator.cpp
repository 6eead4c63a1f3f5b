#include "push/operator.hpp"

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/mail_address.hpp>

#include "push/operator_words.hpp"
#include "push/plan.hpp"

namespace loft::push {
namespace {

constexpr std::size_t most_listed = 500;

}  // namespace

Error bad_arguments(std::string detail) { return {Code::invalid, "control.arguments", std::move(detail)}; }

void write_plan(json::Writer& w, const Plan& plan) {
  w.array();
  for (const auto& each : plan.outcomes) {
    w.object().key("device").number(each.device).key("channel").string(each.channel);
    w.key("state").string(name(each.state)).key("tries").number(each.tries);
    w.key("last").number(each.last).key("reason").string(each.reason).end_object();
  }
  w.end_array();
}

void write_push(json::Writer& w, const OwedPush& push, std::string_view handle) {
  w.object().key("message").number(raw(push.message)).key("user").string(handle);
  w.key("uid").number(raw(push.user)).key("conversation").number(raw(push.conversation));
  w.key("state").string(name(push.state)).key("reason").string(push.reason);
  w.key("attempts").number(push.attempts).key("created").number(push.created).key("due").number(push.due);
  w.key("expires").number(push.expires).key("finished").number(push.finished).key("plan");
  write_plan(w, Plan::decode(push.plan));
  w.end_object();
}

void write_device(json::Writer& w, const Device& device, std::string_view handle) {
  w.object().key("id").number(device.id).key("user").string(handle).key("uid").number(raw(device.user));
  w.key("channel").string(device.channel).key("token").string(shortened(device.token));
  w.key("platform").string(device.platform).key("device_id").string(device.client).key("app").string(device.app);
  w.key("locale").string(device.locale).key("registered").number(device.registered);
  w.key("last_success").number(device.last_success).key("failed").number(device.failed);
  w.key("failure").string(device.failure).end_object();
}

std::vector<std::pair<std::string, CommandHandler>> Operator::commands() {
  std::vector<std::pair<std::string, CommandHandler>> all;
  const auto add = [&](const char* word, Result<std::string> (Operator::*act)(const json::Value&)) {
    all.emplace_back(std::string("push.") + word, [this, act](std::string_view text) -> Result<std::string> {
      const auto arguments = json::parse(text);
      if (!arguments || !arguments->is(json::Type::object)) return bad_arguments("the arguments are not a JSON object");
      if (p_.ledger == nullptr) return no_ledger();
      return (this->*act)(*arguments);
    });
  };
  all.emplace_back("push.status", [this](std::string_view) { return status(); });
  all.emplace_back("push.email", [this](std::string_view text) -> Result<std::string> {
    const auto arguments = json::parse(text);
    if (!arguments || !arguments->is(json::Type::object)) return bad_arguments("the arguments are not a JSON object");
    return email(*arguments);
  });
  add("list", &Operator::list);
  add("why", &Operator::why);
  add("replay", &Operator::replay);
  add("dry-run", &Operator::dry_run);
  add("device", &Operator::device);
  add("mute", &Operator::mute);
  return all;
}

Result<UserId> Operator::user_of(const json::Value& value, std::string* handle) {
  const auto text = value.text();
  if (!text) return bad_arguments("`user` is missing");
  auto found = p_.storage.user_by_handle(*text);
  if (!found) return found.error();
  if (!*found) return Error{Code::not_found, "user.unknown", "there is no user " + *text};
  if (handle != nullptr) *handle = (*found)->handle;
  return (*found)->id;
}

Result<Operator::Named> Operator::named(const json::Value& arguments) {
  const auto [user, message] = pick<2>(arguments, {"user", "message"});
  if (message.integer().value_or(0) <= 0) return bad_arguments("`message` must be a message's number");
  Named out;
  out.message = static_cast<MessageId>(*message.integer());
  const auto id = user_of(user, &out.handle);
  if (!id) return id.error();
  out.user = *id;
  return out;
}

std::string Operator::handle_of(UserId user) {
  const auto found = p_.storage.user_by_id(user);
  return found && *found ? (*found)->handle : std::to_string(raw(user));
}

Result<std::string> Operator::status() {
  std::string out;
  json::Writer w(out);
  const auto now = p_.clock.now();
  w.object().key("enabled").boolean(p_.settings.enabled).key("ledger").boolean(p_.ledger != nullptr);
  w.key("channels").array();
  for (const auto& lane : p_.lanes) {
    const auto state = lane->state();
    w.object().key("channel").string(lane->word()).key("plugin").string(lane->plugin());
    w.key("state").string(state.reason.empty() ? "ok" : state.broken ? "refused" : "rests");
    w.key("reason").string(state.reason).key("rests_ms").number(state.rests);
    w.key("in_flight").number(state.in_flight).key("window").number(state.window).end_object();
  }
  w.end_array();
  if (p_.ledger != nullptr) {
    const auto counts = p_.ledger->push_counts(most_counted);
    if (!counts) return counts.error();
    w.key("pushes").object();
    w.key(name(PushState::owed)).number(counts->owed);
    w.key(name(PushState::dead)).number(counts->dead).end_object();
    const auto next = p_.ledger->next_due();
    if (!next) return next.error();
    w.key("next_due_ms");
    *next ? w.number(std::max<Millis>(**next - now, 0)) : w.null();
  }
  const auto newest = p_.storage.last_position();
  if (!newest) return newest.error();
  const auto looked_at = this->looked_at(*newest);
  if (!looked_at) return looked_at.error();
  w.key("looked_at").number(*looked_at).key("newest").number(*newest);
  w.end_object();
  return out;
}

/// The follower's position stays at the last entry that there was something to look at; behind it may be positions that
/// are none of a message's or its change's, such as members. Those are looked at with it.
Result<Position> Operator::looked_at(Position newest) {
  const auto at = p_.storage.follower("push");
  if (!at) return at.error();
  if (!*at || **at >= newest) return *at ? **at : 0;
  const auto behind = p_.storage.since(**at, 1);
  if (!behind) return behind.error();
  return behind->messages.empty() && behind->changes.empty() ? newest : **at;
}

Result<std::string> Operator::list(const json::Value& arguments) {
  const auto [state, user, limit, after] = pick<4>(arguments, {"state", "user", "limit", "after"});
  std::optional<PushState> wanted;
  if (const auto word = state.text()) {
    for (const auto each : {PushState::owed, PushState::delivered, PushState::silenced, PushState::dead}) {
      if (name(each) == *word) wanted = each;
    }
    if (!wanted) return bad_arguments("`state` is one of owed, delivered, silenced, dead");
  }
  const auto asked = std::clamp<std::int64_t>(limit.integer().value_or(50), 1, most_listed);
  const auto most = static_cast<std::size_t>(asked);
  PushKey from;
  if (after.is(json::Type::object)) {
    const auto [message, uid] = pick<2>(after, {"message", "uid"});
    from = {static_cast<MessageId>(message.integer().value_or(0)), static_cast<UserId>(uid.integer().value_or(0))};
  }
  std::vector<OwedPush> found;
  bool more = false;
  if (!user.text()) {
    auto page = p_.ledger->pushes(wanted, from, most + 1);
    if (!page) return page.error();
    found = std::move(*page);
  } else {
    const auto id = user_of(user);
    if (!id) return id.error();
    for (auto at = from.message; found.size() <= most;) {
      auto page = p_.ledger->pushes_of(*id, at, most_listed);
      if (!page) return page.error();
      if (page->empty()) break;
      at = page->back().message;
      for (auto& each : *page) {
        if (!wanted || each.state == *wanted) found.push_back(std::move(each));
      }
    }
  }
  if (found.size() > most) {
    more = true;
    found.resize(most);
  }
  std::string out;
  json::Writer w(out);
  w.object().key("pushes").array();
  for (const auto& push : found) write_push(w, push, handle_of(push.user));
  w.end_array().key("more").boolean(more).end_object();
  return out;
}

Result<std::string> Operator::replay(const json::Value& arguments) {
  const auto [all, reason, after, by] = pick<4>(arguments, {"all", "reason", "after", "by"});
  const auto asker = own_text(by);
  const bool printable =
      std::none_of(asker.begin(), asker.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (asker.size() > 64 || !printable) return bad_arguments("`by` has at most 64 bytes, without control characters");
  const auto now = p_.clock.now();
  const auto revive = [&](const OwedPush& push) {
    Plan plan;
    plan.history = Plan::decode(push.plan).history;
    plan.note("replayed", asker.empty() ? "" : "by " + asker, now);
    return p_.ledger->revive({push.message, push.user}, now, now + p_.settings.ttl, plan.encode());
  };
  std::uint64_t replayed = 0;
  bool more = false;
  PushKey at;
  if (all.boolean() == true) {
    if (after.is(json::Type::object)) {
      const auto [message, uid] = pick<2>(after, {"message", "uid"});
      at = {static_cast<MessageId>(message.integer().value_or(0)), static_cast<UserId>(uid.integer().value_or(0))};
    }
    const auto page = p_.ledger->pushes(PushState::dead, at, most_listed);
    if (!page) return page.error();
    more = page->size() == most_listed;
    for (const auto& push : *page) {
      at = {push.message, push.user};
      if (reason.text() && push.reason != *reason.text()) continue;
      const auto done = revive(push);
      if (!done) return done.error();
      replayed += *done ? 1 : 0;
    }
  } else {
    const auto which = named(arguments);
    if (!which) return which.error();
    at = {which->message, which->user};
    const auto known = p_.ledger->push(at);
    if (!known) return known.error();
    if (!*known) return Error{Code::not_found, "push.unknown", "nothing was owed to this user for this message"};
    const auto done = revive(**known);
    if (!done) return done.error();
    if (!*done) {
      return Error{Code::conflict, "push.not_dead",
                   "it is " + std::string(name((*known)->state)) + "; only what is dead or silenced can be replayed"};
    }
    replayed = 1;
  }
  if (replayed > 0) p_.poke();
  std::string out;
  json::Writer w(out);
  w.object().key("replayed").number(replayed).key("more").boolean(more);
  w.key("after").object().key("message").number(raw(at.message)).key("uid").number(raw(at.user)).end_object();
  w.end_object();
  return out;
}

Result<std::string> Operator::device(const json::Value& arguments) {
  const auto [act, user, id] = pick<3>(arguments, {"act", "user", "id"});
  const auto word = own_text(act);
  std::string out;
  json::Writer w(out);
  if (word == "list" && !user.text()) {
    const auto [after] = pick<1>(arguments, {"after"});
    const auto from = static_cast<std::uint64_t>(after.integer().value_or(0));
    const auto found = p_.ledger->devices(from, most_listed);
    if (!found) return found.error();
    w.object().key("devices").array();
    for (const auto& device : *found) write_device(w, device, handle_of(device.user));
    w.end_array().key("more").boolean(found->size() == most_listed).end_object();
    return out;
  }
  std::string handle;
  const auto who = user_of(user, &handle);
  if (!who) return who.error();
  const auto all = p_.ledger->devices(*who);
  if (!all) return all.error();
  if (word == "list") {
    w.object().key("devices").array();
    for (const auto& device : *all) write_device(w, device, handle);
    w.end_array().key("more").boolean(false).end_object();
    return out;
  }
  if (word == "remove") {
    for (const auto& device : *all) {
      if (id.integer() != static_cast<std::int64_t>(device.id)) continue;
      const auto removed = p_.ledger->remove_device(*who, device.channel, device.token);
      if (!removed) return removed.error();
      w.object().key("removed").number(device.id).end_object();
      return out;
    }
    return Error{Code::not_found, "device.unknown",
                 "this user has no device of that number; see `loft push device list`"};
  }
  if (word != "add") return bad_arguments("`act` is one of add, list, remove");
  const auto [channel, token, platform, app, locale, client] =
      pick<6>(arguments, {"channel", "token", "platform", "app", "locale", "client"});
  Device device;
  device.user = *who;
  device.channel = own_text(channel);
  device.token = own_text(token);
  device.platform = own_text(platform);
  device.app = own_text(app);
  device.locale = own_text(locale);
  device.client = own_text(client);
  const auto added = p_.devices.add(device);
  if (!added) return added.error();
  w.object().key("id").number(*added).end_object();
  return out;
}

Result<std::string> Operator::email(const json::Value& arguments) {
  const auto [user, address] = pick<2>(arguments, {"user", "address"});
  const auto who = user_of(user);
  if (!who) return who.error();
  if (const auto wanted = address.text()) {
    if (!wanted->empty() && !is_mail_address(*wanted))
      return bad_arguments("`address` must be one of the form name@example.org");
    if (auto done = p_.world.set_address(*who, *wanted); !done) return done.error();
  }
  const auto known = p_.world.user(*who);
  if (!known) return known.error();
  const auto profile = json::parse((*known)->profile);
  const auto stored = profile ? profile->find("email") : std::nullopt;
  std::string out;
  json::Writer w(out);
  w.object().key("user").string((*known)->handle);
  w.key("address").string(stored ? stored->text().value_or("") : "").end_object();
  return out;
}

Result<std::string> Operator::mute(const json::Value& arguments) {
  const auto [user, conversation, until, off] = pick<4>(arguments, {"user", "conversation", "until", "off"});
  const auto who = user_of(user);
  if (!who) return who.error();
  if (conversation.integer()) {
    const auto in = static_cast<ConversationId>(*conversation.integer());
    const auto known = p_.storage.conversation(in);
    if (!known) return known.error();
    if (!*known) return Error{Code::not_found, "conversation.unknown", "there is no conversation of that number"};
    const auto time = off.boolean() == true ? std::nullopt : std::optional<Millis>(until.integer().value_or(0));
    if (auto done = p_.world.mute(*who, in, time); !done) return done.error();
  }
  const auto mutes = p_.world.mutes_of(*who);
  if (!mutes) return mutes.error();
  std::string out;
  json::Writer w(out);
  w.object().key("muted").array();
  for (const auto& [in, time] : *mutes)
    w.object().key("conversation").number(raw(in)).key("until").number(time).end_object();
  w.end_array().end_object();
  return out;
}

}  // namespace loft::push
