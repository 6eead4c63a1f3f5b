// Promises about reads, and what is read after changes.
#pragma once

#include <loft/testing/storage/commit_cases.hpp>
#include <loft/testing/storage/model.hpp>

namespace loft::testing::storage {

/// A long log: ids are far apart, so that positions lie between them; every third message is from user 2.
inline void fill(Fixture& store, std::uint64_t conversation, std::size_t count, MessageId from) {
  BatchData batch;
  batch.conversations = {a_group(conversation)};
  Seq head = 0;
  for (std::size_t i = 0; i < count; ++i) {
    batch.say(cid(conversation), head, mid(raw(from) + 10 * i), uid(i % 3 == 2 ? 2 : 1),
              "{\"n\":" + std::to_string(i) + "}");
  }
  store.store(batch);
}

inline void s8_the_seq_at_a_position(Factory factory) {
  Fixture store(factory);
  CHECK(value(store->seq_at(cid(1), 100)) == 0);
  fill(store, 1, 1000, mid(10'000));
  fill(store, 2, 1, mid(50'000));
  BatchData empty;
  empty.conversations = {a_group(3)};
  store.store(empty);
  for (const Seq seq : {1u, 2u, 3u, 499u, 500u, 501u, 998u, 999u, 1000u}) {
    const Position id = 10'000 + 10 * (seq - 1);
    CHECK(value(store->seq_at(cid(1), id - 1)) == seq - 1);
    CHECK(value(store->seq_at(cid(1), id)) == seq);
    CHECK(value(store->seq_at(cid(1), id + 9)) == seq);
  }
  CHECK(value(store->seq_at(cid(1), 0)) == 0);
  CHECK(value(store->seq_at(cid(1), std::uint64_t{1} << 53)) == 1000);
  CHECK(value(store->seq_at(cid(2), 49'999)) == 0);
  CHECK(value(store->seq_at(cid(2), 50'000)) == 1);
  CHECK(value(store->seq_at(cid(3), 50'000)) == 0);
}

inline void s11_entries_are_replaced(Factory factory) {
  Small small(factory);
  auto user = a_user(2);
  user.handle = "renamed";
  user.profile = R"({"name":"Two"})";
  auto group = a_group(10);
  group.handle = "now-with-a-handle";
  group.owner = uid(2);
  group.topic = "news";
  group.max_members = 5;
  group.dissolved = true;
  const Member left{cid(10), uid(2), Role::owner, 901, 0, 77, true, uid(1), 78};
  BatchData batch;
  batch.users = {user};
  batch.conversations = {group};
  batch.members = {left};
  batch.marks = {{uid(2), cid(10), "read", "first"}};
  small.store.store(batch);
  batch.marks[0].set = "second";
  batch.changes = {{1100, cid(10), ChangeKind::role, uid(1), uid(2), MessageId::none, Role::owner}};
  small.store.store(batch);
  batch.changes[0].actor = uid(9);  // the position is taken
  small.store.store(batch);

  CHECK_FALSE(value(small.store->user_by_handle("user2")));
  CHECK(same(value(small.store->user_by_handle("renamed")), std::optional(user)));
  const auto stored = value(small.store->conversation_by_handle("now-with-a-handle"));
  REQUIRE(stored);
  CHECK(same(stored->conversation, group));
  CHECK(stored->head == 3);
  CHECK(stored->last == mid(1003));
  CHECK(same(value(small.store->members(cid(10))).at(1), left));
  CHECK(value(small.store->marks(cid(10), "read")).at(0).set == "second");
  CHECK(value(small.store->marks(cid(10), "hidden")).empty());
  CHECK(value(small.store->since(1003, 10)).changes.at(0).actor == uid(1));
}

inline void s12_recalls_are_exact(Factory factory) {
  Small small(factory);
  BatchData batch;
  batch.say(cid(10), small.head, mid(1010), uid(2), "{\"secret\":1}");
  batch.recalls = {{mid(1010), 1011, uid(2)}, {mid(1001), 1012, uid(2)}, {mid(4711), 1013, uid(2)}};
  small.store.store(batch);
  BatchData second;
  second.recalls = {{mid(1010), 1020, uid(1)}};
  small.store.store(second);

  const auto log = small.log();
  REQUIRE(log.size() == 4);
  CHECK(log[0].recalled == 1012);
  CHECK(log[0].recalled_by == uid(2));
  CHECK(log[0].content == R"({"text":"one"})");
  CHECK(log[1].recalled == 0);
  CHECK(log[3].recalled == 1011);
  CHECK(log[3].content == "{\"secret\":1}");
  CHECK(value(small.store->count_foreign(cid(10), 1, 4, uid(1))) == 1);
  CHECK(value(small.store->count_foreign(cid(10), 1, everything, uid(2))) == 1);
  CHECK(value(small.store->count_foreign(cid(10), 3, 2, uid(2))) == 0);
  CHECK(value(small.store->sent(cid(10), uid(1), 1, 4, 10)) == std::vector<Seq>{3});
  CHECK(value(small.store->sent(cid(10), uid(2), 1, everything, 10)) == std::vector<Seq>{2});
  CHECK(value(small.store->sent(cid(10), uid(2), 3, everything, 10)).empty());
  CHECK(value(small.store->messages(std::vector{mid(1010)})).at(0).recalled_by == uid(2));
}

/// Long enough for a storage that counts in pieces: what it remembers of them must hold at each of their ends.
inline void s25_many_counts_at_once(Factory factory) {
  Fixture store(std::move(factory));
  Model model;
  Seq first = 0, second = 0;
  const auto commit = [&](std::uint64_t from, std::uint64_t to) {
    BatchData batch;
    if (from == 1) batch.conversations = {a_group(10), a_group(11), a_group(12)};
    for (auto n = from; n <= to; ++n) {
      batch.say(cid(10), first, mid(1000 + 10 * n), uid(1 + n % 3), "{}");
      if (n % 2 == 0) batch.say(cid(11), second, mid(1001 + 10 * n), uid(1 + n % 7 % 3), "{}");
      if (n % 50 == 0) batch.recalls.push_back({mid(1000 + 10 * n), 1002 + 10 * n, uid(1)});
    }
    store.store(batch);
    static_cast<void>(model.commit(batch.view()));
  };
  commit(1, 90);
  commit(91, 530);
  commit(531, 780);
  // The oldest of two logs are gone, where the storage can do that.
  if (store->forget_messages(cid(11), 7, 100)) model.forget_messages(cid(11), 7, 100);
  if (store->forget_messages(cid(10), 300, 290)) model.forget_messages(cid(10), 300, 290);
  std::vector<Storage::ForeignRange> ranges;
  for (const Seq high : {Seq{0}, Seq{7}, Seq{300}, Seq{512}, Seq{767}, Seq{768}, Seq{780}, everything}) {
    for (const Seq low : {Seq{0}, Seq{1}, Seq{8}, Seq{256}, Seq{257}, Seq{513}, Seq{780}, everything}) {
      for (const std::uint64_t conversation : {11u, 10u, 12u, 99u}) {
        for (const auto user : {uid(1), uid(2), uid(9), UserId::none})
          ranges.push_back({cid(conversation), low, high, user});
      }
    }
  }
  std::vector<std::uint64_t> wanted;
  for (const auto& [conversation, low, high, user] : ranges)
    wanted.push_back(model.count_foreign(conversation, low, high, user));
  for (const std::size_t many : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{75}, ranges.size()}) {
    const auto counts = value(store->counts_foreign(std::span(ranges).first(many)));
    REQUIRE(counts.size() == many);
    for (std::size_t i = 0; i < many; ++i) {
      const auto& [conversation, low, high, user] = ranges[i];
      INFO("conversation " << raw(conversation) << ", " << low << " to " << high << ", not from " << raw(user));
      REQUIRE(counts[i] == wanted[i]);
      if (i % 31 == 0) REQUIRE(value(store->count_foreign(conversation, low, high, user)) == wanted[i]);
    }
  }
}

inline void s13_lists_are_in_order(Factory factory) {
  Fixture store(factory);
  BatchData batch;
  for (const std::uint64_t n : {30u, 10u, 20u}) {
    batch.users.push_back(a_user(n));
    batch.conversations.push_back(a_group(n));
    batch.members.push_back({cid(n), uid(20), Role::member, 100 + n, 0, 0, n == 30});
  }
  batch.members.push_back({cid(10), uid(30), Role::member, 50, 0, 0, true});
  batch.members.push_back({cid(10), uid(10), Role::member, 110, 0, 0, false});
  batch.marks = {{uid(20), cid(30), "read", "a"}, {uid(20), cid(10), "read", "b"}, {uid(20), cid(10), "hidden", "c"}};
  store.store(batch);
  fill(store, 5, 20, mid(1000));

  const auto users = value(store->users(uid(10), 5));
  REQUIRE(users.size() == 2);
  CHECK(users[0].id == uid(20));
  CHECK(users[1].id == uid(30));
  CHECK(value(store->users(UserId::none, 2)).size() == 2);
  const auto members = value(store->members(cid(10)));
  REQUIRE(members.size() == 3);
  CHECK(members[0].user == uid(30));
  CHECK(members[1].user == uid(10));
  CHECK(members[2].user == uid(20));
  const auto mine = value(store->memberships(uid(20)));
  REQUIRE(mine.size() == 3);
  CHECK(mine[0].member.conversation == cid(10));
  CHECK(mine[0].marks.size() == 2);
  CHECK(mine[1].marks.empty());
  CHECK(mine[2].marks.at(0).set == "a");
  CHECK(mine[2].member.left);

  const auto some = value(store->messages(std::vector{mid(1100), mid(5), mid(1000), mid(1100)}));
  REQUIRE(some.size() == 2);
  CHECK(some[0].id == mid(1000));
  CHECK(some[1].id == mid(1100));
  CHECK(value(store->messages({})).empty());
  const auto down = value(store->log(cid(5), 3, 10, 4, true));
  REQUIRE(down.size() == 4);
  CHECK(down.front().seq == 10);
  CHECK(down.back().seq == 7);
  const auto up = value(store->log(cid(5), 3, 10, 4, false));
  REQUIRE(up.size() == 4);
  CHECK(up.front().seq == 3);
  CHECK(value(store->conversations(std::vector{cid(30), cid(99), cid(5)})).size() == 2);
  CHECK(value(store->conversations({})).empty());
}

inline void s14_since_has_no_gap_and_no_repeat(Factory factory) {
  Fixture store(factory);
  BatchData batch;
  batch.conversations = {a_group(1)};
  Seq head = 0;
  for (std::uint64_t position = 1; position <= 60; ++position) {
    if (position % 5 < 3) {
      batch.say(cid(1), head, mid(position), uid(1), "{}");
    } else {
      batch.changes.push_back(
          {position, cid(1), ChangeKind::updated, uid(1), UserId::none, MessageId::none, Role::member});
    }
  }
  store.store(batch);
  for (const std::size_t limit : {1u, 2u, 7u, 60u, 1000u}) {
    Position at = 0;
    std::size_t count = 0;
    for (;;) {
      const auto page = value(store->since(at, limit));
      const auto size = page.messages.size() + page.changes.size();
      if (size == 0) break;
      CHECK(size <= limit);
      std::vector<Position> positions;
      for (const auto& m : page.messages) positions.push_back(raw(m.id));
      for (const auto& c : page.changes) positions.push_back(c.position);
      std::sort(positions.begin(), positions.end());
      for (const auto position : positions) REQUIRE(position == ++at);
      count += size;
    }
    CHECK(count == 60);
  }
  CHECK(value(store->since(0, 0)).messages.empty());
}

inline void s16_changes_of_a_conversation_are_listed_by_position(Factory factory) {
  Fixture store(factory);
  BatchData batch;
  batch.conversations = {a_group(1), a_group(2), a_group(3)};
  for (std::uint64_t position = 10; position < 30; ++position) {
    batch.changes.push_back(
        {position, cid(1 + position % 2), ChangeKind::joined, uid(1), uid(position), MessageId::none, Role::member});
  }
  store.store(batch);
  const auto odd = value(store->changes(cid(2), 15, 4));
  REQUIRE(odd.size() == 4);
  for (std::size_t i = 0; i < odd.size(); ++i) {
    CHECK(odd[i].position == 17 + 2 * i);
    CHECK(odd[i].conversation == cid(2));
    CHECK(odd[i].subject == uid(17 + 2 * i));
  }
  CHECK(value(store->changes(cid(2), 29, 4)).empty());
  CHECK(value(store->changes(cid(3), 0, 4)).empty());
  CHECK(value(store->conversation(cid(1)))->last_change == 28);
  CHECK(value(store->conversation(cid(2)))->last_change == 29);
  CHECK(value(store->conversation(cid(3)))->last_change == 0);
}

inline void s15_client_keys_are_forgotten_by_age(Factory factory) {
  Small small(factory);
  BatchData more;
  for (std::uint64_t n = 0; n < 50; ++n) more.say(cid(10), small.head, mid(2000 + n), uid(1), "{}", a_key(100 + n));
  small.store.store(more);
  CHECK(value(small.store->forget_client_keys(1001, 10)) == 0);
  CHECK(value(small.store->forget_client_keys(2040, 5)) > 0);
  std::size_t left = 0;
  while (const auto count = value(small.store->forget_client_keys(2040, 7))) {
    CHECK(count <= 7);
    left += count;
  }
  CHECK(left > 0);
  BatchData again;  // old ones may come again, one that is young enough is still known
  again.say(cid(10), small.head, mid(3000), uid(1), "{}", a_key(1));
  again.say(cid(10), small.head, mid(3001), uid(1), "{}", a_key(139));
  small.store.store(again);
  BatchData young;
  young.say(cid(10), small.head, mid(3002), uid(1), "{}", a_key(140));
  const auto conflict = small.store.refused(young);
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(2040));
}

inline void s17_values_are_found_by_key_and_prefix(Factory factory) {
  Fixture store(factory);
  BatchData batch;
  const auto put = [&](std::string key, std::optional<std::string> text, std::string space = "contract.a") {
    batch.key_values.push_back({std::move(space), std::move(key), std::move(text)});
  };
  std::string large;
  while (large.size() < 64 << 10) large += "\xC3\xA9";
  put("b", "overwritten");
  put("b", std::string("zero \0 inside", 13));
  put("a/1", "one");
  put("a/10", "ten");
  put("a/2", large);
  put("a0", "");
  put("gone", "x");
  put("gone", std::nullopt);
  put("never there", std::nullopt);
  put("\xC3\xA9", "two bytes");
  put("a/1", "other", "contract.b");
  store.store(batch);
  store.reopen();

  CHECK(value(store->key_value("contract.a", "b")) == std::string("zero \0 inside", 13));
  CHECK(value(store->key_value("contract.a", "a/2")) == large);
  CHECK(value(store->key_value("contract.a", "a0")) == "");
  CHECK(value(store->key_value("contract.b", "a/1")) == "other");
  CHECK_FALSE(value(store->key_value("contract.b", "b")));
  CHECK_FALSE(value(store->key_value("contract.a", "gone")));
  const auto keys = [&](std::string_view prefix, std::string_view after, std::size_t limit) {
    std::string line;
    for (const auto& row : value(store->key_values("contract.a", prefix, after, limit))) line += row.key + " ";
    return line;
  };
  CHECK(keys("", "", 100) == "a/1 a/10 a/2 a0 b \xC3\xA9 ");
  CHECK(keys("a/", "", 100) == "a/1 a/10 a/2 ");
  CHECK(keys("a/", "a/1", 100) == "a/10 a/2 ");
  CHECK(keys("a/", "a/1", 1) == "a/10 ");
  CHECK(keys("a/", "b", 100).empty());
  CHECK(keys("", "b", 100) == "\xC3\xA9 ");
  CHECK(keys("a/1", "a", 100) == "a/1 a/10 ");
  CHECK(keys("", "", 0).empty());
  CHECK(value(store->key_values("contract.a", "a/1", "", 1)).at(0).value == "one");

  BatchData second;
  second.key_values = {{"contract.a", "b", std::nullopt}, {"contract.a", "a/1", "changed"}};
  store.store(second);
  CHECK_FALSE(value(store->key_value("contract.a", "b")));
  CHECK(value(store->key_value("contract.a", "a/1")) == "changed");
  CHECK(value(store->key_value("contract.b", "a/1")) == "other");
}

inline void s18_broadcasts_are_listed(Factory factory) {
  Fixture store(factory);
  CHECK(value(store->broadcasts()).empty());
  const auto of_kind = [](std::uint64_t n, ConversationKind kind) {
    auto conversation = a_group(n);
    conversation.kind = kind;
    conversation.topic = "topic " + std::to_string(n);
    return conversation;
  };
  BatchData batch;
  batch.conversations = {of_kind(30, ConversationKind::broadcast), of_kind(10, ConversationKind::group),
                         of_kind(20, ConversationKind::broadcast), of_kind(25, ConversationKind::system)};
  Seq head = 0;
  batch.say(cid(20), head, mid(1001), uid(1), "{}");
  batch.say(cid(20), head, mid(1002), uid(1), "{}");
  batch.changes = {{1003, cid(20), ChangeKind::recalled, uid(1), UserId::none, mid(1001), Role::member}};
  store.store(batch);
  store.reopen();
  const auto found = value(store->broadcasts());
  REQUIRE(found.size() == 2);
  CHECK(same(found[0].conversation, batch.conversations[2]));
  CHECK(found[0].head == 2);
  CHECK(found[0].last == mid(1002));
  CHECK(found[0].last_change == 1003);
  CHECK(same(found[1].conversation, batch.conversations[0]));
}

inline void followers_keep_their_position(Factory factory) {
  Fixture store(factory);
  CHECK_FALSE(value(store->follower("push.apns")));
  REQUIRE(store->set_follower("push.apns", 5).ok());
  REQUIRE(store->set_follower("mirror", 0).ok());
  REQUIRE(store->set_follower("push.apns", (std::uint64_t{1} << 53) - 1).ok());
  store.reopen();
  CHECK(value(store->follower("push.apns")) == (std::uint64_t{1} << 53) - 1);
  CHECK(value(store->follower("mirror")) == 0u);
}

}  // namespace loft::testing::storage
