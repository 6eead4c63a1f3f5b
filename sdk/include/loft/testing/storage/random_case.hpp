// A storage against the naive model: random batches with mistakes and repeats, then all reads.
#pragma once

#include <random>

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/model.hpp>
#include <loft/testing/storage/whole_cases.hpp>

namespace loft::testing::storage {

class RandomCase {
 public:
  RandomCase(Factory factory, std::uint64_t seed) : store_(std::move(factory)), random_(seed), seed_(seed) {
    next_ = (std::uint64_t{1} << 53) - 40'000'000;  // ids up to the end of the layout
  }

  void run(int steps) {
    INFO("seed " << seed_);
    for (int step = 0; step < steps; ++step) {
      INFO("step " << step);
      one_commit();
      for (int i = 0; i < 8; ++i) one_read();
      if (chance(40)) store_.reopen();
      if (chance(20)) forget();
      if (chance(10)) forget_messages();
    }
    compare_everything();
    compare_pages(1 + below(60));
  }

 private:
  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_); }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
  Position position() { return next_ += 1 + below(900); }

  UserId some_user() { return model_.users.empty() ? uid(1) : model_.users[below(model_.users.size())].id; }
  ConversationId some_conversation() {
    if (model_.conversations.empty()) return cid(1);
    return model_.conversations[below(model_.conversations.size())].conversation.id;
  }
  MessageId some_message() {
    return model_.messages.empty() || chance(10) ? mid(below(next_))
                                                 : model_.messages[below(model_.messages.size())].id;
  }
  Position some_position() { return chance(4) ? below(next_) : raw(some_message()) + below(3) - 1; }
  Seq some_seq() { return chance(8) ? everything : below(60); }

  std::string some_space() { return chance(2) ? "contract.a" : "contract.b"; }
  /// Few, and beginnings of each other.
  std::string some_key() {
    static const std::string pieces[] = {"k", "k/", "\x7f", "\xC3\xA9"};
    std::string key;
    for (auto n = below(3); n > 0; --n) key += pieces[below(4)];
    return key + "k";
  }

  std::string some_text() {
    static const std::string pieces[] = {"a",
                                         "'",
                                         "\"",
                                         std::string(1, '\0'),
                                         "\xF0\x9F\x98\x80",
                                         "\\",
                                         "%",
                                         ":x",
                                         "\n",
                                         "\xE4\xBD\xA0",
                                         "?",
                                         "{}",
                                         std::string(300, 'z')};
    std::string text;
    for (auto n = below(12); n > 0; --n) text += pieces[below(std::size(pieces))];
    return chance(300) ? text + std::string(1 << 20, 'm') : text;
  }

  void add_entities(BatchData& batch) {
    if (model_.users.size() < 3 || chance(10)) {
      auto user = a_user(position());
      user.handle += some_text();
      user.profile = some_text();
      batch.users.push_back(user);
    }
    if (model_.users.size() >= 2 && (model_.conversations.empty() || chance(6))) {
      auto conversation = a_group(position());
      conversation.name = some_text();
      if (chance(2)) conversation.handle = "handle" + std::to_string(next_) + some_text();
      batch.conversations.push_back(conversation);
      batch.members.push_back({conversation.id, some_user(), Role::owner, position(), 0, 0, false});
    }
    if (!model_.conversations.empty() && chance(6)) {
      auto changed = model_.conversations[below(model_.conversations.size())].conversation;
      changed.description = some_text();
      changed.updated = static_cast<Millis>(next_);
      changed.topic = some_text();
      changed.max_members = static_cast<std::uint32_t>(below(1'000'000));
      changed.dissolved = chance(2);
      batch.conversations.push_back(changed);
    }
    if (!model_.conversations.empty() && chance(3)) {
      batch.members.push_back({some_conversation(), some_user(), static_cast<Role>(below(3)), position(), below(50),
                               static_cast<Millis>(below(1'000'000)), chance(3), some_user(),
                               static_cast<Millis>(below(1'000'000))});
    }
  }

  void add_messages(BatchData& batch) {
    if (model_.conversations.empty()) return;
    std::map<ConversationId, Seq> heads;
    for (auto n = below(12); n > 0; --n) {
      const auto conversation = some_conversation();
      const auto known = heads.try_emplace(conversation, model_.find(conversation)->head);
      if (known.second && chance(25)) known.first->second += chance(2) || known.first->second == 0 ? 1 : -1;  // stale
      std::optional<ClientKey> key;
      auto sender = some_user();
      if (chance(30) && !model_.keys.empty()) {
        const auto& old = model_.keys[below(model_.keys.size())];
        sender = old.sender;
        key = ClientKey{old.key.hash, below(1000)};
      } else if (chance(2)) {
        key = a_key(keys_++, below(1000));
      }
      batch.say(conversation, known.first->second, mid(position()), sender, some_text(), key,
                chance(3) ? "Acme:D" + std::to_string(below(5)) : "Core:Text");
      if (chance(3)) batch.messages.back().extras = some_text();
    }
  }

  void add_acts(BatchData& batch) {
    if (model_.conversations.empty()) return;
    for (auto n = below(3); n > 0; --n) {
      batch.changes.push_back({position(), some_conversation(), static_cast<ChangeKind>(below(8)), some_user(),
                               some_user(), some_message(), static_cast<Role>(below(3)),
                               chance(2) ? some_text() : std::string()});
    }
    if (chance(3)) {
      const bool same_batch = !batch.messages.empty() && chance(2);
      const auto target = same_batch ? batch.messages[below(batch.messages.size())].id : some_message();
      batch.recalls.push_back({target, position(), some_user()});
    }
    if (chance(4)) batch.erased = {some_message(), some_message()};
    static const char* const names[] = {"read", "delivered", "hidden", "im.fetched"};
    for (auto n = below(4); n > 0; --n) {
      batch.marks.push_back({some_user(), some_conversation(), names[below(4)], some_text()});
    }
    for (auto n = below(4); n > 0; --n) {
      batch.key_values.push_back({some_space(), some_key(), chance(3) ? std::nullopt : std::optional(some_text())});
    }
  }

  void one_commit() {
    if (!chance(12) || last_batch_.heads.empty()) {
      last_batch_ = {};
      add_entities(last_batch_);
      add_messages(last_batch_);
      add_acts(last_batch_);
      if (chance(2)) last_batch_.applied_upto = next_;
    }
    const auto answer = value(store_->commit(last_batch_.view()));
    const auto wanted = model_.commit(last_batch_.view());
    REQUIRE(same(answer, wanted));
    REQUIRE(value(store_->last_position()) == model_.last);
  }

  void forget() {
    const auto before = some_position();
    const auto limit = 1 + below(20);
    REQUIRE(value(store_->forget_client_keys(before, limit)) == model_.forget(before, limit));
  }

  void forget_messages() {
    const auto conversation = some_conversation();
    const auto* known = model_.find(conversation);
    if (known == nullptr || known->head < 2) return;
    const auto upto = below(known->head);  // not the head
    const auto limit = 1 + below(20);
    const auto done = store_->forget_messages(conversation, upto, limit);
    if (!done && done.error().reason == "storage.unsupported") return;
    REQUIRE(value(done) == model_.forget_messages(conversation, upto, limit));
  }

  void one_read() {
    const auto conversation = some_conversation();
    const auto user = some_user();
    const auto low = below(40);
    const auto high = some_seq();
    switch (below(10)) {
      case 0: {
        const auto limit = below(30);
        const bool down = chance(2);
        REQUIRE(same(value(store_->log(conversation, low, high, limit, down)),
                     model_.log(conversation, low, high, limit, down)));
        break;
      }
      case 1:
        read_counts({conversation, low, high, user});
        break;
      case 2: {
        const auto limit = below(10);
        REQUIRE(value(store_->sent(conversation, user, low, high, limit)) ==
                model_.sent(conversation, user, low, high, limit));
        break;
      }
      case 3: {
        const auto at = some_position();
        REQUIRE(value(store_->seq_at(conversation, at)) == model_.seq_at(conversation, at));
        break;
      }
      case 4: {
        const auto after = some_position();
        const auto limit = below(40);
        REQUIRE(same(value(store_->since(after, limit)), model_.since(after, limit)));
        break;
      }
      case 5: {
        const std::vector<MessageId> ids = {some_message(), some_message(), some_message()};
        REQUIRE(same(value(store_->messages(ids)), model_.by_ids(ids)));
        break;
      }
      case 8: {
        const auto space = some_space(), prefix = chance(2) ? "" : some_key(), after = chance(2) ? "" : some_key();
        const auto limit = below(6);
        REQUIRE(
            same(value(store_->key_values(space, prefix, after, limit)), model_.values(space, prefix, after, limit)));
        break;
      }
      case 6:
        REQUIRE(same(value(store_->memberships(user)), model_.memberships_of(user)));
        break;
      case 7:
        REQUIRE(same(sorted(value(store_->marks(conversation, "read"))), reachable_marks(conversation)));
        break;
      default:
        REQUIRE(same(value(store_->members(conversation)), model_.members_of(conversation)));
    }
  }

  void read_counts(const Storage::ForeignRange& one) {
    std::vector<Storage::ForeignRange> ranges{one};
    for (auto n = below(12); n > 0; --n) ranges.push_back({some_conversation(), below(40), some_seq(), some_user()});
    std::vector<std::uint64_t> wanted;
    for (const auto& [id, from, to, except] : ranges) wanted.push_back(model_.count_foreign(id, from, to, except));
    REQUIRE(value(store_->count_foreign(one.conversation, one.low, one.high, one.except)) == wanted[0]);
    REQUIRE(value(store_->counts_foreign(ranges)) == wanted);
  }

  /// Marks are of members; a mark of somebody who never was one is not asked for.
  std::vector<MarkWrite> reachable_marks(ConversationId id) const {
    auto list = model_.marks_of(id, "read");
    const auto members = model_.members_of(id);
    std::erase_if(list, [&](const MarkWrite& mark) {
      return std::none_of(members.begin(), members.end(),
                          [&](const Member& member) { return member.user == mark.user; });
    });
    return list;
  }

  void compare_everything() {
    for (const auto& user : model_.users) {
      REQUIRE(same(value(store_->user_by_id(user.id)), std::optional(user)));
      REQUIRE(same(value(store_->user_by_handle(user.handle)), std::optional(user)));
      REQUIRE(same(value(store_->user_by_uuid(user.uuid)), std::optional(user)));
      REQUIRE(same(value(store_->memberships(user.id)), model_.memberships_of(user.id)));
    }
    std::vector<ConversationId> ids;
    for (const auto& stored : model_.conversations) {
      const auto& c = stored.conversation;
      ids.push_back(c.id);
      REQUIRE(same(value(store_->conversation(c.id)), std::optional(stored)));
      REQUIRE(same(value(store_->conversation_by_uuid(c.uuid)), std::optional(stored)));
      if (!c.handle.empty()) REQUIRE(same(value(store_->conversation_by_handle(c.handle)), std::optional(stored)));
      REQUIRE(same(value(store_->log(c.id, 1, everything, 100'000, false)),
                   model_.log(c.id, 1, everything, 100'000, false)));
    }
    REQUIRE(value(store_->conversations(ids)).size() == ids.size());
    REQUIRE(value(store_->users(UserId::none, 100'000)).size() == model_.users.size());
    REQUIRE(same(value(store_->since(0, 1'000'000)), model_.since(0, 1'000'000)));
    for (const auto& [name, text] : model_.key_values) {
      REQUIRE(value(store_->key_value(name.first, name.second)) == text);
    }
  }

  void compare_pages(std::size_t limit) {
    if (!supported(store_->all_conversations(ConversationId::none, 1))) return;
    INFO("pages of " << limit);
    auto conversations = model_.conversations;
    std::sort(conversations.begin(), conversations.end(),
              [](const auto& a, const auto& b) { return a.conversation.id < b.conversation.id; });
    REQUIRE(same(conversations_in_pages(*store_, limit), conversations));
    auto members = model_.members;
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
      return std::tie(a.conversation, a.user) < std::tie(b.conversation, b.user);
    });
    REQUIRE(same(members_in_pages(*store_, limit), members));
    std::vector<Storage::StoredKey> keys;
    for (const auto& key : model_.keys) keys.push_back({key.message, key.sender, key.key});
    std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.message < b.message; });
    REQUIRE(same(keys_in_pages(*store_, limit), keys));
    REQUIRE(same(marks_in_pages(*store_, limit), sorted(model_.marks)));
    std::vector<KeyValueWrite> values;
    for (const auto& [name, text] : model_.key_values) values.push_back({name.first, name.second, text});
    REQUIRE(same(values_in_pages(*store_, limit), values));
  }

  Fixture store_;
  Model model_;
  BatchData last_batch_;
  std::mt19937_64 random_;
  std::uint64_t seed_;
  Position next_ = 0;
  std::uint64_t keys_ = 0;
};

inline void random_batches_agree_with_the_model(Factory factory) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) RandomCase(factory, seed).run(150);
}

}  // namespace loft::testing::storage
