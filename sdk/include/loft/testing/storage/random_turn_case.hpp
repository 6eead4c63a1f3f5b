// S26: rounds of random batches beside each other, with conflicts among them, against the naive model.
#pragma once

#include <random>

#include <loft/testing/storage/model.hpp>
#include <loft/testing/storage/turn_cases.hpp>

namespace loft::testing::storage {

class RandomTurnCase {
 public:
  RandomTurnCase(Factory factory, std::uint64_t seed)
      : store_(std::move(factory)), writers_(store_->writers()), random_(seed), seed_(seed) {}

  void run(int rounds) {
    if (writers_ < 2) return;
    INFO("seed " << seed_);
    populate();
    for (int round = 0; round < rounds; ++round) {
      INFO("round " << round);
      one_round();
      if (below(40) == 0) store_.reopen();
    }
    compare();
  }

 private:
  static constexpr std::uint64_t conversations = 30, users = 4;

  struct Work {
    BatchData batch;
    std::size_t writer = 0;
    Result<Conflict> done = Conflict();
    int asked = 0;
  };

  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_); }
  Position position() { return next_ += 1 + below(5); }

  void populate() {
    BatchData batch;
    for (std::uint64_t n = 1; n <= users; ++n) batch.users.push_back(a_user(n));
    for (std::uint64_t n = 1; n <= conversations; ++n) batch.conversations.push_back(a_group(n));
    store_.store(batch);
    model_.commit(batch.view());
  }

  /// For the conversations whose number has the remainder `share`.
  BatchData batch_of(std::size_t share, std::size_t shares) {
    BatchData batch;
    for (auto n = below(8); n > 0; --n) {
      const auto id = cid(1 + share + shares * below((conversations - share + shares - 1) / shares));
      const auto* known = model_.find(id);
      auto head = known->head;
      for (const auto& update : batch.heads) {
        if (update.conversation == id) head = update.head;
      }
      if (below(60) == 0 && std::none_of(batch.heads.begin(), batch.heads.end(),
                                         [&](const HeadUpdate& update) { return update.conversation == id; })) {
        ++head;  // stale
      }
      std::optional<ClientKey> key;
      auto sender = uid(1 + below(users));
      if (below(3) != 0) key = ClientKey{{raw(sender), ++keys_}, below(100)};
      batch.say(id, head, mid(position()), sender, "{}", key, "Acme:D" + std::to_string(below(rare_ / 20 + 1)));
      ++rare_;
      if (below(4) == 0) {
        batch.changes.push_back(
            {position(), id, ChangeKind::updated, sender, UserId::none, MessageId::none, Role::member});
      }
      if (below(3) == 0 && !model_.messages.empty()) add_recall(batch, share, shares);
      for (auto marks = below(3); marks > 0; --marks) {
        batch.marks.push_back({uid(1 + below(users)), id, below(2) == 0 ? "read" : "delivered", std::to_string(next_)});
      }
    }
    // A key that is known: one of its own conversations' messages, so that no other batch has it.
    if (!batch.messages.empty() && below(12) == 0) repeat_key(batch, share, shares);
    batch.applied_upto = position();
    return batch;
  }

  bool is_of(ConversationId id, std::size_t share, std::size_t shares) const { return (raw(id) - 1) % shares == share; }

  void add_recall(BatchData& batch, std::size_t share, std::size_t shares) {
    const auto& message = model_.messages[below(model_.messages.size())];
    if (is_of(message.conversation, share, shares)) batch.recalls.push_back({message.id, position(), uid(1)});
  }
  void repeat_key(BatchData& batch, std::size_t share, std::size_t shares) {
    if (model_.keys.empty()) return;
    const auto& old = model_.keys[below(model_.keys.size())];
    const auto original = model_.by_ids({old.message});
    if (original.empty() || !is_of(original[0].conversation, share, shares)) return;
    batch.messages[0].sender = old.sender;
    batch.keys[0] = ClientKey{old.key.hash, 1000};
  }

  void one_round() {
    std::vector<Work> works(writers_);
    const auto turn = below(writers_);
    for (std::size_t i = 0; i < writers_; ++i) {
      works[i].batch = batch_of(i, writers_);
      works[i].writer = (i + turn) % writers_;
    }
    Tickets tickets;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < writers_; ++i) {
      threads.emplace_back([&, i] {
        auto& work = works[i];
        TicketTurn mine(tickets, i);
        work.done = store_->commit_in_turn(work.writer, work.batch.view(), mine);
        work.asked = mine.asked();
        tickets.end(i, mine.may() && work.done && work.done->empty());
      });
    }
    for (auto& thread : threads) thread.join();
    bool refused = false;
    for (auto& work : works) {
      if (!work.done) FAIL("commit_in_turn: " << work.done.error().reason);
      auto model = refused ? Model(model_) : Model();
      const auto wanted = (refused ? model : model_).commit(work.batch.view());
      // What a refused turn returns says nothing.
      if (!refused || !wanted.empty()) REQUIRE(same(*work.done, wanted));
      CHECK(work.asked == (wanted.empty() ? 1 : 0));
      refused = refused || !wanted.empty();
    }
    REQUIRE(value(store_->last_position()) == model_.last);
  }

  void compare() {
    for (const auto& stored : model_.conversations) {
      const auto id = stored.conversation.id;
      REQUIRE(same(value(store_->conversation(id)), std::optional(stored)));
      REQUIRE(
          same(value(store_->log(id, 1, everything, 100'000, false)), model_.log(id, 1, everything, 100'000, false)));
    }
    for (std::uint64_t n = 1; n <= users; ++n) {
      REQUIRE(same(value(store_->memberships(uid(n))), model_.memberships_of(uid(n))));
    }
    REQUIRE(same(value(store_->since(0, 1'000'000)), model_.since(0, 1'000'000)));
    if (const auto marks = store_->all_marks({}, 1'000'000)) REQUIRE(same(*marks, sorted(model_.marks)));
  }

  Fixture store_;
  std::size_t writers_;
  Model model_;
  std::mt19937_64 random_;
  std::uint64_t seed_;
  Position next_ = 1000;
  std::uint64_t keys_ = 0, rare_ = 0;
};

inline void s26_random_batches_agree_with_the_model(Factory factory) {
  for (const std::uint64_t seed : {1u, 2u}) RandomTurnCase(factory, seed).run(60);
}

}  // namespace loft::testing::storage
