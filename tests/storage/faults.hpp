// A store on a database server of its own, for whatever may befall that, and somebody who sends into it. Which engine
// it is, `LOFT_TEST_ENGINE` says: the same cases are compiled for each.
#pragma once

#include <random>
#include <thread>

#include <private_server.hpp>

#include "plugin_under_test.hpp"

#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/push_fixture.hpp>

namespace storage_test {

using namespace loft::testing::storage;

inline constexpr bool is_postgresql = std::string_view(LOFT_TEST_ENGINE) == "postgresql";
inline const std::string storage_id = "storage." LOFT_TEST_ENGINE;

using Arguments = std::vector<std::string>;

inline support::PrivateServer new_server(const Arguments& arguments = {}) {
  return support::PrivateServer(is_postgresql ? "postgresql" : "mariadb", arguments);
}

/// Options that name a database, of a storage that gives up soon, so that tests do not take long.
inline OptionValues hasty(const support::PrivateServer& server, const std::string& database) {
  return {{"host", server.host()},
          {"port", std::int64_t{server.port()}},
          {"user", server.user()},
          {"password", server.password()},
          {"database", database},
          {"connect_timeout", std::int64_t{1000}},
          {"statement_timeout", std::int64_t{is_postgresql ? 500 : 2000}}};
}

inline void is_unavailable(const Error& error) {
  CHECK(error.code == Code::unavailable);
  CHECK(error.reason == "storage.unavailable");
}

/// No two alike, and nothing to compress.
inline std::string noise(std::size_t size) {
  static std::minstd_rand dice;
  std::string text(size, ' ');
  for (auto& c : text) c = static_cast<char>('!' + dice() % 90);
  return text;
}

/// Sends one message after the other into one conversation, as the core does: what was not answered is sent again.
class Sender {
 public:
  explicit Sender(Storage& storage, std::size_t size = 2) : storage_(storage), size_(size) {}

  /// `count` messages in one commit. True when they were acknowledged, by an empty conflict or by one that names them.
  bool say(std::size_t count = 1) {
    BatchData batch;
    if (sent_.empty()) batch.conversations = {a_group(10)};
    Seq head = sent_.size();
    if (!waiting_) waiting_ = noise(size_);
    for (std::size_t i = 0; i < count; ++i) {
      batch.say(cid(10), head, mid(1000 + head), uid(1), *waiting_, a_key(1000 + head));
    }
    const auto done = storage_.commit(batch.view());
    if (!done) {
      error_ = done.error();
      return false;
    }
    if (!done->empty()) {
      REQUIRE(done->duplicates.size() == count);
      for (const auto& one : done->duplicates) REQUIRE(one.original == mid(1000 + sent_.size() + one.index));
    }
    sent_.insert(sent_.end(), count, *waiting_);
    waiting_.reset();
    return true;
  }

  /// Until it succeeds. Bounded by the test's own time limit.
  void say_at_last(std::size_t count = 1) {
    while (!say(count)) {
      REQUIRE(error_.reason == "storage.unavailable");
      std::this_thread::yield();
    }
  }

  /// The log has exactly what was acknowledged, in order and without a gap.
  void check_log() {
    auto log = storage_.log(cid(10), 1, everything, 1'000'000, false);
    while (!log) {
      is_unavailable(log.error());
      log = storage_.log(cid(10), 1, everything, 1'000'000, false);
    }
    REQUIRE(log->size() == sent_.size());
    for (std::size_t i = 0; i < log->size(); ++i) {
      REQUIRE((*log)[i].seq == i + 1);
      REQUIRE((*log)[i].id == mid(1000 + i));
      REQUIRE((*log)[i].content == sent_[i]);
    }
    REQUIRE(value(storage_.conversation(cid(10)))->head == sent_.size());
  }

  std::size_t acknowledged() const { return sent_.size(); }
  const Error& error() const { return error_; }

 private:
  Storage& storage_;
  std::size_t size_;
  std::vector<std::string> sent_;
  std::optional<std::string> waiting_;
  Error error_;
};

struct Troubled {
  explicit Troubled(const Arguments& arguments = {}, const OptionValues& more = {}, std::size_t size = 2)
      : server(is_postgresql ? "postgresql" : "mariadb", arguments),
        store("/nonexistent", with_more(hasty(server, server.database()), more), storage_id),
        sender(*store.storage, size) {
    REQUIRE(sender.say());
  }

  support::PrivateServer server;
  Running store;
  Sender sender;

 private:
  static OptionValues with_more(OptionValues values, const OptionValues& more) {
    for (const auto& [name, value] : more) values[name] = value;
    return values;
  }
};

}  // namespace storage_test
