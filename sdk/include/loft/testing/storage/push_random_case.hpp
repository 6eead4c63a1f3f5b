// P2 to P11 together: calls at random, answered as the ledger in memory answers them.
#pragma once

#include <random>

#include <loft/testing/memory_push_ledger.hpp>
#include <loft/testing/storage/push_fixture.hpp>

namespace loft::testing::storage {

class PushRandomCase {
 public:
  PushRandomCase(LedgerFactory factory, std::uint32_t seed) : ledger_(std::move(factory)), random_(seed) {}

  void run(int steps) {
    if (!ledger_) return;
    for (int step = 0; step < steps; ++step) {
      INFO("step " << step);
      now_ += below(40);
      act();
      if (step % 10 == 9) compare();
    }
    compare();
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  OwedPush some_push() {
    auto push = a_push(1 + below(12), 1 + below(4), now_ + static_cast<Millis>(below(60)));
    push.attempts = static_cast<std::uint32_t>(below(4));
    push.plan = std::string(below(3), 'p');
    return push;
  }
  OwedPush some_end(OwedPush push) {
    const auto state = static_cast<PushState>(below(4));
    if (state != PushState::owed) return ended(std::move(push), state, now_, "because");
    push.due = now_ + static_cast<Millis>(below(90));
    ++push.attempts;
    return push;
  }

  void act() {
    switch (below(7)) {
      case 0:
      case 1: {
        std::vector<OwedPush> some;
        for (auto n = below(5); n > 0; --n) some.push_back(some_push());
        REQUIRE(value(ledger_->owe(some)) == value(model_.owe(some)));
        break;
      }
      case 2:
      case 3: {
        const auto holder = 1 + below(2);
        const auto until = now_ + static_cast<Millis>(below(90));
        const auto limit = below(6);
        const auto leased = value(ledger_->lease(holder, now_, until, limit));
        REQUIRE(alike(leased, value(model_.lease(holder, now_, until, limit))));
        for (const auto& push : leased) work_.emplace_back(holder, push);
        break;
      }
      case 4:
        settle_some();
        break;
      case 5: {
        const PushKey key{mid(1 + below(12)), uid(1 + below(4))};
        const std::string plan(below(2), 'r');
        REQUIRE(value(ledger_->revive(key, now_ + 7, now_ + 90, plan)) ==
                value(model_.revive(key, now_ + 7, now_ + 90, plan)));
        break;
      }
      default:
        devices();
    }
  }

  void settle_some() {
    std::vector<OwedPush> pushes;
    std::vector<PushAttempt> attempts;
    std::uint64_t holder = 1 + below(2);
    std::erase_if(work_, [&](const auto& one) {
      if (one.first != holder || below(3) == 0) return false;
      const auto again = [&](const OwedPush& other) {
        return other.message == one.second.message && other.user == one.second.user;
      };
      if (std::any_of(pushes.begin(), pushes.end(), again)) return false;
      attempts.push_back(an_attempt(raw(one.second.message), "user" + std::to_string(raw(one.second.user)), now_));
      pushes.push_back(some_end(one.second));
      return true;
    });
    const PushLedger::Settlement settlement{pushes, attempts, {}};
    REQUIRE(value(ledger_->settle(holder, settlement)) == value(model_.settle(holder, settlement)));
  }

  void devices() {
    const auto token = std::to_string(below(6));
    if (below(3) != 0) {
      const auto device = a_device(1 + below(4), token, now_);
      const auto mine = value(ledger_->register_device(device)), models = value(model_.register_device(device));
      ids_[models] = mine;
      return;
    }
    const auto user = uid(below(5));
    REQUIRE(value(ledger_->remove_device(user, "apns", token)) == value(model_.remove_device(user, "apns", token)));
  }

  void compare() {
    REQUIRE(alike(all_pushes(ledger_), value(model_.pushes(std::nullopt, {}, no_limit))));
    REQUIRE(value(ledger_->push_counts(7)) == value(model_.push_counts(7)));
    REQUIRE(value(ledger_->next_due()) == value(model_.next_due()));
    for (std::uint64_t user = 1; user <= 4; ++user) {
      REQUIRE(alike(value(ledger_->pushes_of(uid(user), mid(3), 5)), value(model_.pushes_of(uid(user), mid(3), 5))));
      auto theirs = value(model_.devices(uid(user)));
      for (auto& device : theirs) device.id = ids_.at(device.id);
      REQUIRE(alike(value(ledger_->devices(uid(user))), theirs));
    }
    for (const auto state : {PushState::owed, PushState::delivered, PushState::silenced, PushState::dead}) {
      const PushKey after{mid(4), uid(2)};
      REQUIRE(alike(value(ledger_->pushes(state, after, 6)), value(model_.pushes(state, after, 6))));
    }
    REQUIRE(all_attempts(ledger_).size() == value(model_.attempts(0, no_limit)).size());
  }

  PushFixture ledger_;
  MemoryPushLedger model_;
  std::mt19937 random_;
  Millis now_ = noon;
  std::vector<std::pair<std::uint64_t, OwedPush>> work_;  ///< holder, push: what was leased, perhaps long ago
  std::map<std::uint64_t, std::uint64_t> ids_;            ///< of the model's devices, the storage's
};

inline void random_calls_agree_with_memory(LedgerFactory factory) {
  for (std::uint32_t seed = 1; seed <= 2; ++seed) PushRandomCase(factory, seed).run(150);
}

}  // namespace loft::testing::storage
