// A batch that owns what it speaks of, and comparisons of what storages return.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <tuple>
#include <vector>

#include <loft/storage.hpp>

namespace loft::testing::storage {

struct BatchData {
  Position applied_upto = 0;
  std::vector<User> users;
  std::vector<Conversation> conversations;
  std::vector<Member> members;
  std::vector<HeadUpdate> heads;
  std::vector<Message> messages;
  std::vector<std::optional<ClientKey>> keys;  ///< one per message
  std::vector<Change> changes;
  std::vector<RecallWrite> recalls;
  std::vector<MessageId> erased;
  std::vector<MarkWrite> marks;
  std::vector<KeyValueWrite> key_values;

  /// Valid until this is changed.
  Batch view() {
    refs_.clear();
    for (std::size_t i = 0; i < messages.size(); ++i) refs_.push_back({&messages[i], keys[i]});
    return {applied_upto, users, conversations, members, heads, refs_, changes, recalls, erased, marks, key_values};
  }

  /// Appends to a conversation's log and moves its head; `head` is the one before.
  void say(ConversationId conversation, Seq& head, MessageId id, UserId sender, std::string content,
           std::optional<ClientKey> key = std::nullopt, std::string domain = "Core:Text") {
    const auto found =
        std::find_if(heads.begin(), heads.end(), [&](const HeadUpdate& h) { return h.conversation == conversation; });
    auto& update =
        found == heads.end() ? heads.emplace_back(HeadUpdate{conversation, head, head, MessageId::none}) : *found;
    update.head = ++head;
    update.last = id;
    Message message;
    message.id = id;
    message.conversation = conversation;
    message.seq = head;
    message.sender = sender;
    message.domain = std::move(domain);
    message.content = std::move(content);
    messages.push_back(std::move(message));
    keys.push_back(key);
    applied_upto = std::max(applied_upto, raw(id));
  }

 private:
  std::vector<NewMessage> refs_;
};

inline auto parts(const User& v) { return std::tie(v.id, v.handle, v.uuid, v.created, v.profile); }
inline auto parts(const Conversation& v) {
  return std::tie(v.id, v.kind, v.low, v.high, v.handle, v.uuid, v.name, v.description, v.avatar, v.owner, v.join,
                  v.created, v.updated, v.topic, v.max_members, v.dissolved);
}
inline auto parts(const Member& v) {
  return std::tie(v.conversation, v.user, v.role, v.joined, v.joined_seq, v.muted_until, v.muted_by, v.muted_at,
                  v.left);
}
inline auto parts(const Message& v) {
  return std::tie(v.id, v.conversation, v.seq, v.sender, v.domain, v.content, v.recalled, v.recalled_by, v.extras);
}
inline auto parts(const Change& v) {
  return std::tie(v.position, v.conversation, v.kind, v.actor, v.subject, v.message, v.role, v.note);
}
inline auto parts(const MarkWrite& v) { return std::tie(v.user, v.conversation, v.mark, v.set); }
inline auto parts(const Storage::StoredValue& v) { return std::tie(v.key, v.value); }
inline auto parts(const Storage::StoredKey& v) {
  return std::tie(v.message, v.sender, v.key.hash[0], v.key.hash[1], v.key.digest);
}
inline auto parts(const Storage::StoredFollower& v) { return std::tie(v.name, v.position); }
inline auto parts(const KeyValueWrite& v) { return std::tie(v.space, v.key, v.value); }
inline auto parts(const Conflict::Stale& v) { return std::tie(v.conversation, v.head, v.last); }
inline auto parts(const Conflict::Duplicate& v) { return std::tie(v.index, v.original, v.digest); }

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b);
template <class T>
bool same(const std::optional<T>& a, const std::optional<T>& b);

template <class T>
requires requires(const T& v) { parts(v); }
bool same(const T& a, const T& b) { return parts(a) == parts(b); }
template <class T>
requires std::is_integral_v<T>
bool same(T a, T b) { return a == b; }
inline bool same(const StoredConversation& a, const StoredConversation& b) {
  return same(a.conversation, b.conversation) && a.head == b.head && a.last == b.last;
}
inline bool same(const Storage::Since& a, const Storage::Since& b);

/// The order of marks inside a membership, and of a conversation's marks, is not promised.
inline std::vector<MarkWrite> sorted(std::vector<MarkWrite> list) {
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return parts(a) < parts(b); });
  return list;
}
inline bool same(const Membership& a, const Membership& b) {
  return same(a.member, b.member) && same(sorted(a.marks), sorted(b.marks));
}
inline bool same(Conflict a, Conflict b) {
  const auto by_parts = [](const auto& x, const auto& y) { return parts(x) < parts(y); };
  for (auto* c : {&a, &b}) {
    std::sort(c->stale.begin(), c->stale.end(), by_parts);
    std::sort(c->duplicates.begin(), c->duplicates.end(), by_parts);
  }
  return same(a.stale, b.stale) && same(a.duplicates, b.duplicates);
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return same(x, y); });
}
template <class T>
bool same(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
inline bool same(const Storage::Since& a, const Storage::Since& b) {
  return same(a.messages, b.messages) && same(a.changes, b.changes);
}

}  // namespace loft::testing::storage
