#include "memory_storage.hpp"

#include <algorithm>

namespace loft::tests {
namespace {

const Error down{Code::unavailable, "storage.unavailable", {}};

Error unreadable(std::string detail) { return {Code::internal, "storage.corrupt", std::move(detail)}; }

bool take_one(std::atomic<int>& count) {
  if (count.load() <= 0) return false;
  --count;
  return true;
}

}  // namespace

// ---- writing

Result<Conflict> MemoryStorage::commit(const Batch& batch) {
  if (before_commit) before_commit();
  ++commits;
  if (take_one(commits_to_fail)) return down;
  auto stored = try_store(batch);
  if (!stored || !stored->empty()) return stored;
  if (after_commit) after_commit();
  if (take_one(answers_to_lose)) return down;
  return stored;
}

Result<Conflict> MemoryStorage::commit_in_turn(std::size_t writer, const Batch& batch, CommitTurn& turn) {
  if (before_commit) before_commit();
  ++commits;
  ++commits_in_turn;
  if (take_one(commits_to_fail)) return down;
  if (!batch.users.empty() || !batch.conversations.empty() || !batch.members.empty() || !batch.key_values.empty() ||
      !batch.erased.empty()) {
    return Error{Code::internal, "storage.broken", {}};
  }
  {
    const std::lock_guard lock(mutex_);
    if (auto conflict = conflicts(batch); !conflict.empty()) return conflict;
  }
  if (before_turn) before_turn(writer);
  if (!ignores_turns && !turn.wait()) return down;
  auto stored = try_store(batch);
  if (after_commit) after_commit();
  if (take_one(answers_to_lose)) return down;
  return stored;
}

Result<Conflict> MemoryStorage::try_store(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  if (auto conflict = conflicts(batch); !conflict.empty()) return conflict;
  if (!is_sound(batch)) return Error{Code::internal, "storage.broken", {}};
  store(batch);
  return Conflict{};
}

Conflict MemoryStorage::conflicts(const Batch& batch) const {
  Conflict conflict;
  for (const auto& head : batch.heads) {
    const auto known = std::find_if(conversations_.begin(), conversations_.end(),
                                    [&](const auto& c) { return c.conversation.id == head.conversation; });
    if (known != conversations_.end() && known->head != head.expected_head) {
      conflict.stale.push_back({head.conversation, known->head, known->last});
    }
  }
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    if (!batch.messages[i].key) continue;
    const auto known = std::find_if(keys_.begin(), keys_.end(),
                                    [&](const Key& k) { return k.key.hash == batch.messages[i].key->hash; });
    if (known != keys_.end()) conflict.duplicates.push_back({i, known->message, known->key.digest});
  }
  return conflict;
}

// What S10 calls the caller's mistakes, and some more that no real storage would notice.
bool MemoryStorage::is_sound(const Batch& batch) const {
  const auto is_new = [&](ConversationId id) {
    return std::any_of(batch.conversations.begin(), batch.conversations.end(),
                       [&](const auto& c) { return c.id == id; });
  };
  const auto known = [&](ConversationId id) {
    return std::any_of(conversations_.begin(), conversations_.end(),
                       [&](const auto& c) { return c.conversation.id == id; });
  };
  for (const auto& user : batch.users) {
    for (const auto& other : users_) {
      if (other.id != user.id && (other.handle == user.handle || other.uuid == user.uuid)) return false;
    }
  }
  for (const auto& conversation : batch.conversations) {
    for (const auto& stored : conversations_) {
      const auto& other = stored.conversation;
      if (other.id == conversation.id) continue;
      if (!conversation.handle.empty() && other.handle == conversation.handle) return false;
      if (conversation.kind == ConversationKind::direct && other.kind == ConversationKind::direct &&
          other.low == conversation.low && other.high == conversation.high) {
        return false;
      }
    }
  }
  for (const auto& head : batch.heads) {
    if (!known(head.conversation) && !(is_new(head.conversation) && head.expected_head == 0)) return false;
    Seq seq = head.expected_head;
    for (const auto& message : batch.messages) {
      if (message.message->conversation == head.conversation && message.message->seq != ++seq) return false;
    }
    if (seq != head.head) return false;
  }
  Position before = messages_.empty() ? 0 : raw(messages_.back().id);
  for (const auto& message : batch.messages) {
    if (raw(message.message->id) <= before || raw(message.message->id) > batch.applied_upto) return false;
    before = raw(message.message->id);
  }
  for (const auto& change : batch.changes) {
    if (change.position <= last_ || change.position > batch.applied_upto) return false;
  }
  return true;
}

