// S22 and S23: everything that is stored, page by page, and client keys of messages that are gone.
#pragma once

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

/// False for a storage that does not have these functions, which it may say.
template <class T>
bool supported(const Result<T>& answer) {
  if (answer || answer.error().reason != "storage.unsupported") return true;
  WARN("this storage has no functions for moving");
  return false;
}

/// All rows by pages of `limit`; `read(after, limit)` begins with an empty row.
template <class Row, class Read>
std::vector<Row> in_pages(Read read, std::size_t limit) {
  std::vector<Row> all;
  Row after{};
  for (;;) {
    auto page = value(read(after, limit));
    REQUIRE(page.size() <= limit);
    if (page.empty()) return all;
    after = page.back();
    for (auto& row : page) all.push_back(std::move(row));
  }
}

inline std::vector<StoredConversation> conversations_in_pages(Storage& store, std::size_t limit) {
  return in_pages<StoredConversation>(
      [&](const StoredConversation& after, std::size_t most) {
        return store.all_conversations(after.conversation.id, most);
      },
      limit);
}
inline std::vector<Member> members_in_pages(Storage& store, std::size_t limit) {
  return in_pages<Member>([&](const Member& after, std::size_t most) { return store.all_members(after, most); }, limit);
}
inline std::vector<Storage::StoredKey> keys_in_pages(Storage& store, std::size_t limit) {
  return in_pages<Storage::StoredKey>(
      [&](const Storage::StoredKey& after, std::size_t most) { return store.client_keys(after.message, most); }, limit);
}
inline std::vector<MarkWrite> marks_in_pages(Storage& store, std::size_t limit) {
  return in_pages<MarkWrite>([&](const MarkWrite& after, std::size_t most) { return store.all_marks(after, most); },
                             limit);
}
inline std::vector<KeyValueWrite> values_in_pages(Storage& store, std::size_t limit) {
  return in_pages<KeyValueWrite>(
      [&](const KeyValueWrite& after, std::size_t most) { return store.all_key_values(after, most); }, limit);
}

inline void s22_an_empty_store_has_nothing(Factory factory) {
  const Fixture store(std::move(factory));
  if (!supported(store->all_conversations(ConversationId::none, 10))) return;
  CHECK(conversations_in_pages(*store, 10).empty());
  CHECK(members_in_pages(*store, 10).empty());
  CHECK(keys_in_pages(*store, 10).empty());
  CHECK(marks_in_pages(*store, 10).empty());
  CHECK(values_in_pages(*store, 10).empty());
  CHECK(value(store->followers()).empty());
}

/// Rows of every kind whose order could be mistaken, and the keys of its messages.
inline std::vector<Storage::StoredKey> fill_with_odd_rows(BatchData& batch, std::uint64_t most) {
  std::vector<Storage::StoredKey> keys;
  const std::string odd[] = {"",     std::string(1, '\0'), std::string("a\0b", 3), "a",      "a ", "A", "\x01", "\x02",
                             "\x7f", "\xC3\xA9",           "\xF0\x9F\x98\x80",     "'\"\\%_"};
  for (const auto id : {std::uint64_t{9}, most, std::uint64_t{1}, std::uint64_t{300}, most - 1}) {
    batch.conversations.push_back(a_group(id));
    // A mark may be of somebody who is no member, in a conversation that is not there.
    for (const auto& name : odd) {
      if (!name.empty()) batch.marks.push_back({uid(id), cid(most - id), name, name + name});
      batch.key_values.push_back({"space" + std::to_string(id), name, name});
      batch.key_values.push_back({"s" + name, "k", ""});
    }
    batch.marks.push_back({uid(1), cid(id), "read", std::string()});
    for (const auto user : {most, std::uint64_t{5}, std::uint64_t{2}})
      batch.members.push_back({cid(id), uid(user), Role::member, 900 - id % 800, 0, 0, user == 5});
  }
  Seq head = 0;
  for (std::uint64_t i = 0; i < 9; ++i) {
    const auto id = i == 8 ? mid(most) : mid(100 + i);
    auto key = i % 3 == 1 ? std::nullopt : std::optional(ClientKey{{~i, i}, ~std::uint64_t{0} - i});
    if (i == 8) key = ClientKey{{~std::uint64_t{0}, std::uint64_t{1} << 63}, 0};
    if (key) keys.push_back({id, uid(i + 1), *key});
    batch.say(cid(9), head, id, uid(i + 1), "{}", key);
  }
  batch.changes = {{50, cid(300), ChangeKind::created, uid(1), uid(0), mid(0), Role::member, ""},
                   {60, cid(300), ChangeKind::updated, uid(1), uid(0), mid(0), Role::member, ""}};
  return keys;
}

