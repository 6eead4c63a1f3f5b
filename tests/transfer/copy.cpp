#include "odd_store.hpp"

#include "transfer/mark.hpp"
#include "transfer/pages.hpp"

using namespace transfer_test;
using Catch::Contains;

TEST_CASE("transfer: a copy equals its source, row by row, whatever is odd about it", "[transfer]") {
  Store source;
  fill(source);
  for (const std::size_t batch : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
    Store target;
    const auto copied = transfer::copy(*source, *target, by(batch));
    INFO((copied ? "" : copied.error().detail));
    REQUIRE(copied);
    CHECK(copied->found.all() == 0);
    CHECK_FALSE(copied->was_whole);
    require_equal(*source, *target);
    const auto verified = transfer::verify(*source, *target, {});
    REQUIRE(verified);
    CHECK(copied->written == verified->counts[0]);
    CHECK(copied->written.messages == 16);
    CHECK(copied->written.client_keys == 13);
    CHECK(copied->written.marks == 10);
    CHECK(copied->written.pushes == 7);
    CHECK(copied->written.devices == 3);
    CHECK(copied->written.attempts == 4);
    target.reopen();

    // Not only by what `verify` looks at.
    CHECK(same(value(target->since(0, 1000)), value(source->since(0, 1000))));
    CHECK(same(keys_in_pages(*target, 100), keys_in_pages(*source, 100)));
    CHECK(same(marks_in_pages(*target, 100), marks_in_pages(*source, 100)));
    CHECK(same(values_in_pages(*target, 100), values_in_pages(*source, 100)));
    CHECK(same(value(target->followers()), value(source->followers())));
    CHECK(same(conversations_in_pages(*target, 100), conversations_in_pages(*source, 100)));
    CHECK(value(target->conversation(cid(12)))->head == 7);
    CHECK(value(target->conversation(cid(12)))->last == mid(777));
    CHECK(value(target->messages(std::vector{mid(1008)})).at(0).recalled_by == uid(3));
    CHECK(value(target->last_position()) == last_id);
    CHECK_FALSE(value(target->key_value(transfer::mark_space, transfer::mark_key)));
  }
}

TEST_CASE("transfer: what was copied goes on like its source", "[transfer]") {
  Store source, target;
  fill(source);
  REQUIRE(transfer::copy(*source, *target, by(4)));
  BatchData batch;
  Seq head = 7;  // of the log that is gone
  batch.say(cid(12), head, mid(last_id), uid(1), "{}");
  target.write(batch);
  CHECK(value(target->log(cid(12), 0, everything, 10, false)).at(0).seq == 8);
  // A client id is known, also one of a message that is gone.
  BatchData again;
  Seq one = 1;
  again.say(cid(11), one, mid(last_id), uid(8), "{}", a_key(104, 2));
  const auto conflict = value(target->commit(again.view()));
  REQUIRE(conflict.duplicates.size() == 1);
  CHECK(conflict.duplicates[0].original == mid(1001));
}

TEST_CASE("transfer: a copy that is whole says so and changes nothing", "[transfer]") {
  Store source, target;
  fill(source);
  REQUIRE(transfer::copy(*source, *target, by(10)));
  const auto again = transfer::copy(*source, *target, by(10));
  REQUIRE(again);
  CHECK(again->was_whole);
  CHECK(again->written.all() == 0);
  CHECK(again->found.messages == 16);
}

TEST_CASE("transfer: a target that was used after the move is refused, and stays as it is", "[transfer]") {
  Store source, target;
  fill(source);
  REQUIRE(transfer::copy(*source, *target, by(10)));
  BatchData used;
  std::string wanted;
  SECTION("by a message") {
    Seq head = 1;
    used.say(cid(11), head, mid(last_id), uid(1), "{}");
    wanted = "conversation 11 has another `head`";
  }
  SECTION("by a mark") {
    used.marks = {{uid(1), cid(10), "read", "{\"set\":[[1,99]]}"}};
    wanted = "mark 'read' of user 1 in conversation 10 has another `set`";
  }
  SECTION("by a user") {
    used.users = {a_user(30)};
    wanted = "user 30 ('user30') is in the second only";
  }
  SECTION("by a plugin") {
    used.key_values = {{"contract.a", "new", "x"}};
    wanted = "value 'new' of 'contract.a' is in the second only";
  }
  target.write(used);
  CHECK_THAT(refusal(*source, *target), Contains("transfer.different") && Contains(wanted) && Contains("not empty"));
  CHECK_FALSE(value(target->key_value(transfer::mark_space, transfer::mark_key)));
}

