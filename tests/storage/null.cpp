// storage.null: what it remembers and what it does not.
#include "plugin_under_test.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using namespace loft::testing::storage;

TEST_CASE("null: users, conversations, members and heads are remembered, messages are not", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path(), {}, "storage.null");
  CHECK(running->instant());
  BatchData batch;
  batch.users = {a_user(2), a_user(1)};
  auto group = a_group(10);
  group.handle = "town";
  batch.conversations = {group, a_direct(11, 1, 2)};
  batch.members = {{cid(10), uid(2), Role::member, 90, 0, 0, false}, {cid(10), uid(1), Role::owner, 80, 0, 0, false}};
  batch.marks = {{uid(1), cid(10), "read", "x"}};
  Seq head = 0;
  batch.say(cid(10), head, mid(100), uid(1), "{}", a_key(1));
  REQUIRE(value(running->commit(batch.view())).empty());

  CHECK(same(value(running->user_by_handle("user2")), std::optional(a_user(2))));
  CHECK(same(value(running->user_by_uuid(a_user(1).uuid)), std::optional(a_user(1))));
  CHECK(value(running->users(UserId::none, 1)).at(0).id == uid(1));
  CHECK(value(running->conversation_by_handle("town"))->head == 1);
  CHECK(value(running->conversation_by_uuid(group.uuid))->last == mid(100));
  CHECK(value(running->conversation_by_pair(uid(1), uid(2)))->conversation.id == cid(11));
  CHECK(value(running->members(cid(10))).at(0).user == uid(1));
  CHECK(value(running->memberships(uid(2))).size() == 1);
  CHECK(value(running->last_position()) == 100);
  CHECK(value(running->log(cid(10), 1, everything, 10, false)).empty());
  CHECK(value(running->since(0, 10)).messages.empty());
  CHECK(value(running->marks(cid(10), "read")).empty());
}

TEST_CASE("null: heads are compared, a refused batch leaves nothing", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path(), {}, "storage.null");
  BatchData batch;
  batch.conversations = {a_group(10)};
  Seq head = 0;
  batch.say(cid(10), head, mid(100), uid(1), "{}");
  REQUIRE(value(running->commit(batch.view())).empty());
  batch.users = {a_user(9)};
  const auto conflict = value(running->commit(batch.view()));
  REQUIRE(conflict.stale.size() == 1);
  CHECK(conflict.stale[0].head == 1);
  CHECK(conflict.stale[0].last == mid(100));
  CHECK_FALSE(value(running->user_by_id(uid(9))));
}

TEST_CASE("null: the state of plugins and broadcasts are remembered", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path(), {}, "storage.null");
  BatchData batch;
  auto news = a_group(10);
  news.kind = ConversationKind::broadcast;
  batch.conversations = {a_group(9), news};
  batch.key_values = {{"a", "one", "1"}, {"a", "two", "2"}, {"b", "one", "3"}, {"a", "two", std::nullopt}};
  REQUIRE(value(running->commit(batch.view())).empty());
  REQUIRE(value(running->broadcasts()).size() == 1);
  CHECK(value(running->broadcasts()).at(0).conversation.id == cid(10));
  CHECK(value(running->key_value("a", "one")) == "1");
  CHECK_FALSE(value(running->key_value("a", "two")));
  CHECK(same(value(running->key_values("a", "", "", 9)), std::vector<Storage::StoredValue>{{"one", "1"}}));
}

TEST_CASE("null: a name that changes no longer finds its user", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path(), {}, "storage.null");
  BatchData batch;
  batch.users = {a_user(1)};
  REQUIRE(value(running->commit(batch.view())).empty());
  batch.users[0].handle = "renamed";
  REQUIRE(value(running->commit(batch.view())).empty());
  CHECK_FALSE(value(running->user_by_handle("user1")));
  CHECK(value(running->user_by_handle("renamed"))->id == uid(1));
}

TEST_CASE("null: S22 what is remembered comes in pages, in order", "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path(), {}, "storage.null");
  BatchData batch;
  batch.conversations = {a_group(12), a_group(10), a_group(11)};
  batch.key_values = {{"b", "k", "2"}, {"a", "z", "1"}};
  REQUIRE(value(running->commit(batch.view())).empty());
  REQUIRE(running->set_follower("f", 7));
  const auto first = value(running->all_conversations(ConversationId::none, 2));
  REQUIRE(first.size() == 2);
  CHECK(first[0].conversation.id == cid(10));
  CHECK(first[1].conversation.id == cid(11));
  REQUIRE(value(running->all_conversations(cid(11), 9)).size() == 1);
  CHECK(value(running->all_conversations(cid(12), 9)).empty());
  CHECK(value(running->all_key_values({}, 1)).at(0).space == "a");
  CHECK(value(running->all_key_values({"a", "z", {}}, 9)).at(0).value == "2");
  CHECK(value(running->followers()).at(0).position == 7);
  CHECK(value(running->client_keys(MessageId::none, 9)).empty());
  CHECK(value(running->all_marks({}, 9)).empty());
}
