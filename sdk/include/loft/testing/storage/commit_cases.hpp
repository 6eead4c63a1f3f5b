// Promises about commits.
#pragma once

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

/// Two users in a group with three messages, ids 1001 … 1003.
struct Small {
  explicit Small(Factory factory) : store(std::move(factory)) {
    BatchData batch;
    batch.users = {a_user(1), a_user(2)};
    batch.conversations = {a_group(10)};
    batch.members = {{cid(10), uid(1), Role::owner, 900, 0, 0, false},
                     {cid(10), uid(2), Role::member, 901, 0, 0, false}};
    batch.say(cid(10), head, mid(1001), uid(1), R"({"text":"one"})", a_key(1, 11));
    batch.say(cid(10), head, mid(1002), uid(2), R"({"text":"two"})", a_key(2, 22));
    batch.say(cid(10), head, mid(1003), uid(1), R"({"text":"three"})");
    store.store(batch);
  }
  std::vector<Message> log() { return value(store->log(cid(10), 1, everything, 100, false)); }

  Fixture store;
  Seq head = 0;
};

inline void s1_survives_reopening(Factory factory) {
  Small small(factory);
  const auto before = small.log();
  REQUIRE(before.size() == 3);
  small.store.reopen();
  CHECK(same(small.log(), before));
  CHECK(same(value(small.store->user_by_id(uid(2))), std::optional(a_user(2))));
  const auto stored = value(small.store->conversation(cid(10)));
  REQUIRE(stored);
  CHECK(stored->head == 3);
  CHECK(stored->last == mid(1003));
  CHECK(value(small.store->last_position()) == 1003);
}

inline void s2_stale_heads_are_named(Factory factory) {
  Small small(factory);
  BatchData batch;
  Seq wrong = 2;
  batch.say(cid(10), wrong, mid(1010), uid(1), "{}");
  const auto conflict = small.store.refused(batch);
  REQUIRE(conflict.stale.size() == 1);
  CHECK(conflict.stale[0].conversation == cid(10));
  CHECK(conflict.stale[0].head == 3);
  CHECK(conflict.stale[0].last == mid(1003));
  CHECK(conflict.duplicates.empty());
}

inline void s2_all_stale_heads_at_once(Factory factory) {
  Small small(factory);
  BatchData batch;
  batch.conversations = {a_group(11), a_group(12)};
  Seq ahead = 5, right = 0, behind = 0;
  batch.say(cid(10), behind, mid(1010), uid(1), "{}");
  batch.say(cid(11), ahead, mid(1011), uid(1), "{}");
  batch.say(cid(12), right, mid(1012), uid(1), "{}");
  const auto conflict = small.store.refused(batch);
  REQUIRE(conflict.stale.size() == 2);
  Conflict wanted;
  wanted.stale = {{cid(10), 3, mid(1003)}, {cid(11), 0, MessageId::none}};
  CHECK(same(conflict, wanted));
}

inline void s3_duplicates_name_the_original(Factory factory) {
  Small small(factory);
  small.store.reopen();
  BatchData batch;
  batch.say(cid(10), small.head, mid(1010), uid(1), "{}", a_key(3));
  batch.say(cid(10), small.head, mid(1011), uid(2), "{}", a_key(2, 99));
  batch.say(cid(10), small.head, mid(1012), uid(1), "{}", a_key(1, 11));
  const auto conflict = small.store.refused(batch);
  CHECK(conflict.stale.empty());
  Conflict wanted;
  wanted.duplicates = {{1, mid(1002), 22}, {2, mid(1001), 11}};
  CHECK(same(conflict, wanted));
}

inline void s3_duplicates_beside_stale_heads(Factory factory) {
  Small small(factory);
  BatchData batch;
  Seq wrong = 0;
  batch.say(cid(10), wrong, mid(1010), uid(1), "{}", a_key(1));
  const auto conflict = small.store.refused(batch);
  CHECK(conflict.stale.size() == 1);
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(1001));
}