TEST_CASE("transfer: a store that a host has begun with is no empty target", "[transfer]") {
  Store source, target;
  fill(source);
  REQUIRE(target->set_follower("push", 1));
  CHECK_THAT(refusal(*source, *target), Contains("transfer.different") && Contains("not empty"));
  CHECK(value(target->users(UserId::none, 10)).empty());
}

TEST_CASE("transfer: an empty source, and half of a copy, are no sources", "[transfer]") {
  Store source, empty, half, target;
  fill(source);
  CHECK_THAT(refusal(*empty, *target), Contains("transfer.empty"));
  BatchData mark;
  mark.key_values = {{std::string(transfer::mark_space), std::string(transfer::mark_key), "elsewhere"}};
  half.write(mark);
  CHECK_THAT(refusal(*half, *target), Contains("transfer.unfinished") && Contains("elsewhere"));
  const auto finished = transfer::check_finished(*half);
  REQUIRE_FALSE(finished);
  CHECK_THAT(finished.error().detail, Contains("loft storage copy --from"));
  CHECK(transfer::check_finished(*source));
}

TEST_CASE("transfer: a source whose head is behind its log is refused by name", "[transfer]") {
  Store source, target;
  fill(source);
  BatchData wrong;
  wrong.heads = {{cid(16), 5, 3, mid(1052)}};
  source.write(wrong);
  CHECK_THAT(refusal(*source, *target),
             Contains("transfer.damaged") && Contains("conversation 16") && Contains("seq 5"));
}

TEST_CASE("transfer: a message of a conversation that is not stored is refused by name", "[transfer]") {
  Store source, target;
  fill(source);
  BatchData orphan;
  orphan.messages = {a_message(2000, 500, 1, "{}")};
  orphan.keys = {std::nullopt};
  source.write(orphan);
  CHECK_THAT(refusal(*source, *target),
             Contains("transfer.damaged") && Contains("message 2000 (conversation 500, seq 1) is of a conversation"));
}

TEST_CASE("transfer: progress says how many messages there are, also of a log without its beginning", "[transfer]") {
  Store source, target;
  fill(source);
  auto options = by(4);
  std::uint64_t done = 0, total = 0;
  options.watch = [&](const transfer::Step& step) {
    if (step.what != "messages") return;
    CHECK(step.done >= done);
    done = step.done;
    total = step.total;
  };
  REQUIRE(transfer::copy(*source, *target, options));
  CHECK(done == 16);
  CHECK(total == 16);
}

TEST_CASE("transfer: rows that are heavy come in smaller pages", "[transfer]") {
  std::vector<std::size_t> limits;
  transfer::Pages<User> pages(
      [&](const User* after, std::size_t limit) -> Result<std::vector<User>> {
        limits.push_back(limit);
        const auto from = after == nullptr ? 1 : raw(after->id) + 1;
        std::vector<User> page;
        for (auto id = from; id < from + limit && id < 700; ++id) {
          page.push_back(a_user(id));
          if (id > 400) page.back().profile.assign(300'000, 'x');
        }
        return page;
      },
      256, "the source");
  std::uint64_t count = 0;
  for (; const auto* user = pages.peek(); pages.skip()) CHECK(raw(user->id) == ++count);
  CHECK(count == 699);
  CHECK(limits.front() == 64);
  CHECK(*std::max_element(limits.begin(), limits.end()) == 256);
  CHECK(limits.back() < 64);
}

TEST_CASE("transfer: a storage that fails is an error that says which one", "[transfer]") {
  transfer::Pages<User> pages(
      [](const User*, std::size_t) -> Result<std::vector<User>> {
        return Error{Code::unavailable, "storage.unavailable", {}};
      },
      10, "the source");
  try {
    pages.peek();
    FAIL("it did not throw");
  } catch (const transfer::Failed& failed) {
    CHECK(failed.error.code == Code::unavailable);
    CHECK_THAT(failed.error.detail, Contains("the source does not answer"));
  }
}
