// Bringing users' views, conversations and messages into memory. Everything here waits for the storage.
#include <algorithm>
#include <charconv>

#include <boost/unordered/unordered_flat_set.hpp>

#include "messaging/core.hpp"
#include "messaging/notice_names.hpp"

namespace loft {
namespace {

const Error unknown_conversation{Code::not_found, "conversation.unknown", "no such conversation"};

// A view that nothing touched for this long may go; no read takes that long.
constexpr Millis idle_view = 30'000;

}  // namespace

Result<void> Core::load_view(UserId user) {
  // What is committed for this user while it is read makes the reading void; that cannot go on for ever.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto loaded = try_load_view(user);
    if (!loaded) return loaded.error();
    if (*loaded) return {};
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

Result<bool> Core::try_load_view(UserId user) {
  // Several may read the same view at once: each remembers how often it had changed when it began.
  std::uint64_t changes = 0;
  {
    std::lock_guard lock(state_.mutex);
    if (state_.view(user) != nullptr) return true;
    auto& loading = state_.loading[user];
    ++loading.readers;
    changes = loading.changes;
  }
  auto view = read_view(user);

  std::lock_guard lock(state_.mutex);
  const auto it = state_.loading.find(user);
  const bool changed = it->second.changes != changes;
  if (--it->second.readers == 0) state_.loading.erase(it);
  if (!view) return view.error();
  if (state_.view(user) != nullptr) return true;
  if (changed) return false;
  (*view)->used = clock_.steady();
  state_.views.emplace(user, std::move(*view));
  return true;
}

Result<std::unique_ptr<UserView>> Core::read_view(UserId user) {
  auto shared = directory_.load(user);
  if (!shared) return shared.error();
  auto memberships = storage_.memberships(user);
  if (!memberships) return memberships.error();
  std::vector<ConversationId> ids;
  for (const auto& membership : *memberships) {
    if (!membership.member.left) ids.push_back(membership.member.conversation);
  }
  auto stored = storage_.conversations(ids);
  if (!stored) return stored.error();

  auto view = std::make_unique<UserView>();
  view->user = *shared;
  for (auto& conversation : *stored) {
    const auto id = conversation.conversation.id;
    auto adopted = adopt(std::move(conversation), false);
    // One that is just being made enters the view when that is done.
    if (!adopted && adopted.error().code == Code::not_found) continue;
    if (!adopted) return adopted.error();
    view->entries[id].conversation = *adopted;
  }
  for (const auto& membership : *memberships) {
    const auto it = view->entries.find(membership.member.conversation);
    if (it == view->entries.end()) continue;
    it->second.joined_seq = membership.member.joined_seq;
    it->second.joined = membership.member.joined;
    for (const auto& written : membership.marks) {
      const auto known =
          std::find_if(marks_.begin(), marks_.end(), [&](const MarkSpec& spec) { return spec.name == written.mark; });
      if (known == marks_.end()) continue;
      auto mark = Mark::decode(written.set);
      if (!mark) return mark.error();
      it->second.mark(static_cast<MarkId>(known - marks_.begin())) = std::move(*mark);
    }
  }
  if (auto added = add_broadcasts(*view); !added) return added.error();
  return view;
}

// What a user reads without having been added; the storage has no row of it until the user marks something.
Result<void> Core::add_broadcasts(UserView& view) {
  std::vector<ConversationState*> all;
  {
    std::lock_guard lock(state_.mutex);
    all = state_.broadcasts;
  }
  for (auto* broadcast : all) {
    const auto [it, is_new] = view.entries.try_emplace(broadcast->id());
    if (!is_new) continue;
    auto& mine = it->second;
    mine.conversation = broadcast;
    mine.implicit = true;
    {
      std::lock_guard lock(state_.mutex);
      mine.joined = State::joined(*view.user, *broadcast->info);
    }
    if (mine.joined == raw(broadcast->id())) continue;  // it is younger than the user
    const auto seq = storage_.seq_at(broadcast->id(), mine.joined - 1);
    if (!seq) return seq.error();
    mine.joined_seq = *seq;
  }
  return {};
}

Result<void> Core::load_broadcasts() {
  auto stored = storage_.broadcasts();
  if (!stored) return stored.error();
  for (auto& broadcast : *stored) {
    auto adopted = adopt(std::move(broadcast), false);
    if (!adopted) return adopted.error();
    std::lock_guard lock(state_.mutex);
    state_.broadcasts.push_back(*adopted);
  }
  return {};
}

void Core::evict_views() {
  std::lock_guard lock(state_.mutex);
  if (state_.views.size() <= options_.cached_views) return;
  std::vector<std::pair<Millis, UserId>> idle;
  const auto before = clock_.steady() - idle_view;
  for (const auto& [user, view] : state_.views) {
    if (view->sessions.empty() && view->used < before) idle.emplace_back(view->used, user);
  }
  // The longest unused go, and some more than needed, so that this is rare.
  const auto excess = state_.views.size() - options_.cached_views + options_.cached_views / 10;
  const auto count = static_cast<std::ptrdiff_t>(std::min(excess, idle.size()));
  std::nth_element(idle.begin(), idle.begin() + (count == 0 ? 0 : count - 1), idle.end());
  for (auto it = idle.begin(); it != idle.begin() + count; ++it) state_.views.erase(it->second);
}

/// What waits keeps what it names, however long it waits.
void Core::touch_named() {
  take_waiting();
  std::lock_guard lock(state_.mutex);
  const auto touch = [&](ConversationState* conversation) {
    if (conversation != nullptr) state_.touch(conversation);
  };
  for (auto& entry : backlog_) {
    std::visit(
        [&](auto& any) {
          auto& what = unboxed(any);
          using T = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<T, MarkEntry>) {
            for (const auto& span : what.spans) touch(span.in);
          } else if constexpr (std::is_same_v<T, ChangeEntry> || std::is_same_v<T, MembershipEntry> ||
                               std::is_same_v<T, EraseEntry>) {
            touch(what.conversation);
          }
        },
        entry.what);
  }
}

// A conversation goes when no view shows it, none of its messages is in memory and nobody looked it up during the whole
// of the last generation: what a look-up returned is good for that long, even when housekeeping was held up for
// minutes.
void Core::evict_conversations() {
  touch_named();
  std::lock_guard lock(state_.mutex);
  if (const auto now = clock_.steady(); now - state_.generation_began >= idle_view) {
    ++state_.generation;
    state_.generation_began = now;
  }
  if (state_.conversations.size() <= options_.cached_conversations) return;
  boost::unordered_flat_set<const ConversationState*> shown;
  for (const auto& [user, view] : state_.views) {
    for (const auto& [id, mine] : view->entries) shown.insert(mine.conversation);
  }
  boost::unordered::erase_if(state_.conversations, [&](const auto& row) {
    const auto& conversation = *row.second;
    if (conversation.info->kind == ConversationKind::broadcast) return false;
    if (conversation.used + 1 >= state_.generation || !conversation.tail.empty() || shown.contains(&conversation))
      return false;
    const auto& info = *conversation.info;
    if (conversation.is_direct())
      state_.by_pair.erase(std::pair(info.low, info.high));
    else if (!info.handle.empty())
      state_.by_handle.erase(info.handle);
    return true;
  });
}

Result<ConversationState*> Core::adopt(StoredConversation stored, bool with_members) {
  ConversationState* state = nullptr;
  {
    std::lock_guard lock(state_.mutex);
    state = state_.find(stored.conversation.id);
    if (state == nullptr) {
      // Stored, but its round is still in flight: it does not exist before that is handed back.
      if (raw(stored.conversation.id) > state_.stable) return unknown_conversation;
      auto made = std::make_unique<ConversationState>();
      state = state_.touch(made.get());
      state->head = stored.head;
      state->last = stored.last;
      state->last_change = stored.last_change;
      state->info = std::make_shared<const Conversation>(std::move(stored.conversation));
      state->members_loaded = !state->lists_members();
      if (state->is_direct())
        state_.by_pair.emplace(std::pair(state->info->low, state->info->high), state);
      else if (!state->info->handle.empty())
        state_.by_handle.emplace(state->info->handle, state);
      state_.conversations.emplace(state->id(), std::move(made));
    }
  }
  if (with_members) {
    if (auto loaded = load_members(*state); !loaded) return loaded.error();
  }
  return state;
}

Result<void> Core::load_members(ConversationState& conversation) {
  {
    std::lock_guard lock(state_.mutex);
    if (conversation.members_loaded) return {};
  }
  auto members = storage_.members(conversation.id());
  if (!members) return members.error();
  std::lock_guard lock(state_.mutex);
  if (conversation.members_loaded) return {};
  conversation.members = std::move(*members);
  for (std::uint32_t i = 0; i < conversation.members.size(); ++i) {
    conversation.member_index.emplace(conversation.members[i].user, i);
    if (!conversation.members[i].left) ++conversation.member_count;
  }
  conversation.members_loaded = true;
  return {};
}

Result<ConversationState*> Core::load(ConversationId id, bool with_members) {
  ConversationState* known = nullptr;
  {
    std::lock_guard lock(state_.mutex);
    known = state_.find(id);
  }
  if (known == nullptr) {
    auto stored = storage_.conversation(id);
    if (!stored) return stored.error();
    if (!*stored) return unknown_conversation;
    return adopt(std::move(**stored), with_members);
  }
  if (with_members) {
    if (auto loaded = load_members(*known); !loaded) return loaded.error();
  }
  return known;
}

Result<ConversationState*> Core::resolve(UserId caller, const ConversationRef& ref, bool with_members) {
  const auto take = [&](Result<std::optional<StoredConversation>> stored) -> Result<ConversationState*> {
    if (!stored) return stored.error();
    if (!*stored) return unknown_conversation;
    return adopt(std::move(**stored), with_members);
  };
  switch (ref.by) {
    case ConversationRef::By::id:
      return load(static_cast<ConversationId>(ref.number), with_members);
    case ConversationRef::By::uuid:
      return take(storage_.conversation_by_uuid(ref.text));
    case ConversationRef::By::handle:
      return take(storage_.conversation_by_handle(ref.text));
    case ConversationRef::By::handle_or_id: {
      auto found = take(storage_.conversation_by_handle(ref.text));
      if (found || found.error().code != Code::not_found) return found;
      std::uint64_t number = 0;
      const auto [stop, error] = std::from_chars(ref.text.data(), ref.text.data() + ref.text.size(), number);
      if (ref.text.empty() || error != std::errc{} || stop != ref.text.data() + ref.text.size()) return found;
      return number < id::limit ? load(static_cast<ConversationId>(number), with_members) : found;
    }
    case ConversationRef::By::broadcast:
      if (!is_topic(ref.text)) break;
      return take(storage_.conversation_by_handle(notice_handle(ref.text, UserId::none)));
    case ConversationRef::By::system: {
      const auto reader = directory_.load(ref.peer);
      if (!reader) return reader.error();
      if (!is_topic(ref.text)) break;
      return take(storage_.conversation_by_handle(notice_handle(ref.text, (*reader)->id)));
    }
    case ConversationRef::By::direct: {
      const auto peer = directory_.load(ref.peer);
      if (!peer) return peer.error();
      const auto pair = std::minmax(caller, (*peer)->id);
      return take(storage_.conversation_by_pair(pair.first, pair.second));
    }
  }
  return unknown_conversation;
}

Result<MessageRecord> Core::record_of(MessageId id) {
  const MessageId ids[] = {id};
  auto found = storage_.messages(ids);
  if (!found) return found.error();
  if (found->empty()) return Error{Code::not_found, "message.unknown", "no such message"};
  return complete(std::move(found->front()));
}

Result<MessageRecord> Core::complete(Message message) {
  const auto conversation = load(message.conversation, true);
  if (!conversation) return conversation.error();
  auto sender = directory_.load(message.sender);
  if (!sender) return sender.error();
  MessageRecord record;
  {
    std::lock_guard lock(state_.mutex);
    record.conversation = (*conversation)->info;
  }
  record.sender = std::move(*sender);
  if (record.conversation->kind == ConversationKind::direct) {
    const auto other =
        record.conversation->low == message.sender ? record.conversation->high : record.conversation->low;
    auto peer = directory_.load(other);
    if (!peer) return peer.error();
    record.peer = std::move(*peer);
  }
  record.message = std::make_shared<const Message>(std::move(message));
  return record;
}

}  // namespace loft
