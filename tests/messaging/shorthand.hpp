// What tests of messaging write again and again.
#pragma once

#include <catch2/catch.hpp>

#include "world.hpp"

namespace loft::tests {

using Kind = MembershipAct::Kind;

inline std::string line(const char* what, MessageId id) { return std::string(what) + ":" + std::to_string(raw(id)); }

/// An answer that a test looks at later.
template <class T>
struct Later {
  std::shared_ptr<std::optional<Result<T>>> slot = std::make_shared<std::optional<Result<T>>>();
  Done<T> done() {
    return [slot = slot](Result<T> result) { *slot = std::move(result); };
  }
  bool came() const { return slot->has_value(); }
  Result<T>& operator*() const { return **slot; }
  Result<T>* operator->() const { return &**slot; }
};

/// What several calls are answered with, in that order: `name=ok`, or a reason.
struct Answers {
  std::shared_ptr<std::vector<std::string>> list = std::make_shared<std::vector<std::string>>();
  template <class T = Accepted>
  Done<T> done(std::string name) {
    return [list = list, name = std::move(name)](const Result<T>& result) {
      list->push_back(name + "=" + reason_of(result));
    };
  }
};

inline MessageId send(World& world, UserId from, UserId to, std::string content = "x") {
  auto sent = world.submit(world.http(from), World::to_user(to, std::move(content)));
  REQUIRE(reason_of(sent) == "ok");
  return sent->record->message->id;
}

inline MessageId send(World& world, UserId from, ConversationId to, std::string content = "x") {
  auto sent = world.submit(world.http(from), World::to(to, std::move(content)));
  REQUIRE(reason_of(sent) == "ok");
  return sent->record->message->id;
}

inline ConversationId pair_of(World& world, UserId a, UserId b) {
  const auto record = world.ask<ConversationRecord>([&](auto done) {
    world.core->conversation(world.http(a), ConversationRef::direct(UserRef::of(b)), true, std::move(done));
  });
  REQUIRE(reason_of(record) == "ok");
  return record->conversation->id;
}

inline Result<Recalled> recall(World& world, UserId user, MessageId id) {
  return world.ask<Recalled>([&](auto done) { world.core->recall(world.http(user), {id, 0, false}, std::move(done)); });
}

inline Receipt receipt(World& world, UserId viewer, MessageId id) {
  const auto record =
      world.ask<MessageRecord>([&](auto done) { world.core->message(world.http(viewer), id, std::move(done)); });
  REQUIRE(reason_of(record) == "ok");
  return record->receipt;
}

inline bool is_hidden(World& world, UserId viewer, MessageId id) {
  const auto record =
      world.ask<MessageRecord>([&](auto done) { world.core->message(world.http(viewer), id, std::move(done)); });
  REQUIRE(reason_of(record) == "ok");
  return record->hidden;
}

inline Result<SyncPage> sync(World& world, UserId user, Position after, std::size_t limit = 100) {
  return world.ask<SyncPage>([&](auto done) { world.core->sync(world.http(user), {after, limit}, std::move(done)); });
}

inline std::vector<MessageId> ids_of(const Result<Page>& page) {
  REQUIRE(reason_of(page) == "ok");
  std::vector<MessageId> ids;
  for (const auto& record : page->messages) ids.push_back(record.message->id);
  return ids;
}

}  // namespace loft::tests