inline void s22_everything_comes_once_in_order(Factory factory) {
  Fixture store(std::move(factory));
  if (!supported(store->all_conversations(ConversationId::none, 10))) return;
  constexpr std::uint64_t most = (std::uint64_t{1} << 63) - 1;
  BatchData batch;
  const auto keys = fill_with_odd_rows(batch, most);
  store.store(batch);
  REQUIRE(store->set_follower("b", most));
  REQUIRE(store->set_follower("a", 0));
  store.reopen();

  std::sort(batch.conversations.begin(), batch.conversations.end(), [](auto& a, auto& b) { return a.id < b.id; });
  std::sort(batch.members.begin(), batch.members.end(), [](auto& a, auto& b) { return parts(a) < parts(b); });
  batch.marks = sorted(std::move(batch.marks));
  std::sort(batch.key_values.begin(), batch.key_values.end(), [](auto& a, auto& b) { return parts(a) < parts(b); });
  // Those of the same key twice.
  batch.key_values.erase(std::unique(batch.key_values.begin(), batch.key_values.end(),
                                     [](auto& a, auto& b) { return parts(a) == parts(b); }),
                         batch.key_values.end());
  for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, batch.conversations.size(), batch.marks.size(),
                                  batch.key_values.size(), std::size_t{1'000'000}}) {
    INFO("pages of " << limit);
    const auto conversations = conversations_in_pages(*store, limit);
    REQUIRE(conversations.size() == batch.conversations.size());
    for (std::size_t i = 0; i < conversations.size(); ++i) {
      CHECK(same(conversations[i].conversation, batch.conversations[i]));
    }
    CHECK(conversations[1].head == 9);
    CHECK(conversations[1].last == mid(most));
    CHECK(conversations[2].last_change == 60);
    CHECK(same(members_in_pages(*store, limit), batch.members));
    CHECK(same(keys_in_pages(*store, limit), keys));
    CHECK(same(marks_in_pages(*store, limit), batch.marks));
    CHECK(same(values_in_pages(*store, limit), batch.key_values));
  }
  CHECK(same(value(store->followers()), std::vector<Storage::StoredFollower>{{"a", 0}, {"b", most}}));
  CHECK(value(store->all_conversations(cid(most), 10)).empty());
  CHECK(value(store->client_keys(mid(most), 10)).empty());
  CHECK(value(store->all_conversations(ConversationId::none, 0)).empty());
}

/// As a copy writes it.
inline void s12_a_message_may_come_recalled(Factory factory) {
  Fixture store(std::move(factory));
  BatchData batch;
  batch.conversations = {a_group(10)};
  Seq head = 0;
  for (std::uint64_t i = 0; i < 3; ++i) batch.say(cid(10), head, mid(100 + i), uid(1), "{}");
  batch.messages[1].recalled = 500;
  batch.messages[1].recalled_by = uid(7);
  batch.applied_upto = 0;
  store.store(batch);
  store.reopen();
  CHECK(same(value(store->log(cid(10), 1, everything, 10, false)), batch.messages));
  CHECK(value(store->count_foreign(cid(10), 1, everything, uid(2))) == 2);
  CHECK(value(store->sent(cid(10), uid(1), 1, everything, 10)) == std::vector<Seq>{3, 1});
  CHECK(value(store->last_position()) == 500);
}

inline void s23_keys_of_messages_that_are_gone(Factory factory) {
  Fixture store(std::move(factory));
  if (!supported(store->restore_client_keys({}))) return;
  BatchData batch;
  batch.conversations = {a_group(10)};
  Seq head = 0;
  batch.say(cid(10), head, mid(100), uid(1), "{}", a_key(1, 5));
  store.store(batch);
  const std::vector<Storage::StoredKey> keys = {
      {mid(40), uid(2), {{~std::uint64_t{0}, std::uint64_t{1} << 63}, ~std::uint64_t{0}}},
      {mid(41), uid(3), a_key(3)},
      {mid(100), uid(1), a_key(9, 9)},  // the message has a key
      {mid(42), uid(1), a_key(1, 9)}};  // the sender's hash has a message
  CHECK(value(store->restore_client_keys(keys)) == 2);
  CHECK(value(store->restore_client_keys(keys)) == 0);
  CHECK(value(store->restore_client_keys({})) == 0);
  store.reopen();
  const std::vector<Storage::StoredKey> wanted = {keys[0], keys[1], {mid(100), uid(1), a_key(1, 5)}};
  CHECK(same(keys_in_pages(*store, 2), wanted));
  CHECK(value(store->last_position()) == 100);

  BatchData again;
  again.say(cid(10), head, mid(200), uid(2), "{}", keys[0].key);
  const auto conflict = store.refused(again);
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(40));
  CHECK(conflict.duplicates[0].digest == ~std::uint64_t{0});
  CHECK(value(store->forget_client_keys(42, 100)) == 2);
}

}  // namespace loft::testing::storage
