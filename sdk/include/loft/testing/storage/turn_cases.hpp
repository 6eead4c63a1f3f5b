// S26: batches beside each other, which end in their order. A storage with one writer has nothing to show here.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

/// The order in which batches end: each has a ticket, from 0.
class Tickets {
 public:
  /// False: one before it was not stored.
  bool wait(std::size_t ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ == ticket; });
    return !refused_;
  }
  /// After the commit of that ticket, whatever became of it. Waits until those before it have ended.
  void end(std::size_t ticket, bool stored) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ == ticket; });
    ++ended_;
    refused_ = refused_ || !stored;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ended_ = 0;
  bool refused_ = false;
};

class TicketTurn final : public CommitTurn {
 public:
  TicketTurn(Tickets& tickets, std::size_t ticket) : tickets_(tickets), ticket_(ticket) {}
  bool wait() override {
    ++asked_;
    return may_ = tickets_.wait(ticket_);
  }
  int asked() const noexcept { return asked_; }
  /// What was answered.
  bool may() const noexcept { return may_; }

 private:
  Tickets& tickets_;
  std::size_t ticket_;
  int asked_ = 0;
  bool may_ = false;
};

/// A turn that is answered at once.
class ReadyTurn final : public CommitTurn {
 public:
  explicit ReadyTurn(bool may = true) : may_(may) {}
  bool wait() override {
    ++asked;
    return may_;
  }
  int asked = 0;

 private:
  bool may_;
};

/// A commit on a thread of its own, which comes to its turn and waits there.
class WaitingCommit final : private CommitTurn {
 public:
  WaitingCommit(Storage& storage, std::size_t writer, BatchData& batch)
      : thread_([this, &storage, writer, view = batch.view()] {
          auto result = storage.commit_in_turn(writer, view, *this);
          const std::lock_guard lock(mutex_);
          result_.emplace(std::move(result));
          changed_.notify_all();
        }) {}
  ~WaitingCommit() {
    if (thread_.joinable()) static_cast<void>(end(false));
  }

  /// True when it waits for its turn, false when it has ended without one.
  bool has_come() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_ || result_; });
    return !result_;
  }
  /// Gives the answer to the turn, and returns what the commit does.
  Result<Conflict> end(bool may) {
    {
      const std::lock_guard lock(mutex_);
      may_ = may;
      changed_.notify_all();
    }
    thread_.join();
    return std::move(*result_);
  }

 private:
  bool wait() override {
    std::unique_lock lock(mutex_);
    asked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return may_.has_value(); });
    return *may_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;
  std::optional<bool> may_;
  std::optional<Result<Conflict>> result_;
  std::thread thread_;
};

/// Two users in three groups, with a message each that may be recalled.
struct Lanes {
  explicit Lanes(Factory factory) : store(std::move(factory)) {
    BatchData batch;
    batch.users = {a_user(1), a_user(2)};
    for (std::uint64_t id = 10; id < 13; ++id) {
      batch.conversations.push_back(a_group(id));
      batch.members.push_back({cid(id), uid(1), Role::owner, 900, 0, 0, false});
      batch.members.push_back({cid(id), uid(2), Role::member, 901, 0, 0, false});
      batch.say(cid(id), heads[id - 10], mid(1000 + id), uid(1), "{}");
    }
    store.store(batch);
  }

  /// Everything that a batch in turn may have, for one conversation. `place` is its place among keys and positions that
  /// are close to each other: 0 to 9.
  BatchData batch(std::uint64_t conversation, std::uint64_t round, std::uint64_t place, std::size_t messages = 3) {
    BatchData data;
    const auto base = 10'000 * (round + 1) + 1000 * place;
    auto head = heads[conversation - 10];
    for (std::size_t i = 0; i < messages; ++i) {
      const ClientKey key{{7, 10 * (1000 * round + i) + place}, 70 + i};
      static const std::string domains[] = {"Core:Text", "Acme:Both", "Acme:Own" + std::to_string(place)};
      data.say(cid(conversation), head, mid(base + i), uid(1 + i % 2), "{}", key,
               domains[i % 3] + (i % 3 == 0 ? "" : std::to_string(round)));
    }
    data.messages.back().recalled = base + 990;
    data.messages.back().recalled_by = uid(1);
    data.changes = {{base + 990, cid(conversation), ChangeKind::recalled, uid(1), UserId::none, data.messages.back().id,
                     Role::member},
                    {base + 991, cid(conversation), ChangeKind::recalled, uid(1), UserId::none,
                     mid(1000 + conversation), Role::member}};
    data.recalls = {{mid(1000 + conversation), base + 991, uid(1)}};
    for (std::uint64_t user = 1; user < 3; ++user) {
      data.marks.push_back({uid(user), cid(conversation), "delivered", std::to_string(base)});
      data.marks.push_back({uid(user), cid(conversation), "read", std::to_string(base)});
    }
    data.applied_upto = base + 992;
    return data;
  }

