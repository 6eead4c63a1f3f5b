// S1 the hard way: a process that stores is killed at random moments, and what it had acknowledged is looked for.
#pragma once

#include <csignal>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

class CrashCase {
 public:
  explicit CrashCase(Factory factory) : factory_(std::move(factory)) {}

  void run(int rounds) {
    std::mt19937 random(7);
    for (int round = 0; round < rounds; ++round) {
      INFO("round " << round);
      // Kill after a random number of acknowledgements, so that no clock is involved.
      const auto acknowledged = child_until(std::uniform_int_distribution<std::uint64_t>(1, 60)(random));
      REQUIRE(acknowledged >= stored_);
      verify(acknowledged);
    }
  }

 private:
  /// Batch n: three messages, with client keys, seqs 3n-2 … 3n.
  static BatchData batch(std::uint64_t n) {
    BatchData data;
    if (n == 1) data.conversations = {a_group(10)};
    Seq head = 3 * (n - 1);
    for (std::uint64_t i = 0; i < 3; ++i) {
      data.say(cid(10), head, mid(1000 * n + i), uid(1), "{\"n\":" + std::to_string(n) + "}", a_key(10 * n + i, n));
    }
    data.marks = {{uid(1), cid(10), "read", std::to_string(n)}};
    data.members = {{cid(10), uid(1), Role::owner, 1000 * n, 0, 0, false}};
    return data;
  }

  [[noreturn]] static void work(const Factory& factory, const std::string& directory, std::uint64_t from, int out) {
    try {
      const auto store = factory(directory);
      for (auto n = from;; ++n) {
        auto data = batch(n);
        const auto result = store->commit(data.view());
        if (!result || !result->empty()) break;
        if (::write(out, &n, sizeof n) != sizeof n) break;
      }
    } catch (...) {
    }
    ::_exit(1);
  }

  /// Runs a child until it has acknowledged `count` batches, kills it, and returns the last one it acknowledged.
  std::uint64_t child_until(std::uint64_t count) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      work(factory_, directory_.path(), stored_ + 1, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t last = 0;
    std::uint64_t n = 0;
    for (std::uint64_t seen = 0; ::read(ends[0], &n, sizeof n) == sizeof n;) {
      last = n;
      if (++seen == count) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
    return last;
  }

  void verify(std::uint64_t acknowledged) {
    const auto store = factory_(directory_.path());
    const auto log = value(store->log(cid(10), 1, everything, 1'000'000, false));
    REQUIRE(log.size() % 3 == 0);  // whole batches only
    stored_ = log.size() / 3;
    REQUIRE(stored_ >= acknowledged);
    REQUIRE(stored_ <= acknowledged + 1);  // the one whose answer was lost
    for (std::size_t i = 0; i < log.size(); ++i) {
      REQUIRE(log[i].seq == i + 1);
      REQUIRE(raw(log[i].id) == 1000 * (i / 3 + 1) + i % 3);
    }
    const auto conversation = value(store->conversation(cid(10)));
    REQUIRE(conversation);
    REQUIRE(conversation->head == log.size());
    REQUIRE(conversation->last == log.back().id);
    REQUIRE(value(store->last_position()) == raw(log.back().id));
    REQUIRE(value(store->marks(cid(10), "read")).at(0).set == std::to_string(stored_));
    auto again = batch(stored_);
    const auto conflict = value(store->commit(again.view()));
    REQUIRE(conflict.duplicates.size() == 3);
    REQUIRE(conflict.stale.size() == 1);
    store->stop(std::numeric_limits<Millis>::max());
  }

  Factory factory_;
  TemporaryDirectory directory_;
  std::uint64_t stored_ = 0;
};

inline void s1_survives_sigkill(Factory factory) { CrashCase(std::move(factory)).run(12); }

}  // namespace loft::testing::storage
