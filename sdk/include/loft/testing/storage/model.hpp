// What a storage should answer, in the most naive way: lists that are searched from end to end.
#pragma once

#include <map>

#include <loft/testing/storage/batch_data.hpp>

namespace loft::testing::storage {

class Model {
 public:
  Conflict commit(const Batch& batch) {
    Conflict conflict;
    for (const auto& head : batch.heads) {
      const auto* stored = find(head.conversation);
      const Seq now = stored == nullptr ? 0 : stored->head;
      if (now != head.expected_head)
        conflict.stale.push_back({head.conversation, now, stored ? stored->last : MessageId::none});
    }
    for (std::size_t i = 0; i < batch.messages.size(); ++i) {
      if (!batch.messages[i].key) continue;
      for (const auto& key : keys) {
        if (key.sender != batch.messages[i].message->sender || key.key.hash != batch.messages[i].key->hash) continue;
        conflict.duplicates.push_back({i, key.message, key.key.digest});
      }
    }
    if (conflict.empty()) apply(batch);
    return conflict;
  }

  const StoredConversation* find(ConversationId id) const {
    for (const auto& c : conversations) {
      if (c.conversation.id == id) return &c;
    }
    return nullptr;
  }
  template <class F>
  std::optional<StoredConversation> conversation_if(F test) const {
    for (const auto& c : conversations) {
      if (test(c.conversation)) return c;
    }
    return std::nullopt;
  }
  template <class F>
  std::optional<User> user_if(F test) const {
    for (const auto& u : users) {
      if (test(u)) return u;
    }
    return std::nullopt;
  }