// ---- reading

bool MemoryStorage::begin_read() {
  if (in_read) in_read();
  return !reads_fail;
}

Result<Position> MemoryStorage::last_position() {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  return last_;
}

template <class F>
Result<std::optional<User>> MemoryStorage::find_user(F matches) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  const auto it = std::find_if(users_.begin(), users_.end(), matches);
  return it != users_.end() ? std::optional(*it) : std::nullopt;
}

Result<std::optional<User>> MemoryStorage::user_by_id(UserId id) {
  return find_user([&](const User& u) { return u.id == id; });
}
Result<std::optional<User>> MemoryStorage::user_by_handle(std::string_view handle) {
  return find_user([&](const User& u) { return u.handle == handle; });
}
Result<std::optional<User>> MemoryStorage::user_by_uuid(std::string_view uuid) {
  return find_user([&](const User& u) { return u.uuid == uuid; });
}

Result<std::vector<User>> MemoryStorage::users(UserId after, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  auto found = users_;
  std::erase_if(found, [&](const User& u) { return u.id <= after; });
  std::sort(found.begin(), found.end(), [](const User& a, const User& b) { return a.id < b.id; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

template <class F>
Result<std::optional<StoredConversation>> MemoryStorage::find_conversation(F matches) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  const auto it = std::find_if(conversations_.begin(), conversations_.end(),
                               [&](const auto& stored) { return matches(stored.conversation); });
  return it != conversations_.end() ? std::optional(*it) : std::nullopt;
}

Result<std::optional<StoredConversation>> MemoryStorage::conversation(ConversationId id) {
  return find_conversation([&](const Conversation& c) { return c.id == id; });
}
Result<std::optional<StoredConversation>> MemoryStorage::conversation_by_handle(std::string_view handle) {
  return find_conversation([&](const Conversation& c) { return !handle.empty() && c.handle == handle; });
}
Result<std::optional<StoredConversation>> MemoryStorage::conversation_by_uuid(std::string_view uuid) {
  return find_conversation([&](const Conversation& c) { return c.uuid == uuid; });
}
Result<std::optional<StoredConversation>> MemoryStorage::conversation_by_pair(UserId low, UserId high) {
  return find_conversation(
      [&](const Conversation& c) { return c.kind == ConversationKind::direct && c.low == low && c.high == high; });
}

Result<std::vector<StoredConversation>> MemoryStorage::conversations(std::span<const ConversationId> ids) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  std::vector<StoredConversation> found;
  for (const auto& stored : conversations_) {
    if (std::find(ids.begin(), ids.end(), stored.conversation.id) != ids.end()) found.push_back(stored);
  }
  return found;
}

Result<std::vector<Member>> MemoryStorage::members(ConversationId id) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  auto found = members_;
  std::erase_if(found, [&](const Member& m) { return m.conversation != id; });
  std::sort(found.begin(), found.end(),
            [](const Member& a, const Member& b) { return std::pair(a.joined, a.user) < std::pair(b.joined, b.user); });
  return found;
}

Result<std::vector<Membership>> MemoryStorage::memberships(UserId user) {
  if (!begin_read()) return down;
  std::vector<Membership> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& member : members_) {
      if (member.user != user) continue;
      Membership membership{member, {}};
      for (const auto& mark : marks_) {
        if (mark.user == user && mark.conversation == member.conversation) membership.marks.push_back(mark);
      }
      found.push_back(std::move(membership));
    }
  }
  if (after_memberships) after_memberships();
  std::sort(found.begin(), found.end(),
            [](const Membership& a, const Membership& b) { return a.member.conversation < b.member.conversation; });
  return found;
}

Result<std::vector<MarkWrite>> MemoryStorage::marks(ConversationId id, std::string_view mark) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  auto found = marks_;
  std::erase_if(found, [&](const MarkWrite& m) { return m.conversation != id || m.mark != mark; });
  return found;
}

