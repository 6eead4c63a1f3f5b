// A small store with everything that may be odd about one, in a SQLite file.
#pragma once

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/push_fixture.hpp>
#include <loft/testing/storage/whole_cases.hpp>

#include <plugin_under_test.hpp>

#include <loft/json.hpp>

#include "transfer/copy.hpp"
#include "transfer/tables.hpp"
#include "transfer/verify.hpp"

namespace transfer_test {

using namespace loft;
using namespace loft::testing::storage;
using storage_test::Running;

/// An empty store of its own.
struct Store {
  Store() : running(std::make_unique<Running>(directory.path())) {}
  Storage* operator->() const { return running->storage.get(); }
  Storage& operator*() const { return *running->storage; }
  void write(BatchData batch) {
    const auto done = (*this)->commit(batch.view());
    REQUIRE(done);
    REQUIRE(done->empty());
  }
  void reopen() {
    running.reset();
    running = std::make_unique<Running>(directory.path());
  }

  TemporaryDirectory directory;
  std::unique_ptr<Running> running;
};

inline constexpr std::uint64_t last_id = (std::uint64_t{1} << 53) - 1;

inline Message a_message(std::uint64_t id, std::uint64_t conversation, Seq seq, std::string content) {
  Message m;
  m.id = mid(id);
  m.conversation = cid(conversation);
  m.seq = seq;
  m.sender = uid(1 + id % 3);
  m.domain = id % 2 == 0 ? "Core:Text" : "Acme:Odd";
  m.content = std::move(content);
  return m;
}

/// Pushes in every state, one of them leased; devices and attempts with holes between their ids.
inline void fill_pushes(Storage& store) {
  auto& ledger = *store.push_ledger();
  std::vector<OwedPush> owed;
  for (std::uint64_t i = 0; i < 7; ++i) owed.push_back(a_push(1000 + i / 2, 1 + i % 2, noon + static_cast<Millis>(i)));
  owed[5].plan = std::string("{\"a\":\"") + '\0' + "\"}";
  owed[6].user = uid(99);  // nobody
  REQUIRE(value(ledger.owe(owed)) == 7);
  REQUIRE(value(ledger.lease(1, noon + 3, noon + 100, 4)).size() == 4);
  const std::vector settled{ended(owed[0], PushState::delivered, noon + 9),
                            ended(owed[1], PushState::silenced, noon, "x"),
                            ended(owed[2], PushState::dead, noon + 8, "BadDeviceToken")};
  std::vector<PushAttempt> attempts;
  for (std::uint64_t i = 0; i < 5; ++i)
    attempts.push_back(an_attempt(1000 + i, i == 2 ? "gone" : "user1", noon, "Odd"));
  REQUIRE(value(ledger.settle(1, {settled, attempts, {}})) == 3);
  for (std::uint64_t i = 0; i < 4; ++i) {
    REQUIRE(value(ledger.register_device(a_device(1 + i % 2, "token" + std::to_string(i)))) != 0);
  }
  REQUIRE(value(ledger.remove_device(uid(1), "apns", "token0")));
  REQUIRE(value(ledger.erase_pushes(uid(98), "gone")) == 1);
}

/// Users, groups and a pair; a log that begins at seq 51, one that is gone altogether, one that is empty; recalled and
/// erased messages; client ids with and without their messages; changes behind the last message; marks of nobody.
inline void fill(Store& store) {
  const std::string zero(1, '\0');
  BatchData entities;
  for (std::uint64_t i = 1; i <= 9; ++i) entities.users.push_back(a_user(i));
  entities.users[3].handle.clear();
  entities.users[4].profile = "{\"name\":\"" + zero + "\xF0\x9F\x98\x80\"}";
  for (std::uint64_t i = 10; i < 15; ++i) entities.conversations.push_back(a_group(i));
  entities.conversations[1].name = "a" + zero + "b";
  entities.conversations[2].dissolved = true;
  entities.conversations[2].handle = "thirteen";
  entities.conversations.push_back(a_direct(16, 1, 2));
  for (std::uint64_t i = 1; i <= 7; ++i) {
    entities.members.push_back({cid(10), uid(i), Role::member, 900 - i * 10, i, 5, i % 2 == 0, uid(2), 77});
    entities.members.push_back({cid(16), uid(i), Role::owner, 50, 0, 0, false});
  }
  store.write(entities);

  BatchData log;
  Seq seq = 50;
  for (std::uint64_t id = 1000; id < 1040; id += 4) log.messages.push_back(a_message(id, 10, ++seq, "{\"n\":1}"));
  log.heads.push_back({cid(10), 0, seq, log.messages.back().id});
  log.messages[2].recalled = 1500;
  log.messages[2].recalled_by = uid(3);
  log.messages[3].content = "{}";
  log.messages[4].extras = "{\"z\":\"" + zero + "\"}";
  log.messages[5].content = zero;
  log.messages[6].content = std::string(200'000, 'x');
  for (std::uint64_t i = 0; i < 5; ++i) log.messages.push_back(a_message(1050 + i, 16, i + 1, "{\"text\":\"hi\"}"));
  log.heads.push_back({cid(16), 0, 5, mid(1054)});
  log.messages.push_back(a_message(last_id - 10, 11, 1, "{}"));
  log.heads.push_back({cid(11), 0, 1, mid(last_id - 10)});
  log.heads.push_back({cid(12), 0, 7, mid(777)});  // its messages are gone
  for (std::size_t i = 0; i < log.messages.size(); ++i) {
    log.keys.push_back(i % 3 == 0 ? std::nullopt : std::optional(a_key(i, ~std::uint64_t{0} - i)));
  }
  for (const std::uint64_t at : {500ull, 1002ull, 1500ull, 1700ull, static_cast<unsigned long long>(last_id - 1)}) {
    log.changes.push_back({at, cid(at % 2 == 0 ? 10 : 16), at == 1500 ? ChangeKind::recalled : ChangeKind::read, uid(1),
                           uid(2), mid(1008), Role::admin, at == 1700 ? zero + "note" : ""});
  }
  for (std::uint64_t i = 1; i <= 5; ++i) {
    log.marks.push_back({uid(i), cid(10), "read", "{\"set\":[[1," + std::to_string(i) + "]]}"});
    log.marks.push_back({uid(99), cid(1000 + i), "odd" + zero, zero});  // of nobody, nowhere
    log.key_values.push_back({"contract.a", "key" + std::to_string(i), std::string(i, 'v')});
  }
  log.key_values.push_back({"contract.b", zero, ""});
  log.applied_upto = last_id;
  store.write(log);

  const std::vector<Storage::StoredKey> gone = {
      {mid(3), uid(1), a_key(103, 1)}, {mid(1001), uid(8), a_key(104, 2)}, {mid(last_id - 5), uid(2), a_key(105, 3)}};
  REQUIRE(value(store->restore_client_keys(gone)) == 3);
  REQUIRE(store->set_follower("push", 1234));
  REQUIRE(store->set_follower("a", 0));
  fill_pushes(*store);
}

inline void require_equal(Storage& a, Storage& b) {
  const auto verified = transfer::verify(a, b, {});
  REQUIRE(verified);
  INFO((verified->differences.empty() ? "" : verified->differences.front()));
  REQUIRE(verified->differences.empty());
  REQUIRE(verified->counts[0] == verified->counts[1]);
  REQUIRE(value(a.last_position()) == value(b.last_position()));
}

inline transfer::CopyOptions by(std::size_t batch) {
  transfer::CopyOptions options;
  options.batch = batch;
  options.from = "the odd store";
  return options;
}

/// As the command line counts.
inline transfer::Count count_of(Store& store) {
  return [&store]() -> Result<std::optional<transfer::Counts>> {
    const auto said = store.running->host.commands.at("storage.count")("{}");
    if (!said) return said.error();
    const auto rows = *json::parse(*said)->find("rows");
    transfer::Counts counts;
    for (const auto& [table, kind] : transfer::kinds) {
      counts.*kind = static_cast<std::uint64_t>(rows.find(table)->integer().value());
    }
    return std::optional(counts);
  };
}

/// What a copy that must fail says.
inline std::string refusal(Storage& source, Storage& target, const transfer::CopyOptions& options = by(10)) {
  const auto copied = transfer::copy(source, target, options);
  return copied ? "it copied" : copied.error().reason + ": " + copied.error().detail;
}

}  // namespace transfer_test