/// A batch that has something of every kind and fails at the last moment.
inline void s4_nothing_of_a_refused_batch_is_seen(Factory factory) {
  Small small(factory);
  for (const bool by_key : {true, false}) {
    BatchData batch;
    batch.users = {a_user(3)};
    auto renamed = a_group(10);
    renamed.name = "another name";
    batch.conversations = {renamed, a_group(11)};
    batch.members = {{cid(10), uid(2), Role::admin, 901, 0, 5, true},
                     {cid(11), uid(3), Role::owner, 2000, 0, 0, false}};
    Seq fresh = 0;
    Seq head = by_key ? 3 : 1;
    batch.say(cid(11), fresh, mid(2001), uid(3), "{}", a_key(50), "Acme:New");
    batch.say(cid(10), head, mid(2002), uid(1), "{}", a_key(by_key ? 1 : 51));
    batch.changes = {{2003, cid(10), ChangeKind::recalled, uid(1), UserId::none, mid(1001), Role::member}};
    batch.recalls = {{mid(1001), 2003, uid(1)}};
    batch.marks = {{uid(2), cid(10), "read", "x"}};
    batch.key_values = {{"contract.a", "key", "value"}};
    batch.applied_upto = 2003;
    const auto before = small.log();
    small.store.refused(batch);

    CHECK(same(small.log(), before));
    CHECK_FALSE(value(small.store->user_by_id(uid(3))));
    CHECK_FALSE(value(small.store->conversation(cid(11))));
    CHECK(value(small.store->conversation(cid(10)))->conversation.name == "group 10");
    CHECK(value(small.store->members(cid(10)))[1].role == Role::member);
    CHECK(value(small.store->memberships(uid(3))).empty());
    CHECK(value(small.store->marks(cid(10), "read")).empty());
    CHECK(value(small.store->since(1003, 10)).changes.empty());
    CHECK_FALSE(value(small.store->key_value("contract.a", "key")));
    CHECK(value(small.store->last_position()) == 1003);
  }
  BatchData again;  // neither the key nor the domain of the refused batches is in the way
  again.conversations = {a_group(11)};
  Seq fresh = 0;
  again.say(cid(11), fresh, mid(2001), uid(2), "{}", a_key(50), "Acme:New");
  small.store.store(again);
  CHECK(value(small.store->log(cid(11), 1, 1, 1, false)).at(0).domain == "Acme:New");
}

inline void s5_a_batch_sent_again_is_recognised(Factory factory) {
  Small small(factory);
  BatchData batch;
  batch.say(cid(10), small.head, mid(1010), uid(1), "{}", a_key(5, 55));
  batch.say(cid(10), small.head, mid(1011), uid(2), "{}");
  batch.changes = {{1012, cid(10), ChangeKind::updated, uid(1), UserId::none, MessageId::none, Role::member}};
  small.store.store(batch);
  for (int i = 0; i < 2; ++i) {
    const auto conflict = small.store.refused(batch);
    Conflict wanted;
    wanted.stale = {{cid(10), 5, mid(1011)}};
    wanted.duplicates = {{0, mid(1010), 55}};
    CHECK(same(conflict, wanted));
    small.store.reopen();
  }
  CHECK(small.log().size() == 5);
}

inline void s5_entries_without_messages_may_come_twice(Factory factory) {
  Small small(factory);
  BatchData batch;
  batch.users = {a_user(3)};
  batch.conversations = {a_direct(12, 1, 3)};
  batch.members = {{cid(12), uid(1), Role::member, 1500, 0, 0, false},
                   {cid(12), uid(3), Role::member, 1500, 0, 0, false}};
  batch.changes = {{1501, cid(12), ChangeKind::created, uid(1), UserId::none, MessageId::none, Role::member},
                   {1502, cid(10), ChangeKind::recalled, uid(1), UserId::none, mid(1001), Role::member}};
  batch.recalls = {{mid(1001), 1502, uid(1)}};
  batch.marks = {{uid(3), cid(12), "read", std::string("\0\1", 2)}};
  batch.applied_upto = 1502;
  small.store.store(batch);
  small.store.store(batch);
  CHECK(value(small.store->since(1003, 10)).changes.size() == 2);
  CHECK(value(small.store->members(cid(12))).size() == 2);
  CHECK(value(small.store->marks(cid(12), "read")).size() == 1);
  CHECK(value(small.store->last_position()) == 1502);
}

inline constexpr std::uint64_t s6_top = (std::uint64_t{1} << 53) - 1;

inline User s6_user(const std::vector<std::string>& texts) {
  auto user = a_user(s6_top);
  user.handle = "\xF0\x9F\x98\x80'\"";
  user.created = std::numeric_limits<std::int64_t>::max();
  user.profile = texts[2];
  return user;
}