Result<std::vector<Message>> MemoryStorage::log(ConversationId id, Seq low, Seq high, std::size_t limit,
                                                bool descending) {
  if (!begin_read()) return down;
  ++logs_read;
  if (corrupt_logs.contains(id)) return unreadable("table message, row 7: column domain_id is 9");
  const std::lock_guard lock(mutex_);
  std::vector<Message> found;
  for (const auto& message : messages_) {
    if (message.conversation == id && message.seq >= low && message.seq <= high) found.push_back(message);
  }
  if (descending) std::reverse(found.begin(), found.end());
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<Message>> MemoryStorage::messages(std::span<const MessageId> ids) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  std::vector<Message> found;
  for (const auto& message : messages_) {
    if (std::find(ids.begin(), ids.end(), message.id) != ids.end()) found.push_back(message);
  }
  return found;
}

Result<Seq> MemoryStorage::seq_at(ConversationId id, Position position) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  Seq seq = 0;
  for (const auto& message : messages_) {
    if (message.conversation == id && raw(message.id) <= position) seq = message.seq;
  }
  return seq;
}

Result<std::uint64_t> MemoryStorage::count_foreign(ConversationId id, Seq low, Seq high, UserId except) {
  if (!begin_read() || take_one(counts_to_fail)) return down;
  std::uint64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& message : messages_) {
      count += message.conversation == id && message.seq >= low && message.seq <= high && message.sender != except &&
               message.recalled == 0;
    }
  }
  if (in_count) in_count();
  return count;
}

Result<std::vector<Seq>> MemoryStorage::sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  std::vector<Seq> found;
  for (const auto& message : messages_) {
    if (message.conversation == id && message.seq >= low && message.seq <= high && message.sender == sender &&
        message.recalled == 0) {
      found.push_back(message.seq);
    }
  }
  std::sort(found.rbegin(), found.rend());
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::vector<Change>> MemoryStorage::changes(ConversationId id, Position after, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  std::vector<Change> found;
  for (const auto& change : changes_) {
    if (change.conversation == id && change.position > after && found.size() < limit) found.push_back(change);
  }
  return found;
}

Result<Storage::Since> MemoryStorage::since(Position after, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  Since found;
  std::size_t m = 0, c = 0;
  while (found.messages.size() + found.changes.size() < limit) {
    while (m < messages_.size() && raw(messages_[m].id) <= after) ++m;
    while (c < changes_.size() && changes_[c].position <= after) ++c;
    if (m == messages_.size() && c == changes_.size()) break;
    if (c == changes_.size() || (m < messages_.size() && raw(messages_[m].id) < changes_[c].position)) {
      found.messages.push_back(messages_[m++]);
    } else {
      found.changes.push_back(changes_[c++]);
    }
  }
  return found;
}

Result<std::size_t> MemoryStorage::forget_client_keys(Position before, std::size_t limit) {
  ++forgotten_calls;
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::erase_if(keys_, [&](const Key& k) { return raw(k.message) < before && count < limit && ++count != 0; });
  return count;
}

Result<std::size_t> MemoryStorage::forget_messages(ConversationId id, Seq upto, std::size_t limit) {
  if (take_one(forgets_to_fail)) return down;
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::erase_if(messages_, [&](const Message& m) {
    return m.conversation == id && m.seq <= upto && count < limit && ++count != 0;
  });
  return count;
}

Result<std::vector<StoredConversation>> MemoryStorage::all_conversations(ConversationId after, std::size_t limit) {
  if (!begin_read()) return down;
  const std::lock_guard lock(mutex_);
  auto found = conversations_;
  std::erase_if(found, [&](const auto& c) { return c.conversation.id <= after; });
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.conversation.id < b.conversation.id; });
  if (found.size() > limit) found.resize(limit);
  for (const auto& row : found) {
    const auto id = row.conversation.id;
    if (corrupt.contains(id))
      return unreadable("table conversation, row " + std::to_string(raw(id)) + ": column kind is 9");
  }
  return found;
}

std::vector<Message> MemoryStorage::all_messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}
std::vector<Change> MemoryStorage::all_changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}
std::size_t MemoryStorage::conversation_count() const {
  const std::lock_guard lock(mutex_);
  return conversations_.size();
}
std::size_t MemoryStorage::member_count() const {
  const std::lock_guard lock(mutex_);
  return members_.size();
}
std::size_t MemoryStorage::key_count() const {
  const std::lock_guard lock(mutex_);
  return keys_.size();
}

}  // namespace loft::tests
