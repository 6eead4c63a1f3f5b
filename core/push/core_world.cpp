#include "push/core_world.hpp"

#include <algorithm>
#include <charconv>
#include <future>

#include <loft/json.hpp>

namespace loft::push {
namespace {

constexpr std::size_t page_of_users = 1'000;
constexpr std::size_t page_of_values = 1'000;
// Keys: `mute.<conversation>.<user>` for the follower, `muted.<user>.<conversation>` for the user's own list.
constexpr std::string_view space = "push";

template <class A>
std::string key(std::string_view word, A of) {
  return std::string(word) + "." + std::to_string(raw(of));
}
template <class A, class B>
std::string key(std::string_view word, A of, B in) {
  return key(word, of) + "." + std::to_string(raw(in));
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// What tells an address from another one of the same user, and does not show it: FNV-1a.
std::string digest(std::string_view address) {
  std::uint64_t sum = 0xCBF29CE484222325ull;
  for (const char c : address) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return std::to_string(sum);
}

std::uint64_t last_number(std::string_view key) {
  return static_cast<std::uint64_t>(number(key.substr(key.rfind('.') + 1)));
}

}  // namespace

CoreWorld::CoreWorld(Core& core, Storage& storage, const Domains& domains, Threads& threads, Erased& erased,
                     const Clock& clock)
    : core_(core),
      storage_(storage),
      domains_(domains),
      threads_(threads),
      erased_(erased),
      clock_(clock),
      values_(core.key_values(std::string(space))) {}

Result<void> CoreWorld::recipients(const Message& message, Function<Result<void>(std::vector<UserId>)> page) {
  if (auto known = Reader::audience(core_, message)) return known->empty() ? Result<void>() : page(std::move(*known));
  const auto stored = storage_.conversation(message.conversation);
  if (!stored) return stored.error();
  if (!*stored) return {};
  const auto& conversation = (*stored)->conversation;
  if (conversation.kind == ConversationKind::broadcast) return readers_of_broadcast(message, page);
  if (conversation.kind == ConversationKind::direct) {
    const auto other = conversation.low == message.sender ? conversation.high : conversation.low;
    return other == message.sender ? Result<void>() : page({other});
  }
  auto members = storage_.members(message.conversation);
  if (!members) return members.error();
  std::vector<UserId> users;
  for (const auto& member : *members) {
    if (member.left || member.user == message.sender || member.joined_seq >= message.seq) continue;
    users.push_back(member.user);
    if (users.size() < page_of_users) continue;
    if (auto taken = page(std::exchange(users, {})); !taken) return taken;
  }
  return users.empty() ? Result<void>() : page(std::move(users));
}

Result<void> CoreWorld::readers_of_broadcast(const Message& message,
                                             Function<Result<void>(std::vector<UserId>)>& page) {
  for (auto after = UserId::none;;) {
    const auto found = storage_.users(after, page_of_users);
    if (!found) return found.error();
    if (found->empty()) return {};
    std::vector<UserId> users;
    for (const auto& user : *found) {
      const bool reads = user.id != message.sender && !is_erased(user) && id::first_at(user.created) < raw(message.id);
      if (reads) users.push_back(user.id);
    }
    after = found->back().id;
    if (users.empty()) continue;
    if (auto taken = page(std::move(users)); !taken) return taken;
  }
}

void CoreWorld::leave_absent(std::vector<UserId>& users) { Reader::leave_absent(core_, users); }

Result<std::vector<UserId>> CoreWorld::muted(ConversationId conversation) {
  std::vector<UserId> users;
  const auto prefix = key("mute", conversation) + ".";
  for (std::string after;;) {
    // The follower is neither control nor the pool, which may ask KeyValues to wait.
    const auto found = storage_.key_values(space, prefix, after, page_of_values);
    if (!found) return found.error();
    for (const auto& row : *found) {
      const auto until = number(row.value);
      if (until == 0 || until > clock_.now()) users.push_back(static_cast<UserId>(last_number(row.key)));
    }
    if (found->size() < page_of_values) break;
    after = found->back().key;
  }
  std::sort(users.begin(), users.end());
  return users;
}

Result<bool> CoreWorld::is_muted(UserId user, ConversationId conversation) {
  const auto value = storage_.key_value(space, key("mute", conversation, user));
  if (!value) return value.error();
  if (!*value) return false;
  const auto until = number(**value);
  return until == 0 || until > clock_.now();
}

Result<Standing> CoreWorld::standing(UserId user, MessageId message, bool count) {
  Caller caller;
  caller.user = user;
  // A view that nobody used for long may go between two looks at it.
  for (int attempt = 0;; ++attempt) {
    auto found = Reader(core_, caller).standing(message, count);
    if (found || found.error().reason != "view.missing" || attempt == 3) return found;
  }
}

Result<std::shared_ptr<const User>> CoreWorld::user(UserId user) {
  auto found = core_.directory().load(user);
  if (found && is_erased(**found)) return unknown_user();
  return found;
}

void CoreWorld::preview(const Message& message, std::string_view locale, std::string& out) const {
  domains_.preview(message.domain, message.content, locale, out);
}

Result<Millis> CoreWorld::mailed(UserId user) {
  const auto value = storage_.key_value(space, key("mail", user));
  if (!value) return value.error();
  return *value ? number(**value) : 0;
}

Result<void> CoreWorld::note_mail(UserId user, Millis at) { return note(user, key("mail", user), std::to_string(at)); }

Result<bool> CoreWorld::is_mail_dead(UserId user, std::string_view address) {
  const auto value = storage_.key_value(space, key("mail_dead", user));
  if (!value) return value.error();
  return *value && **value == digest(address);
}

Result<void> CoreWorld::note_mail_dead(UserId user, std::string_view address) {
  return note(user, key("mail_dead", user), digest(address));
}

/// Waits, as KeyValues may be asked to by threads of the pool only.
Result<void> CoreWorld::note(UserId user, std::string key, std::string value) {
  std::promise<Result<void>> promise;
  auto answer = promise.get_future();
  const bool taken = threads_.run_blocking(
      [this, user, key = std::move(key), value = std::move(value), promise = std::move(promise)]() mutable {
        const Erased::Hold hold(erased_);
        if (hold.has(user)) return promise.set_value(Result<void>());
        promise.set_value(values_->write({{std::move(key), std::move(value), std::nullopt}}));
      });
  if (!taken) return Error{Code::overloaded, "pool.full", "the blocking pool is full"};
  return answer.get();
}

Result<void> CoreWorld::mute(UserId user, ConversationId conversation, std::optional<Millis> until) {
  std::optional<std::string> value;
  if (until) value = std::to_string(*until);
  return values_->write({{key("mute", conversation, user), value, std::nullopt},
                         {key("muted", user, conversation), value, std::nullopt}});
}

Result<void> CoreWorld::set_address(UserId user, const std::string& address) {
  // Held, it stays in the directory's memory, and is found there without a thread of its own.
  const auto known = this->user(user);
  if (!known) return known.error();
  std::string profile;
  json::Writer w(profile);
  w.object();
  if (const auto old = json::parse((*known)->profile)) {
    old->members([&](const json::Value& key, const json::Value& value) {
      if (!key.equals("email")) w.key(key.text().value_or(std::string())).raw(value.raw());
      return true;
    });
  }
  if (!address.empty()) w.key("email").string(address);
  w.end_object();
  Caller caller;
  caller.user = user;
  caller.thread = ~0u;  // answered on the committer's thread
  std::promise<Result<std::shared_ptr<const User>>> promise;
  auto answer = promise.get_future();
  core_.set_profile(caller, std::move(profile),
                    [promise = std::move(promise)](auto made) mutable { promise.set_value(std::move(made)); });
  try {
    if (const auto made = answer.get(); !made) return made.error();
    // Whoever sets an address wants it to be tried, also one that was dead once.
    return values_->write({{key("mail_dead", user), std::nullopt, std::nullopt}});
  } catch (const std::future_error&) {  // a host that stops drops what it does not answer
    return Error{Code::unavailable, "host.stopping", "the host is stopping"};
  }
}

Result<std::vector<std::pair<ConversationId, Millis>>> CoreWorld::mutes_of(UserId user) {
  std::vector<std::pair<ConversationId, Millis>> mutes;
  const auto prefix = key("muted", user) + ".";
  for (std::string after;;) {
    const auto found = values_->read(prefix, after, page_of_values);
    if (!found) return found.error();
    for (const auto& row : *found)
      mutes.emplace_back(static_cast<ConversationId>(last_number(row.key)), number(row.value));
    if (found->size() < page_of_values) return mutes;
    after = found->back().key;
  }
}

Result<std::uint64_t> CoreWorld::forget(UserId user, bool dry_run) {
  const auto mutes = mutes_of(user);
  if (!mutes) return mutes.error();
  const auto mail = mailed(user);
  if (!mail) return mail.error();
  const auto dead = storage_.key_value(space, key("mail_dead", user));
  if (!dead) return dead.error();
  const auto rows = mutes->size() + (*mail != 0 ? 1 : 0) + (*dead ? 1 : 0);
  if (dry_run || rows == 0) return rows;
  std::vector<KeyChange> changes = {{key("mail", user), std::nullopt, std::nullopt},
                                    {key("mail_dead", user), std::nullopt, std::nullopt}};
  for (const auto& [conversation, until] : *mutes) {
    changes.push_back({key("mute", conversation, user), std::nullopt, std::nullopt});
    changes.push_back({key("muted", user, conversation), std::nullopt, std::nullopt});
  }
  if (auto written = values_->write(std::move(changes)); !written) return written.error();
  return rows;
}

}  // namespace loft::push
