// S9: what is read beside commits is a state between two of them.
#pragma once

#include <atomic>
#include <thread>

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

/// Every commit adds one message to each of two conversations and a change, and writes its number into the mark and
/// the name of both. A reader that sees different numbers in one call has seen half a commit.
class ConcurrentCase {
 public:
  explicit ConcurrentCase(Factory factory) : store_(std::move(factory)) {
    BatchData batch;
    batch.users = {a_user(1)};
    batch.conversations = {named(10, 0), named(11, 0)};
    batch.members = {{cid(10), uid(1), Role::owner, 1, 0, 0, false}, {cid(11), uid(1), Role::owner, 1, 0, 0, false}};
    batch.marks = {{uid(1), cid(10), "read", "0"}, {uid(1), cid(11), "read", "0"}};
    store_.store(batch);
  }

  void run(unsigned readers, std::uint64_t commits) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < readers; ++i) {
      threads.emplace_back([this] {
        do {
          look();
        } while (!done_);
      });
    }
    for (std::uint64_t n = 1; n <= commits && ok_; ++n) commit(n);
    done_ = true;
    for (auto& thread : threads) thread.join();
    CHECK(ok_);
    CHECK(value(store_->conversation(cid(10)))->head == commits);
  }

 private:
  static Conversation named(std::uint64_t id, std::uint64_t n) {
    auto c = a_group(id);
    c.name = std::to_string(n);
    return c;
  }

  void commit(std::uint64_t n) {
    BatchData batch;
    Seq a = n - 1, b = n - 1;
    batch.conversations = {named(10, n), named(11, n)};
    batch.say(cid(10), a, mid(100 * n), uid(1), "{}");
    batch.say(cid(11), b, mid(100 * n + 1), uid(1), "{}");
    batch.changes = {{100 * n + 2, cid(10), ChangeKind::updated, uid(1), UserId::none, MessageId::none, Role::member}};
    batch.marks = {{uid(1), cid(10), "read", std::to_string(n)}, {uid(1), cid(11), "read", std::to_string(n)}};
    const auto result = store_->commit(batch.view());
    if (!result || !result->empty()) ok_ = false;
  }

  // Catch's macros are for one thread: the readers only say yes or no.
  void expect(bool right) {
    if (!right) ok_ = false;
  }

  void look() {
    const auto both = store_->conversations(std::vector{cid(10), cid(11)});
    expect(both && both->size() == 2 && (*both)[0].head == (*both)[1].head &&
           (*both)[0].conversation.name == std::to_string((*both)[0].head) &&
           (*both)[0].conversation.name == (*both)[1].conversation.name);
    const auto mine = store_->memberships(uid(1));
    expect(mine && mine->size() == 2 && (*mine)[0].marks.size() == 1 &&
           (*mine)[0].marks[0].set == (*mine)[1].marks[0].set);
    const auto page = store_->since(0, 1'000'000);
    expect(page && page->messages.size() == 2 * page->changes.size());
    if (!both) return;
    // What one call has shown, the next cannot miss.
    const auto head = (*both)[0].head;
    const auto log = store_->log(cid(10), 1, everything, 1'000'000, false);
    expect(log && log->size() >= head && (log->empty() || log->back().seq == log->size()));
    const auto at = store_->seq_at(cid(10), 100 * head + 50);
    expect(at && *at == head);
    const auto count = store_->count_foreign(cid(10), 1, head, uid(2));
    expect(count && *count == head);
  }

  Fixture store_;
  std::atomic<bool> done_{false};
  std::atomic<bool> ok_{true};
};

inline void s9_readers_see_states_between_commits(Factory factory) { ConcurrentCase(std::move(factory)).run(3, 150); }

}  // namespace loft::testing::storage