  void stored(const BatchData& data) {
    for (const auto& head : data.heads) heads[raw(head.conversation) - 10] = head.head;
  }
  std::size_t length(std::uint64_t conversation) {
    return value(store->log(cid(conversation), 1, everything, 100'000, false)).size();
  }
  /// Nothing of a batch is to be seen.
  void check_unseen(const BatchData& data, Position last) {
    const auto id = data.heads.at(0).conversation;
    CHECK(length(raw(id)) == heads[raw(id) - 10]);
    CHECK(value(store->conversation(id))->head == heads[raw(id) - 10]);
    CHECK(value(store->messages(std::vector{data.messages[0].id})).empty());
    for (const auto& mark : value(store->marks(id, "read"))) CHECK(mark.set != data.marks.back().set);
    for (const auto& change : value(store->changes(id, 0, 1000))) CHECK(change.position != data.changes[0].position);
    CHECK(value(store->last_position()) == last);
  }
  void check_seen(const BatchData& data) {
    const auto id = data.heads.at(0).conversation;
    CHECK(length(raw(id)) == data.heads[0].head);
    CHECK(value(store->conversation(id))->head == data.heads[0].head);
    CHECK(same(value(store->messages(std::vector{data.messages[0].id})).at(0), data.messages[0]));
    for (const auto& mark : value(store->marks(id, "read"))) CHECK(mark.set == data.marks.back().set);
    CHECK(value(store->last_position()) == data.applied_upto);
  }

  Fixture store;
  Seq heads[3] = {};
};

inline bool is_stored(const Result<Conflict>& done) {
  if (!done) WARN(done.error().reason);
  return done.ok() && done->empty();
}

/// The later one has written everything and waits; the earlier one's rows lie on both sides of its own.
inline void s26_batches_end_in_their_order(Factory factory) {
  Lanes lanes(std::move(factory));
  if (lanes.store->writers() < 2) return;
  for (std::uint64_t round = 0; round < 6; ++round) {
    const std::size_t later = round % 2;
    // In the second round blocks of a log are counted.
    const std::size_t size = round == 1 ? 300 : 3;
    auto first = lanes.batch(10, round, 4, size), second = lanes.batch(11, round, 5, size);
    auto before = value(lanes.store->last_position());
    WaitingCommit waiting(*lanes.store, later, second);
    REQUIRE(waiting.has_come());
    lanes.check_unseen(second, before);
    ReadyTurn turn;
    REQUIRE(is_stored(lanes.store->commit_in_turn(1 - later, first.view(), turn)));
    CHECK(turn.asked == 1);
    lanes.stored(first);
    lanes.check_seen(first);
    // More than one may be between: again on both sides.
    auto third = lanes.batch(12, round, 6, size);
    third.applied_upto = first.applied_upto;
    REQUIRE(is_stored(lanes.store->commit_in_turn(1 - later, third.view(), turn)));
    lanes.stored(third);
    before = value(lanes.store->last_position());
    lanes.check_unseen(second, before);
    REQUIRE(is_stored(waiting.end(true)));
    lanes.stored(second);
    CHECK(lanes.length(11) == second.heads[0].head);
    for (const auto& mark : value(lanes.store->marks(cid(11), "read"))) CHECK(mark.set == second.marks.back().set);
  }
  lanes.store.reopen();
  for (std::uint64_t id = 10; id < 13; ++id) CHECK(lanes.length(id) == lanes.heads[id - 10]);
}

inline void s26_a_refused_turn_leaves_nothing(Factory factory) {
  Lanes lanes(std::move(factory));
  const auto writers = lanes.store->writers();
  if (writers < 2) return;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    auto batch = lanes.batch(10, writer, 3);
    const auto before = value(lanes.store->last_position());
    for (int i = 0; i < 2; ++i) {
      ReadyTurn refused(false);
      static_cast<void>(lanes.store->commit_in_turn(writer, batch.view(), refused));
      CHECK(refused.asked == 1);
      lanes.check_unseen(batch, before);
    }
    // Nothing of it is in the way, on whichever writer it comes next.
    ReadyTurn turn;
    REQUIRE(is_stored(lanes.store->commit_in_turn((writer + 1) % writers, batch.view(), turn)));
    lanes.stored(batch);
    lanes.check_seen(batch);
  }
}

inline void s26_a_conflict_comes_without_a_turn(Factory factory) {
  Lanes lanes(std::move(factory));
  if (lanes.store->writers() < 2) return;
  auto known = lanes.batch(10, 0, 3);
  lanes.store.store(known);
  lanes.stored(known);
  for (const std::size_t writer : {0u, 1u}) {
    auto other = lanes.batch(12, 1 + writer, 2);
    WaitingCommit waiting(*lanes.store, 1 - writer, other);
    REQUIRE(waiting.has_come());
    auto batch = lanes.batch(11, 1 + writer, 4);
    batch.keys[1] = ClientKey{known.keys[1]->hash, 99};
    batch.heads[0].expected_head += 1;
    ReadyTurn turn;
    const auto done = lanes.store->commit_in_turn(writer, batch.view(), turn);
    REQUIRE(done.ok());
    CHECK(turn.asked == 0);
    Conflict wanted;
    wanted.stale = {{cid(11), 1, mid(1011)}};
    wanted.duplicates = {{1, known.messages[1].id, 71}};
    CHECK(same(*done, wanted));
    lanes.check_unseen(batch, known.applied_upto);
    static_cast<void>(waiting.end(false));
    lanes.check_unseen(other, known.applied_upto);
  }
}

/// Followers move beside commits, and old keys are forgotten up to the first of a batch that waits for its turn.
inline void s26_housekeeping_comes_between(Factory factory) {
  Lanes lanes(std::move(factory));
  if (lanes.store->writers() < 2) return;
  auto old = lanes.batch(11, 0, 2);
  lanes.store.store(old);
  lanes.stored(old);
  auto batch = lanes.batch(10, 0, 3);
  WaitingCommit waiting(*lanes.store, 1, batch);
  REQUIRE(waiting.has_come());
  CHECK(lanes.store->set_follower("mirror", 17).ok());
  CHECK(value(lanes.store->forget_client_keys(raw(batch.messages[0].id), 10)) == 3);
  CHECK(value(lanes.store->forget_client_keys(raw(batch.messages[0].id), 10)) == 0);
  REQUIRE(is_stored(waiting.end(true)));
  lanes.stored(batch);
  lanes.check_seen(batch);
  CHECK(value(lanes.store->follower("mirror")) == Position{17});
}

/// Many batches on all writers, one after the other in the order of their ids, and readers beside them.
class OrderCase {
 public:
  explicit OrderCase(Factory factory) : store_(std::move(factory)), writers_(store_->writers()) {}

