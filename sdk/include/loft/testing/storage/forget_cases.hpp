// What becomes of messages that are not wanted any more: emptied (S20), removed (S21).
#pragma once

#include <string>
#include <vector>

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

namespace forget {

/// Ten messages of two users in one group, ids 101 … 110; user 2 wrote the even ones.
inline void ten_messages(Fixture& store) {
  BatchData batch;
  batch.users = {a_user(1), a_user(2)};
  batch.conversations = {a_group(50), a_group(51)};
  Seq head = 0;
  for (std::uint64_t n = 1; n <= 10; ++n) {
    batch.say(cid(50), head, mid(100 + n), uid(n % 2 == 0 ? 2 : 1), R"({"text":"secret )" + std::to_string(n) + "\"}",
              n <= 3 ? std::optional(a_key(n)) : std::nullopt);
    batch.messages.back().extras = R"({"reply":"secret"})";
  }
  Seq other = 0;
  batch.say(cid(51), other, mid(120), uid(1), R"({"text":"elsewhere"})");
  store.store(batch);
}

inline void recall(Fixture& store, MessageId message, Position position, std::string reason) {
  BatchData batch;
  batch.recalls.push_back({message, position, uid(1)});
  batch.changes.push_back(
      {position, cid(50), ChangeKind::recalled, uid(1), UserId::none, message, Role::member, std::move(reason)});
  batch.applied_upto = position;
  store.store(batch);
}

inline std::vector<Seq> seqs(const std::vector<Message>& messages) {
  std::vector<Seq> list;
  for (const auto& message : messages) list.push_back(message.seq);
  return list;
}

}  // namespace forget

inline void s20_erased_messages_are_empty_and_there(Factory factory) {
  Fixture store(std::move(factory));
  forget::ten_messages(store);
  forget::recall(store, mid(103), 200, "a secret reason");
  forget::recall(store, mid(105), 201, "another reason");
  const auto before = value(store->messages(std::vector{mid(102), mid(104)}));
  BatchData batch;
  batch.erased = {mid(102), mid(103), mid(999), mid(102)};  // unknown ones are passed over, repeats do no harm
  batch.recalls = {{mid(102), 210, uid(2)}};                // of the same batch
  batch.changes = {{210, cid(50), ChangeKind::recalled, uid(2), UserId::none, mid(102), Role::member, "and this"}};
  batch.applied_upto = 210;
  for (int time = 0; time < 2; ++time) {
    store.store(batch);
    auto emptied = before.front();
    emptied.content = "{}";
    emptied.extras.clear();
    emptied.recalled = 210;
    emptied.recalled_by = uid(2);
    const auto now = value(store->messages(std::vector{mid(102), mid(103), mid(104), mid(105)}));
    REQUIRE(now.size() == 4);
    CHECK(same(now[0], emptied));
    CHECK(now[1].content == "{}");
    CHECK(now[1].extras.empty());
    CHECK(now[1].recalled == 200);
    CHECK(same(now[2], before.back()));
    CHECK(now[3].content == R"({"text":"secret 5"})");
    const auto changes = value(store->changes(cid(50), 0, 10));
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].note.empty());
    CHECK(changes[0].message == mid(103));
    CHECK(changes[1].note == "another reason");
    CHECK(changes[2].note.empty());
    CHECK(value(store->log(cid(50), 1, everything, 100, false)).size() == 10);
    CHECK(value(store->conversation(cid(50)))->head == 10);
    CHECK(value(store->count_foreign(cid(50), 1, everything, uid(1))) == 4);
    store.reopen();
  }
}

inline void s21_messages_are_removed_from_the_oldest_on(Factory factory) {
  Fixture store(std::move(factory));
  forget::ten_messages(store);
  forget::recall(store, mid(103), 200, "why not");
  const auto first = store->forget_messages(cid(50), 4, 3);
  if (!first && first.error().reason == "storage.unsupported") {
    WARN("this storage does not remove messages");
    return;
  }
  REQUIRE(value(first) == 3);
  CHECK(forget::seqs(value(store->log(cid(50), 1, everything, 100, false))) == std::vector<Seq>{4, 5, 6, 7, 8, 9, 10});
  REQUIRE(value(store->forget_messages(cid(50), 4, 3)) == 1);
  REQUIRE(value(store->forget_messages(cid(50), 4, 3)) == 0);
  for (int time = 0; time < 2; ++time) {
    CHECK(forget::seqs(value(store->log(cid(50), 1, 6, 100, true))) == std::vector<Seq>{6, 5});
    CHECK(value(store->messages(std::vector{mid(101), mid(103), mid(105)})).size() == 1);
    CHECK(value(store->seq_at(cid(50), 103)) == 0);
    CHECK(value(store->seq_at(cid(50), 104)) == 0);
    CHECK(value(store->seq_at(cid(50), 105)) == 5);
    CHECK(value(store->seq_at(cid(50), 500)) == 10);
    CHECK(value(store->count_foreign(cid(50), 1, everything, uid(1))) == 3);
    CHECK(value(store->sent(cid(50), uid(2), 1, everything, 100)) == std::vector<Seq>{10, 8, 6});
    CHECK(value(store->since(0, 3)).messages.front().id == mid(105));
    // All but the messages is as it was.
    CHECK(value(store->changes(cid(50), 0, 10)).size() == 1);
    const auto stored = value(store->conversation(cid(50)));
    REQUIRE(stored);
    CHECK(stored->head == 10);
    CHECK(stored->last == mid(110));
    CHECK(value(store->last_position()) == 200);
    CHECK(value(store->log(cid(51), 1, everything, 10, false)).size() == 1);
    store.reopen();
  }
  BatchData repeat;
  Seq head = 10;
  repeat.say(cid(50), head, mid(300), uid(1), "{}", a_key(1));
  const auto conflict = store.refused(repeat);
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(101));
  BatchData next;
  head = 10;
  next.say(cid(50), head, mid(301), uid(2), "{}");
  store.store(next);
  REQUIRE(value(store->forget_messages(cid(50), everything, 100)) == 7);
  CHECK(value(store->log(cid(50), 1, everything, 100, false)).empty());
  CHECK(value(store->count_foreign(cid(50), 1, everything, uid(1))) == 0);
  CHECK(value(store->conversation(cid(50)))->head == 11);
  REQUIRE(value(store->forget_messages(cid(50), everything, 100)) == 0);
  REQUIRE(value(store->forget_messages(cid(77), everything, 100)) == 0);
  CHECK(value(store->since(0, 100)).messages.size() == 1);
}

}  // namespace loft::testing::storage