inline Conversation s6_group(const std::vector<std::string>& texts) {
  auto group = a_group(s6_top - 1);
  group.name = texts[2];
  group.description = texts[3];
  group.avatar = texts[4];
  group.handle = "\xC3\x9C";
  group.owner = uid(s6_top);
  group.join = JoinRule::invite_only;
  group.created = std::numeric_limits<std::int64_t>::max();
  group.updated = -1;
  group.topic = texts[3];
  group.max_members = std::numeric_limits<std::uint32_t>::max();
  group.dissolved = true;
  return group;
}

inline void s6_texts_and_integers_are_exact(Factory factory) {
  Fixture store(factory);
  const std::vector<std::string> texts = {
      "",
      "{}",
      std::string("a\0b\0", 4),
      "'; DROP TABLE message; -- \" ` \\ % _ : :name ? $1 @x",
      "\xF0\x9F\x98\x80 \xE4\xBD\xA0\xE5\xA5\xBD \xC3\xA9 e\xCC\x81 \xEF\xBF\xBD \xEF\xBB\xBF",
      "\r\n\t\x01\x7f",
      std::string(1 << 20, 'x') + "\xF0\x9F\x98\x80",
  };
  constexpr auto top = s6_top;
  BatchData batch;
  const auto user = s6_user(texts);
  const auto group = s6_group(texts);
  batch.users = {user};
  batch.conversations = {group};
  const Member member{cid(top - 1), uid(top),      Role::admin,
                      top - 50,     3'000'000'000, std::numeric_limits<std::int64_t>::max(),
                      true,         uid(top - 2),  std::numeric_limits<std::int64_t>::max() - 1};
  batch.members = {member};
  Seq head = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ClientKey key{{~std::uint64_t{0} - i, std::uint64_t{1} << 63}, ~std::uint64_t{0}};
    batch.say(cid(top - 1), head, mid(top - 20 + i), uid(top), texts[i], key, i % 2 != 0 ? "Core:Text" : "Acme:Poll");
    batch.messages.back().extras = texts[texts.size() - 1 - i];
  }
  std::string set;
  for (int i = 0; i < 256; ++i) set += static_cast<char>(i);
  batch.marks = {{uid(top), cid(top - 1), "im.fetched", set}, {uid(top), cid(top - 1), "read", ""}};
  batch.changes = {{top, cid(top - 1), ChangeKind::read, uid(top), uid(top - 2), mid(top - 3), Role::owner, texts[3]}};
  batch.applied_upto = top;
  store.store(batch);
  store.reopen();

  CHECK(same(value(store->user_by_id(uid(top))), std::optional(user)));
  CHECK(same(value(store->user_by_handle(user.handle)), std::optional(user)));
  CHECK(same(value(store->conversation(cid(top - 1)))->conversation, group));
  CHECK(same(value(store->conversation_by_handle(group.handle))->conversation, group));
  CHECK(same(value(store->log(cid(top - 1), 1, everything, 100, false)), batch.messages));
  CHECK(same(value(store->members(cid(top - 1))), std::vector{member}));
  CHECK(same(value(store->memberships(uid(top))), std::vector{Membership{member, batch.marks}}));
  CHECK(same(value(store->since(top - 1, 10)).changes, batch.changes));
  CHECK(value(store->last_position()) == top);
  BatchData again;
  Seq none = 0;
  again.say(cid(top - 1), none, mid(top - 1), uid(top), "{}", batch.keys[3]);
  const auto conflict = store.refused(again);
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(top - 17));
  CHECK(conflict.duplicates[0].digest == ~std::uint64_t{0});
}

inline void s24_the_last_position_is_of_what_is_stored(Factory factory) {
  Fixture store(factory);
  BatchData batch;
  batch.users = {a_user(1)};
  batch.conversations = {a_group(10)};
  batch.members = {{cid(10), uid(1), Role::owner, 5, 0, 0, false}};
  batch.applied_upto = 10;
  store.store(batch);
  BatchData mark;  // the position is all that tells this one from nothing
  mark.marks = {{uid(1), cid(10), "read", "[]"}};
  mark.applied_upto = 20;
  store.store(mark);
  CHECK(value(store->last_position()) == 20);
  BatchData refused;
  Seq head = 7;
  refused.say(cid(10), head, mid(30), uid(1), "{}");
  refused.applied_upto = 30;
  CHECK_FALSE(value(store->commit(refused.view())).empty());
  BatchData nothing;
  nothing.applied_upto = 20;
  store.store(nothing);
  CHECK(value(store->last_position()) == 20);
}

