// Random users against the model: what all acts share.
#pragma once

#include <catch2/catch.hpp>

#include <functional>
#include <random>

#include "model.hpp"

namespace loft::tests {

template <class T>
using Slot = std::shared_ptr<std::optional<Result<T>>>;
template <class T>
Slot<T> slot() {
  return std::make_shared<std::optional<Result<T>>>();
}
template <class T>
Done<T> into(Slot<T> slot) {
  return [slot](Result<T> result) {
    REQUIRE_FALSE(slot->has_value());
    *slot = std::move(result);
  };
}

class PlayBase {
 protected:
  using Apply = std::function<void()>;

  PlayBase(std::uint64_t seed, bool instant, CoreOptions options, Storage* other, std::size_t writers)
      : random_(seed), instant_(instant), can_fail_(other == nullptr), world_(options, 2, instant, other) {
    world_.storage.writer_count = writers;
    for (int i = 0; i < 5; ++i) users_.push_back(world_.user("u" + std::to_string(i)));
  }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  UserId anybody() { return users_[below(users_.size())]; }
  MarkId any_mark() {
    const std::vector marks{MarkId::delivered, MarkId::read,   MarkId::hidden,
                            world_.plain,      world_.implied, world_.timed};
    return marks[below(marks.size())];
  }
  ModelConversation* any_conversation() {
    return model_.conversations.empty() ? nullptr : &model_.conversations[below(model_.conversations.size())];
  }
  MessageId any_message() {
    auto* in = any_conversation();
    return in == nullptr || in->log.empty() ? static_cast<MessageId>(12345) : in->log[below(in->log.size())].id;
  }
  /// Somebody's own session, or no session at all.
  Caller caller_of(UserId user) {
    for (auto& session : model_.sessions) {
      if (session.user == user && session.client->caller().thread == thread_ && below(2) == 0)
        return session.client->caller();
    }
    return world_.http(user, thread_);
  }

  /// Whether the act has an answer that the model is to explain.
  template <class T>
  bool is_answered(const Slot<T>& answer) {
    REQUIRE(answer->has_value());
    if ((*answer)->ok() || (*answer)->error().reason != "storage.unavailable") return true;
    REQUIRE(faulty_);
    return false;
  }

  std::mt19937_64 random_;
  const bool instant_;
  const bool can_fail_;  ///< the storage, when it is told to
  World world_;
  Model model_;
  std::vector<UserId> users_;
  unsigned thread_ = 0;
  bool faulty_ = false;
  bool unordered_reads_ = false;
};

}  // namespace loft::tests
