// Sources with rows that cannot be, or that belong to nothing, and sources that are written to meanwhile.
#include "odd_store.hpp"
#include "raw.hpp"

#include "transfer/mark.hpp"

using namespace transfer_test;
using Catch::Contains;

namespace {

/// Beside whoever has the store open, as an operator with another program does.
void edit(const Store& store, const std::string& sql) {
  storage_test::Raw(store.directory.path() + "/loft.db").run(sql);
}

transfer::CopyOptions counting(Store& source) {
  auto options = by(10);
  options.count_source = count_of(source);
  return options;
}

std::string differences(Store& a, Store& b) {
  transfer::VerifyOptions options;
  options.count = {count_of(a), count_of(b)};
  const auto verified = transfer::verify(*a, *b, options);
  if (!verified) return verified.error().reason + ": " + verified.error().detail;
  std::string text;
  for (const auto& difference : verified->differences) text += difference + "\n";
  return text;
}

bool is_unfinished(Store& store) {
  return value(store->key_value(transfer::mark_space, transfer::mark_key)).has_value();
}

}  // namespace

TEST_CASE("transfer: what no read comes by is refused before it would be left behind, and goes once it is mended",
          "[transfer]") {
  struct Orphan {
    std::string sql, said, mend;
  };
  const std::vector<Orphan> list = {
      {"INSERT INTO member SELECT 777, user_id, role, joined, joined_seq, muted_until, has_left, 0, 0 FROM member "
       "WHERE "
       "conversation_id = 10 LIMIT 2",
       "table member has 16 rows, and 14 of them belong to what is stored",
       "DELETE FROM member WHERE conversation_id = 777"},
      {"INSERT INTO \"user\" VALUES (-3, 'minus', 'uuid-minus', 1, '')",
       "table user has 10 rows, and 9 of them belong to what is stored", "DELETE FROM \"user\" WHERE id = -3"},
      {"INSERT INTO client_message VALUES (-9, 1, 2, 3, 4)",
       "table client_message has 14 rows, and 13 of them belong to what is stored",
       "DELETE FROM client_message WHERE message_id = -9"},
      {"INSERT INTO message VALUES (-8, 10, 9, 1, 1, '{}', NULL, NULL, NULL)",
       "table message has 17 rows, and 16 of them belong to what is stored", "DELETE FROM message WHERE id = -8"}};
  for (const auto& one : list) {
    INFO(one.sql);
    Store source, target, twin;
    fill(source);
    fill(twin);
    edit(source, one.sql);
    CHECK_THAT(refusal(*source, *target, counting(source)),
               Contains("transfer.damaged: the source contradicts itself: " + one.said) &&
                   Contains("`loft storage check` names the others"));
    CHECK(is_unfinished(target));
    CHECK(differences(source, twin) == "in the first, " + one.said + "; `loft storage check` names the others\n");
    CHECK(differences(twin, source) == "in the second, " + one.said + "; `loft storage check` names the others\n");
    edit(source, one.mend);
    CHECK(refusal(*source, *target, counting(source)) == "it copied");
    CHECK(differences(source, target).empty());
  }
}

TEST_CASE("transfer: a row that cannot be read is named by table, row and column", "[transfer]") {
  struct Wrong {
    std::string sql, said;
  };
  const std::vector<Wrong> list = {{"UPDATE conversation SET kind = 9 WHERE id = 13",
                                    "storage.corrupt: the source: table conversation, row 13: column kind is 9"},
                                   {"UPDATE member SET role = -1 WHERE user_id = 3 AND conversation_id = 10",
                                    "storage.corrupt: the source: table member, row 10, 3: column role is -1"},
                                   {"UPDATE change SET kind = 12 WHERE position = 1700",
                                    "storage.corrupt: the source: table change, row 1700: column kind is 12"},
                                   {"UPDATE message SET domain_id = 44 WHERE id = 1052",
                                    "storage.corrupt: the source: table message, row 1052: column domain_id is 44"}};
  for (const auto& one : list) {
    INFO(one.sql);
    Store source, target, twin;
    fill(source);
    fill(twin);
    edit(source, one.sql);
    CHECK_THAT(refusal(*source, *target, counting(source)), Contains(one.said));
    CHECK_THAT(differences(twin, source), Contains("storage.corrupt: the second: table "));
  }
}