inline void s7_no_position_is_forgotten(Factory factory) {
  Fixture store(factory);
  CHECK(value(store->last_position()) == 0);
  Position expected = 0;
  const auto grows = [&](BatchData batch, Position to) {
    store.store(batch);
    expected = to;
    CHECK(value(store->last_position()) == expected);
    store.reopen();
    CHECK(value(store->last_position()) == expected);
  };
  BatchData batch;
  batch.users = {a_user(1), a_user(2)};
  batch.conversations = {a_group(10)};
  batch.applied_upto = 5;
  grows(batch, 5);
  Seq head = 0;
  batch = {};
  batch.say(cid(10), head, mid(100), uid(1), "{}", a_key(1));
  batch.applied_upto = 50;  // others are still on their way
  grows(batch, 100);
  batch = {};
  batch.changes = {{200, cid(10), ChangeKind::updated, uid(1), UserId::none, MessageId::none, Role::member}};
  grows(batch, 200);
  batch = {};
  batch.recalls = {{mid(100), 300, uid(1)}};
  grows(batch, 300);
  batch = {};
  batch.members = {{cid(10), uid(1), Role::member, 400, 1, 0, false}};
  grows(batch, 400);
  batch = {};
  batch.applied_upto = 350;  // does not go back
  grows(batch, 400);
  CHECK(value(store->forget_client_keys(1000, 10)) == 1);
  CHECK(value(store->last_position()) == 400);
}

inline void refused_as_broken(Fixture& store, BatchData& batch) {
  auto done = store->commit(batch.view());
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == Code::internal);
  CHECK(done.error().reason == "storage.broken");
}

inline void s10_names_are_unique(Factory factory) {
  Small small(factory);
  BatchData named;
  auto first = a_group(20);
  first.handle = "town";
  named.conversations = {first, a_direct(21, 1, 2), a_direct(22, 1, 1), a_group(23), a_group(24)};
  small.store.store(named);

  auto user = a_user(3);
  user.handle = "user1";
  auto twin = a_user(4);
  twin.uuid = a_user(1).uuid;
  for (const auto& wrong : {user, twin}) {
    BatchData batch;
    batch.users = {a_user(5), wrong};
    refused_as_broken(small.store, batch);
    CHECK_FALSE(value(small.store->user_by_id(uid(5))));
  }
  auto same_handle = a_group(30);
  same_handle.handle = "town";
  auto same_uuid = a_group(30);
  same_uuid.uuid = first.uuid;
  for (const auto& wrong : {same_handle, same_uuid, a_direct(30, 1, 2), a_direct(30, 1, 1)}) {
    BatchData batch;
    batch.users = {a_user(5)};
    batch.conversations = {wrong};
    refused_as_broken(small.store, batch);
    CHECK_FALSE(value(small.store->user_by_id(uid(5))));
    CHECK_FALSE(value(small.store->conversation(cid(30))));
  }
  CHECK(value(small.store->conversation_by_handle("town"))->conversation.id == cid(20));
  CHECK(value(small.store->conversation_by_pair(uid(1), uid(2)))->conversation.id == cid(21));
  CHECK(value(small.store->conversation_by_pair(uid(1), uid(1)))->conversation.id == cid(22));
  CHECK_FALSE(value(small.store->conversation_by_handle("")));
}

inline void s10_mistakes_are_refused_whole(Factory factory) {
  Small small(factory);
  BatchData nowhere;
  Seq none = 0;
  nowhere.users = {a_user(6)};
  nowhere.say(cid(99), none, mid(1010), uid(1), "{}");
  refused_as_broken(small.store, nowhere);
  BatchData twice;
  Seq head = 3;
  twice.users = {a_user(6)};
  twice.say(cid(10), head, mid(1010), uid(1), "{}", a_key(8));
  twice.say(cid(10), head, mid(1011), uid(1), "{}", a_key(8));
  refused_as_broken(small.store, twice);
  CHECK(small.log().size() == 3);
  CHECK_FALSE(value(small.store->user_by_id(uid(6))));
  BatchData right;  // and work goes on
  right.say(cid(10), small.head, mid(1010), uid(1), "{}", a_key(8));
  small.store.store(right);
  CHECK(small.log().size() == 4);
}

}  // namespace loft::testing::storage
