#include "odd_store.hpp"

#include "transfer/mark.hpp"

using namespace transfer_test;
using Catch::Contains;

namespace {

std::vector<std::string> differences(Storage& a, Storage& b, std::size_t most = 10) {
  transfer::VerifyOptions options;
  options.most = most;
  const auto verified = transfer::verify(a, b, options);
  REQUIRE(verified);
  return verified->differences;
}

}  // namespace

TEST_CASE("verify: two that were filled alike are equal, and so are two empty ones", "[transfer]") {
  Store a, b, c, d;
  fill(a);
  fill(b);
  CHECK(differences(*a, *b).empty());
  CHECK(differences(*c, *d).empty());
}

TEST_CASE("verify: whatever one row differs in is named", "[transfer]") {
  Store a, b;
  fill(a);
  fill(b);
  BatchData one;
  std::string wanted;
  SECTION("a profile") {
    auto user = a_user(9);
    user.profile = "{}";
    one.users = {user};
    wanted = "user 9 ('user9') has another `profile`";
  }
  SECTION("a conversation's rule") {
    auto group = a_group(10);
    group.join = JoinRule::invite_only;
    one.conversations = {group};
    wanted = "conversation 10 has another `join`";
  }
  SECTION("a head") {
    one.heads = {{cid(12), 7, 8, mid(778)}};
    wanted = "conversation 12 has another `head`";
  }
  SECTION("a member") {
    one.members = {{cid(14), uid(1), Role::member, 1, 0, 0, false}};
    wanted = "member 1 of conversation 14 is in the second only";
  }
  SECTION("a recall") {
    one.recalls = {{mid(1012), 1013, uid(1)}};
    wanted = "message 1012 (conversation 10, seq 54) has another `recalled`";
  }
  SECTION("a change") {
    one.changes = {{1701, cid(16), ChangeKind::left, uid(1), uid(1), mid(0), Role::member, ""}};
    wanted = "the change at position 1701 (conversation 16) is in the second only";
  }
  SECTION("a mark of nobody") {
    one.marks = {{uid(99), cid(1001), std::string("odd") + '\0', "x"}};
    wanted = "mark 'odd?' of user 99 in conversation 1001 has another `set`";
  }
  SECTION("a value of a plugin") {
    one.key_values = {{"contract.a", "key1", std::nullopt}};
    wanted = "value 'key1' of 'contract.a' is in the first only";
  }
  SECTION("a follower") {
    REQUIRE(b->set_follower("push", 1235));
    wanted = "the position of follower 'push' has another `position`";
  }
  SECTION("client ids") {
    REQUIRE(value(b->restore_client_keys(std::vector<Storage::StoredKey>{{mid(4), uid(1), a_key(200)}})) == 1);
    wanted = "the client id of message 4 (sender 1) is in the second only";
  }
  SECTION("that one is half of a copy") {
    one.key_values = {{std::string(transfer::mark_space), std::string(transfer::mark_key), "x"}};
    wanted = "the second: the storage holds an unfinished copy of x";
  }
  b.write(one);
  const auto found = differences(*a, *b);
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Contains(wanted));
}

TEST_CASE("verify: a message is named in the conversation it is missing from, and no end of others", "[transfer]") {
  Store a, b;
  BatchData batch;
  for (std::uint64_t i = 1; i <= 30; ++i) batch.conversations.push_back(a_group(i));
  a.write(batch);
  b.write(batch);
  BatchData log;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    Seq head = 0;
    log.say(cid(i), head, mid(100 + i), uid(1), "{}");
  }
  a.write(log);
  for (auto& message : log.messages) message.content = "{\"other\":1}";
  b.write(log);
  const auto verified = transfer::verify(*a, *b, {});
  REQUIRE(verified);
  REQUIRE(verified->differences.size() == 10);
  CHECK(verified->more);
  CHECK(verified->differences[0] == "message 101 (conversation 1, seq 1) has another `content`");
  CHECK(verified->differences[9] == "message 110 (conversation 10, seq 1) has another `content`");
  CHECK(differences(*a, *b, 1).size() == 1);
}

TEST_CASE("verify: pushes, devices and attempts that differ are named, and no token", "[transfer]") {
  Store a, b;
  fill(a);
  fill(b);
  auto& ledger = *b->push_ledger();
  std::string wanted;
  SECTION("a push that is owed in one only") {
    const std::vector more{a_push(2000, 3)};
    REQUIRE(value(ledger.owe(more)) == 1);
    wanted = "the push of message 2000 to user 3 is in the second only";
  }
  SECTION("a push in another state") {
    REQUIRE(value(ledger.revive({mid(1001), uid(1)}, noon, noon)));
    wanted = "the push of message 1001 to user 1 has another `state`";
  }
  SECTION("a device") {
    REQUIRE(value(ledger.register_device(a_device(2, "secret"))) == 5);
    wanted = "device 5 of user 2 is in the second only";
  }
  SECTION("an attempt") {
    const std::vector more{an_attempt(1000, "user1")};
    REQUIRE(ledger.settle(1, {{}, more, {}}));
    wanted = "row 6 of push_log (message 1000) is in the second only";
  }
  CHECK(differences(*a, *b) == std::vector{wanted});
}