  void run(std::size_t batches) {
    if (writers_ < 2) return;
    BatchData first;
    first.users = {a_user(1)};
    for (std::size_t w = 0; w < writers_; ++w) first.conversations.push_back(a_group(10 + w));
    store_.store(first);
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < writers_; ++w) {
      threads.emplace_back([this, w, batches] {
        Seq head = 0;
        for (auto ticket = w; ticket < batches; ticket += writers_) commit(w, ticket, head);
      });
    }
    std::thread reader([this] {
      while (!done_) look();
    });
    for (auto& thread : threads) thread.join();
    done_ = true;
    reader.join();
    CHECK(ok_);
    CHECK(value(store_->since(0, 1'000'000)).messages.size() == 2 * batches);
    CHECK(value(store_->last_position()) == position(batches - 1) + 2);
  }

 private:
  static Position position(std::size_t ticket) { return 1000 + 10 * ticket; }

  void commit(std::size_t writer, std::size_t ticket, Seq& head) {
    BatchData batch;
    const auto at = position(ticket);
    for (std::uint64_t i = 0; i < 2; ++i)
      batch.say(cid(10 + writer), head, mid(at + i), uid(1), "{}", a_key(2 * ticket + i));
    batch.changes = {
        {at + 2, cid(10 + writer), ChangeKind::updated, uid(1), UserId::none, MessageId::none, Role::member}};
    batch.applied_upto = at + 2;
    batch.marks = {{uid(1), cid(10 + writer), "read", std::to_string(ticket)}};
    TicketTurn turn(tickets_, ticket);
    const auto done = store_->commit_in_turn(writer, batch.view(), turn);
    const bool stored = done && done->empty() && turn.may();
    if (!stored || turn.asked() != 1) ok_ = false;
    tickets_.end(ticket, stored);
  }

  /// What is there has no hole, and is no less than what was there before.
  void look() {
    const auto last = store_->last_position();
    const auto all = store_->since(0, 1'000'000);
    if (!last || !all) {
      ok_ = false;
      return;
    }
    std::size_t n = 0;
    for (const auto& message : all->messages) {
      if (raw(message.id) != position(n / 2) + n % 2) ok_ = false;
      ++n;
    }
    if (n % 2 != 0 || all->changes.size() * 2 != n) ok_ = false;
    if (*last >= 1000 && *last > position(n / 2 - 1) + 2) ok_ = false;
  }

  Fixture store_;
  std::size_t writers_;
  Tickets tickets_;
  std::atomic<bool> done_{false};
  std::atomic<bool> ok_{true};
};

inline void s26_readers_see_batches_in_order(Factory factory) { OrderCase(std::move(factory)).run(120); }

}  // namespace loft::testing::storage