  std::vector<Member> members_of(ConversationId id) const {
    std::vector<Member> list;
    for (const auto& m : members) {
      if (m.conversation == id) list.push_back(m);
    }
    std::sort(list.begin(), list.end(),
              [](auto& a, auto& b) { return std::tie(a.joined, a.user) < std::tie(b.joined, b.user); });
    return list;
  }
  std::vector<Membership> memberships_of(UserId user) const {
    std::vector<Membership> list;
    for (const auto& m : members) {
      if (m.user != user) continue;
      auto& row = list.emplace_back(Membership{m, {}});
      for (const auto& k : marks) {
        if (k.user == user && k.conversation == m.conversation) row.marks.push_back(k);
      }
    }
    std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.member.conversation < b.member.conversation; });
    return list;
  }
  std::vector<MarkWrite> marks_of(ConversationId id, std::string_view mark) const {
    std::vector<MarkWrite> list;
    for (const auto& k : marks) {
      if (k.conversation == id && k.mark == mark) list.push_back(k);
    }
    return sorted(std::move(list));
  }

  std::vector<Message> log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) const {
    std::vector<Message> list;
    for (const auto& m : messages) {
      if (m.conversation == id && m.seq >= low && m.seq <= high) list.push_back(m);
    }
    if (descending) std::reverse(list.begin(), list.end());
    if (list.size() > limit) list.resize(limit);
    return list;
  }
  std::vector<Message> by_ids(const std::vector<MessageId>& ids) const {
    std::vector<Message> list;
    for (const auto& m : messages) {
      if (std::find(ids.begin(), ids.end(), m.id) != ids.end()) list.push_back(m);
    }
    return list;
  }
  Seq seq_at(ConversationId id, Position position) const {
    Seq seq = 0;
    for (const auto& m : messages) {
      if (m.conversation == id && raw(m.id) <= position) seq = std::max(seq, m.seq);
    }
    return seq;
  }
  std::uint64_t count_foreign(ConversationId id, Seq low, Seq high, UserId except) const {
    std::uint64_t count = 0;
    for (const auto& m : log(id, low, high, messages.size(), false)) count += m.sender != except && m.recalled == 0;
    return count;
  }
  std::vector<Seq> sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) const {
    std::vector<Seq> list;
    for (const auto& m : log(id, low, high, messages.size(), true)) {
      if (m.sender == sender && m.recalled == 0 && list.size() < limit) list.push_back(m.seq);
    }
    return list;
  }
  Storage::Since since(Position after, std::size_t limit) const {
    Storage::Since found;
    auto message = messages.begin();
    auto change = changes.begin();
    while (message != messages.end() && raw(message->id) <= after) ++message;
    while (change != changes.end() && change->position <= after) ++change;
    for (; limit > 0; --limit) {
      const bool has_message = message != messages.end();
      if (change != changes.end() && (!has_message || change->position < raw(message->id))) {
        found.changes.push_back(*change++);
      } else if (has_message) {
        found.messages.push_back(*message++);
      } else {
        break;
      }
    }
    return found;
  }

  std::vector<Storage::StoredValue> values(std::string_view space, std::string_view prefix, std::string_view after,
                                           std::size_t limit) const {
    std::vector<Storage::StoredValue> list;
    for (const auto& [name, value] : key_values) {
      const bool wanted = name.first == space && name.second.starts_with(prefix) && name.second > after;
      if (wanted && list.size() < limit) list.push_back({name.second, value});
    }
    return list;
  }

  std::size_t forget(Position before, std::size_t limit) {
    std::size_t count = 0;
    for (auto at = keys.begin(); at != keys.end() && count < limit;) {
      if (raw(at->message) >= before) break;  // in the order of ids
      at = keys.erase(at);
      ++count;
    }
    return count;
  }

  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit) {
    std::size_t count = 0;
    std::erase_if(messages,
                  [&](const Message& m) { return m.conversation == id && m.seq <= upto && count < limit && ++count; });
    return count;
  }

  struct Key {
    UserId sender;
    ClientKey key;
    MessageId message;
  };
  std::vector<User> users;
  std::vector<StoredConversation> conversations;
  std::vector<Member> members;
  std::vector<MarkWrite> marks;
  std::vector<Message> messages;  ///< ascending ids
  std::vector<Change> changes;    ///< ascending positions
  std::vector<Key> keys;
  std::map<std::pair<std::string, std::string>, std::string> key_values;  ///< by space and key
  Position last = 0;

 private:
  template <class T, class F>
  static void put(std::vector<T>& list, const T& value, F is_it) {
    const auto found = std::find_if(list.begin(), list.end(), is_it);
    found == list.end() ? list.push_back(value) : void(*found = value);
  }

  void apply(const Batch& batch) {
    last = std::max(last, batch.applied_upto);
    for (const auto& u : batch.users) put(users, u, [&](auto& x) { return x.id == u.id; });
    for (const auto& c : batch.conversations) {
      const auto* known = find(c.id);
      put(conversations, StoredConversation{c, known ? known->head : 0, known ? known->last : MessageId::none},
          [&](auto& x) { return x.conversation.id == c.id; });
    }
    for (const auto& m : batch.members) {
      put(members, m, [&](auto& x) { return x.conversation == m.conversation && x.user == m.user; });
      last = std::max(last, m.joined);
    }
    for (const auto& h : batch.heads) {
      auto& stored = const_cast<StoredConversation&>(*find(h.conversation));
      stored.head = h.head;
      stored.last = h.last;
    }
    for (const auto& [message, key] : batch.messages) {
      messages.push_back(*message);
      if (key) keys.push_back({message->sender, *key, message->id});
      last = std::max(last, raw(message->id));
    }
    for (const auto& c : batch.changes) {
      const auto place = std::lower_bound(changes.begin(), changes.end(), c.position,
                                          [](auto& x, Position p) { return x.position < p; });
      if (place == changes.end() || place->position != c.position) changes.insert(place, c);
      last = std::max(last, c.position);
    }
    for (const auto& r : batch.recalls) {
      for (auto& m : messages) {
        if (m.id != r.message || m.recalled != 0) continue;
        m.recalled = r.position;
        m.recalled_by = r.by;
      }
      last = std::max(last, r.position);
    }
    for (const auto id : batch.erased) {
      for (auto& m : messages) {
        if (m.id != id) continue;
        m.content = "{}";
        m.extras.clear();
        for (auto& c : changes) {
          if (c.position == m.recalled && c.message == id) c.note.clear();
        }
      }
    }
    for (const auto& k : batch.marks) {
      put(marks, k, [&](auto& x) { return x.user == k.user && x.conversation == k.conversation && x.mark == k.mark; });
    }
    for (const auto& [space, key, value] : batch.key_values) {
      key_values.erase({space, key});
      if (value) key_values.emplace(std::pair(space, key), *value);
    }
  }
};

}  // namespace loft::testing::storage