TEST_CASE("transfer: a row that the target does not take is named, and what came before it is the beginning of a copy",
          "[transfer]") {
  Store source, target;
  fill(source);
  std::string said, mend;
  SECTION("a user whose handle another one has") {
    edit(source, "DROP INDEX user_handle; UPDATE \"user\" SET handle = 'user2' WHERE id = 6");
    said = "transfer.refused: the target does not take user 6 ('user2'): another row has its name";
    mend = "UPDATE \"user\" SET handle = 'user6' WHERE id = 6";
  }
  SECTION("a conversation of two that another one is of") {
    edit(source, "DROP INDEX conversation_pair; UPDATE conversation SET low_id = 1, high_id = 2 WHERE id = 14");
    said = "transfer.refused: the target does not take conversation 16: another row has its name";
    mend = "UPDATE conversation SET low_id = NULL, high_id = NULL WHERE id = 14";
  }
  CHECK_THAT(refusal(*source, *target, counting(source)), Contains(said));
  CHECK(is_unfinished(target));
  edit(source, mend);
  const auto again = refusal(*source, *target, counting(source));
  if (mend.find("conversation") == std::string::npos) {
    CHECK(again == "it copied");
    CHECK(differences(source, target).empty());
  } else {
    CHECK_THAT(again, Contains("transfer.different") && Contains("conversation 14"));
  }
}

TEST_CASE("transfer: a text that is not UTF-8 is named by row and column, and nothing of it is written", "[transfer]") {
  struct Wrong {
    std::string sql, said;
  };
  const std::vector<Wrong> list = {{"UPDATE \"user\" SET profile = CAST(x'ff' AS TEXT) WHERE id = 3",
                                    "user 3 ('user3') has a `profile` that is not UTF-8"},
                                   {"UPDATE conversation SET description = CAST(x'c3' AS TEXT) WHERE id = 12",
                                    "conversation 12 ('group 12') has a `description` that is not UTF-8"},
                                   {"UPDATE message SET content = CAST(x'80' AS TEXT) WHERE id = 1051",
                                    "message 1051 (conversation 16, seq 2) has a `content` that is not UTF-8"},
                                   {"UPDATE change SET note = CAST(x'80' AS TEXT) WHERE position = 1700",
                                    "the change at position 1700 (conversation 10) has a `note` that is not UTF-8"},
                                   {"UPDATE key_value SET value = CAST(x'fe' AS TEXT) WHERE key = 'key2'",
                                    "value 'key2' of 'contract.a' has a `value` that is not UTF-8"}};
  for (const auto& one : list) {
    INFO(one.sql);
    Store source, target;
    fill(source);
    edit(source, one.sql);
    CHECK(refusal(*source, *target) == "transfer.damaged: the source contradicts itself: " + one.said);
    CHECK(is_unfinished(target));
  }
}

TEST_CASE("transfer: a source that is written to while it is copied is noticed, and the copy is not finished",
          "[transfer]") {
  const auto one = GENERATE(as<std::string>(), "INSERT INTO \"user\" VALUES (500, 'late', 'uuid-late', 1, '')",
                            "DELETE FROM mark WHERE user_id = 1",
                            "UPDATE progress SET applied_upto = position + 1, position = position + 1",
                            "DELETE FROM member WHERE conversation_id = 10");
  const auto when = GENERATE(as<std::string>(), "users", "messages", "values of plugins");
  INFO(one << " during " << when);
  Store source, target;
  fill(source);
  edit(source, "UPDATE progress SET applied_upto = applied_upto - 5, position = position - 5");
  auto options = counting(source);
  bool once = true;
  options.watch = [&](const transfer::Step& step) {
    if (step.what == when && std::exchange(once, false)) edit(source, one);
  };
  const auto said = refusal(*source, *target, options);
  CHECK_THAT(said, Contains("transfer.changed: something wrote to the source while it was copied"));
  CHECK(is_unfinished(target));
}
