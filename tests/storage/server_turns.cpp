// What befalls connections that write beside each other (S26): nothing is stored that was not acknowledged without the
// host learning of it (S24), and nothing is written into what is another host's. The same for every storage on a
// server.
#include <functional>

#include <loft/testing/storage/turn_cases.hpp>

#include "faults.hpp"
#include "held_proxy.hpp"

using namespace storage_test;
using Catch::Contains;
using Way = HeldProxy::Way;

namespace {

/// A turn that does something and is then given.
class ActingTurn final : public CommitTurn {
 public:
  explicit ActingTurn(std::function<void()> act) : act_(std::move(act)) {}
  bool wait() override {
    ++asked;
    act_();
    return true;
  }
  int asked = 0;

 private:
  std::function<void()> act_;
};

/// What a start says that must fail.
std::string refusal_of(const OptionValues& values) {
  try {
    const Running running("/nonexistent", values, storage_id);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "it started";
}

/// In which question the end of a transaction goes to the server: PostgreSQL hears it in the first one after the turn.
const std::string end_of_transaction = is_postgresql ? "" : "COMMIT";

/// A storage behind a proxy with a conversation for each of two writers: 10 and 11.
struct Beside {
  explicit Beside(Millis statement_timeout = 0)
      : proxy(server.port()), store("/nonexistent", through_proxy(statement_timeout), storage_id) {
    REQUIRE(store->writers() == 2);
    BatchData batch;
    batch.users = {a_user(1)};
    batch.conversations = {a_group(10), a_group(11)};
    REQUIRE(is_stored(store->commit(batch.view())));
  }

  OptionValues through_proxy(Millis statement_timeout) const {
    auto values = hasty(server, server.database());
    values["host"] = "127.0.0.1", values["port"] = std::int64_t{proxy.port()};
    if (statement_timeout != 0) values["statement_timeout"] = statement_timeout;
    return values;
  }

  /// The next message of a writer's conversation.
  BatchData next(std::size_t writer) {
    BatchData batch;
    auto head = heads[writer];
    const auto id = next_ += 10;
    batch.say(cid(10 + writer), head, mid(id), uid(1), "{}", a_key(id));
    return batch;
  }
  Result<Conflict> in_turn(std::size_t writer, BatchData& batch, CommitTurn& turn) {
    auto done = store->commit_in_turn(writer, batch.view(), turn);
    if (done && done->empty()) ++heads[writer];
    return done;
  }
  /// The number of the connection that writer 1 has.
  std::size_t open_second() {
    auto batch = next(1);
    ReadyTurn turn;
    REQUIRE(is_stored(in_turn(1, batch, turn)));
    return proxy.connections() - 1;
  }
  /// What the host does after an error. True: it is decided what became of everything.
  bool decide() {
    BatchData nothing;
    const auto done = store->commit(nothing.view());
    if (!done) REQUIRE(done.error().reason == "storage.unavailable");
    return done.ok();
  }
  /// Whether a batch is stored; all answers say the same.
  bool has(const BatchData& batch) {
    const auto found = value(store->messages(std::vector{batch.messages[0].id})).size();
    const auto head = value(store->conversation(batch.messages[0].conversation))->head;
    CHECK((found == 1) == (head == batch.messages[0].seq));
    CHECK((found == 1) == (value(store->last_position()) >= batch.applied_upto));
    return found == 1;
  }
  /// Both writers work.
  void check_all_goes_on() {
    for (const std::size_t writer : {0u, 1u, 0u, 1u}) {
      heads[writer] = value(store->conversation(cid(10 + writer)))->head;
      auto batch = next(writer);
      ReadyTurn turn;
      REQUIRE(is_stored(in_turn(writer, batch, turn)));
      CHECK(has(batch));
    }
    CHECK(store->health().empty());
  }

  support::PrivateServer server = new_server();
  HeldProxy proxy;
  Running store;
  Seq heads[2] = {};

 private:
  Position next_ = 1000;
};

}  // namespace

TEST_CASE(LOFT_TEST_ENGINE ": a commit in turn whose packets are late is decided before the next commit is answered",
          "[storage]") {
  Beside t;
  const auto link = t.open_second();
  auto late = t.next(1);
  ActingTurn turn([&] { t.proxy.hold(link, Way::questions, end_of_transaction); });
  const auto done = t.in_turn(1, late, turn);
  REQUIRE_FALSE(done.ok());
  is_unavailable(done.error());
  CHECK(turn.asked == 1);
  // The server may yet be told to commit: nobody may say that it will not be. It may also end the session itself.
  for (int attempt = 1; !t.decide(); ++attempt) {
    if (attempt == 2) t.proxy.release(link);
  }
  const bool stored = t.has(late);
  t.proxy.release(link);
  t.proxy.wait_for_end(link);
  CHECK(t.has(late) == stored);
  t.check_all_goes_on();
}

TEST_CASE(LOFT_TEST_ENGINE ": a commit in turn whose answer is lost is known to be stored", "[storage]") {
  Beside t;
  const auto link = t.open_second();
  auto lost = t.next(1);
  ActingTurn turn([&] { t.proxy.hold(link, Way::answers, end_of_transaction); });
  REQUIRE_FALSE(t.in_turn(1, lost, turn).ok());
  while (!t.decide()) continue;
  CHECK(t.has(lost));
  t.check_all_goes_on();
}

TEST_CASE(LOFT_TEST_ENGINE ": connections that are cut before a turn or in it lose nothing and store nothing twice",
          "[storage]") {
  Beside t;
  for (const std::size_t writer : {0u, 1u}) {
    auto link = writer == 0 ? 0 : t.open_second();
    // While nobody uses it.
    const auto count = t.proxy.connections();
    t.proxy.cut(link);
    auto batch = t.next(writer);
    ReadyTurn ready;
    REQUIRE(is_stored(t.in_turn(writer, batch, ready)));
    link = t.proxy.connections() - 1;
    CHECK(link >= count);
    CHECK(ready.asked == 1);
    CHECK(t.has(batch));
    // With everything written. The turn is asked for once, whatever is done again.
    batch = t.next(writer);
    ActingTurn turn([&] { t.proxy.cut(link); });
    const bool acknowledged = t.in_turn(writer, batch, turn).ok();
    CHECK(turn.asked == 1);
    while (!t.decide()) continue;
    CHECK((t.has(batch) || !acknowledged));
    t.check_all_goes_on();
  }
}

TEST_CASE(LOFT_TEST_ENGINE ": another host waits for commits in turn, and behind it none of them is stored",
          "[storage]") {
  Beside t(20'000);
  t.open_second();
  auto batch = t.next(1);
  const auto values = hasty(t.server, t.server.database());
  {
    WaitingCommit waiting(*t.store.storage, 1, batch);
    REQUIRE(waiting.has_come());
    // The owner's connection is lost and does not come again.
    t.proxy.refuse(true);
    t.proxy.cut(0);
    CHECK_THAT(refusal_of(values), Contains("cannot be written"));
    REQUIRE(is_stored(waiting.end(true)));
  }
  ++t.heads[1];
  Running other("/nonexistent", values, storage_id);
  CHECK(value(other->conversation(cid(11)))->head == 2);
  // The second connection is as well as before, but the database is another host's.
  auto refused = t.next(1);
  ReadyTurn turn;
  for (int i = 0; i < 2; ++i) {
    const auto done = t.in_turn(1, refused, turn);
    REQUIRE_FALSE(done.ok());
    is_unavailable(done.error());
  }
  CHECK(turn.asked == 0);
  CHECK(value(other->conversation(cid(11)))->head == 2);
  CHECK_THAT(t.store->health(), Contains("another host has used database"));
  // For good, and for all writers.
  other.stop();
  t.proxy.refuse(false);
  for (const std::size_t writer : {0u, 1u}) CHECK_FALSE(t.in_turn(writer, refused, turn).ok());
  CHECK_FALSE(t.decide());
  CHECK(turn.asked == 0);
}

TEST_CASE(LOFT_TEST_ENGINE
          ": nothing acknowledged is missing or twice when the server is killed during commits in turn",
          "[storage]") {
  Beside t;
  std::atomic<std::size_t> rounds{0};
  std::thread killer([&] {
    for (std::size_t n = 1; n <= 3; ++n) {
      while (rounds < 8 * n) std::this_thread::yield();
      t.server.kill();
      t.server.start();
    }
  });
  for (; rounds < 32; ++rounds) {
    BatchData batches[2] = {t.next(0), t.next(1)};
    Tickets tickets;
    bool stored[2] = {};
    std::vector<std::thread> threads;
    for (const std::size_t writer : {0u, 1u}) {
      threads.emplace_back([&, writer] {
        TicketTurn turn(tickets, writer);
        const auto done = t.in_turn(writer, batches[writer], turn);
        stored[writer] = turn.may() && done && done->empty();
        tickets.end(writer, stored[writer]);
      });
    }
    for (auto& thread : threads) thread.join();
    if (!stored[0] || !stored[1]) {
      while (!t.decide()) std::this_thread::yield();
    }
    for (const std::size_t writer : {0u, 1u}) {
      // The server may be killed while we look.
      auto found = t.store->conversation(cid(10 + writer));
      while (!found) found = t.store->conversation(cid(10 + writer));
      const auto head = (*found)->head, wanted = batches[writer].messages[0].seq;
      CHECK((head == wanted || (!stored[writer] && head == wanted - 1)));
      t.heads[writer] = head;
    }
  }
  killer.join();
  while (!t.decide()) std::this_thread::yield();
  t.check_all_goes_on();
  for (const std::size_t writer : {0u, 1u}) {
    CHECK(value(t.store->log(cid(10 + writer), 1, everything, 1000, false)).size() == t.heads[writer]);
  }
}
