// What is the same in every SQL storage: reads go to a pool of connections, writes to the one writer, failures become
// answers. An engine derives from this, declares its options, opens and closes.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include <loft/storage.hpp>

#include "pool.hpp"
#include "reads.hpp"
#include "reports.hpp"
#include "upkeep.hpp"
#include "whole_reads.hpp"

namespace loft::storage {

/// Connection: see reads.hpp. Writer: `commit` and the other functions of Storage that write, without Result;
/// one call at a time. Both throw Failure; anything else that is thrown is the caller's mistake.
template <class Connection, class Writer>
class SqlStorage : public Upkeep {
 public:
  void setup(Host& host) override {
    host_ = &host;
    reports_.begin(host);
    offer_commands(host);
  }

  Result<Conflict> commit(const Batch& batch) override {
    return write([&](Writer& writer) { return writer.commit(batch); });
  }
  Result<void> set_follower(std::string_view name, Position position) override {
    auto done = write([&](Writer& writer) {
      writer.set_follower(name, position);
      return true;
    });
    return done ? Result<void>() : Result<void>(std::move(done.error()));
  }
  Result<std::size_t> forget_client_keys(Position before, std::size_t limit) override {
    return write([&](Writer& writer) { return writer.forget_client_keys(before, limit); });
  }
  Result<std::size_t> forget_messages(ConversationId id, Seq upto, std::size_t limit) override {
    return write([&](Writer& writer) { return writer.forget_messages(id, upto, limit); });
  }

  Result<Position> last_position() override {
    return read([](Connection& db) { return reads::last_position(db); });
  }
  Result<std::optional<User>> user_by_id(UserId id) override {
    return read([&](Connection& db) { return reads::user(db, id); });
  }
  Result<std::optional<User>> user_by_handle(std::string_view handle) override {
    return read([&](Connection& db) { return reads::user(db, Query::user_by_handle, handle); });
  }
  Result<std::optional<User>> user_by_uuid(std::string_view uuid) override {
    return read([&](Connection& db) { return reads::user(db, Query::user_by_uuid, uuid); });
  }
  Result<std::vector<User>> users(UserId after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::users(db, after, limit); });
  }
  Result<std::optional<StoredConversation>> conversation(ConversationId id) override {
    return read([&](Connection& db) { return reads::conversation(db, id); });
  }
  Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view handle) override {
    return read([&](Connection& db) { return reads::conversation(db, Query::conversation_by_handle, handle); });
  }
  Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view uuid) override {
    return read([&](Connection& db) { return reads::conversation(db, Query::conversation_by_uuid, uuid); });
  }
  Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) override {
    return read([&](Connection& db) { return reads::conversation(db, low, high); });
  }
  Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) override {
    return read([&](Connection& db) { return reads::conversations(db, ids); });
  }
  Result<std::vector<Member>> members(ConversationId id) override {
    return read([&](Connection& db) { return reads::members(db, id); });
  }
  Result<std::vector<Membership>> memberships(UserId user) override {
    return read([&](Connection& db) { return reads::memberships(db, user); });
  }
  Result<std::vector<MarkWrite>> marks(ConversationId id, std::string_view mark) override {
    return read([&](Connection& db) { return reads::marks(db, id, mark); });
  }
  Result<std::vector<Message>> log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) override {
    return read([&](Connection& db) { return reads::log(db, id, low, high, limit, descending); });
  }
  Result<std::vector<Message>> messages(std::span<const MessageId> ids) override {
    return read([&](Connection& db) { return reads::messages(db, ids); });
  }
  Result<Seq> seq_at(ConversationId id, Position position) override {
    return read([&](Connection& db) { return reads::seq_at(db, id, position); });
  }
  Result<std::uint64_t> count_foreign(ConversationId id, Seq low, Seq high, UserId except) override {
    return read([&](Connection& db) { return reads::count_foreign(db, {id, low, high, except}); });
  }
  Result<std::vector<std::uint64_t>> counts_foreign(std::span<const ForeignRange> ranges) override {
    return read([&](Connection& db) { return reads::counts_foreign(db, ranges); });
  }
  Result<std::vector<Seq>> sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) override {
    return read([&](Connection& db) { return reads::sent(db, id, sender, low, high, limit); });
  }
  Result<std::vector<Change>> changes(ConversationId id, Position after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::changes(db, id, after, limit); });
  }
  Result<Since> since(Position after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::since(db, after, limit); });
  }
  Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) override {
    return read([&](Connection& db) { return reads::key_value(db, space, key); });
  }
  Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                              std::size_t limit) override {
    return read([&](Connection& db) { return reads::key_values(db, space, prefix, after, limit); });
  }
  Result<std::vector<StoredConversation>> broadcasts() override {
    return read([](Connection& db) { return reads::broadcasts(db); });
  }
  Result<std::optional<Position>> follower(std::string_view name) override {
    return read([&](Connection& db) { return reads::follower(db, name); });
  }

  Result<std::vector<StoredConversation>> all_conversations(ConversationId after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::all_conversations(db, after, limit); });
  }
  Result<std::vector<Member>> all_members(const Member& after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::all_members(db, after, limit); });
  }
  Result<std::vector<StoredKey>> client_keys(MessageId after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::client_keys(db, after, limit); });
  }
  Result<std::vector<MarkWrite>> all_marks(const MarkWrite& after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::all_marks(db, after, limit); });
  }
  Result<std::vector<KeyValueWrite>> all_key_values(const KeyValueWrite& after, std::size_t limit) override {
    return read([&](Connection& db) { return reads::all_key_values(db, after, limit); });
  }
  Result<std::vector<StoredFollower>> followers() override {
    return read([](Connection& db) { return reads::followers(db); });
  }
  Result<std::size_t> restore_client_keys(std::span<const StoredKey> keys) override {
    return write([&](Writer& writer) { return writer.restore_client_keys(keys); });
  }

  std::string health() const override { return reports_.health(); }

 protected:
  /// Refuses calls from now on and waits for those that run. The writer is still there.
  void close_reads(Millis deadline) noexcept {
    const auto left = host_ == nullptr ? 0 : std::clamp<Millis>(deadline - host_->clock().steady(), 0, 600'000);
    if (!pool_.close(left) && host_ != nullptr) host_->log().warn("reads were still running at the stop");
  }

  /// For engines on a server, from time to time; their Writer has `alive`, `stay` and `check` too. A host that nobody
  /// uses learns of a lost server, and one that nobody uses because it is not ready of its return.
  void look_after() noexcept {
    bool is_well = reports_.health().empty(), rests = false;
    if (const std::unique_lock lock(writer_mutex_, std::try_to_lock); is_well && lock) {
      is_well = !writer_ || writer_->alive();
      rests = writer_ != nullptr;
    }
    if (is_well && rests) {
      static_cast<void>(write([](Writer& writer) {
        writer.stay();
        return true;
      }));
    }
    if (is_well) return;
    const auto written = write([](Writer& writer) {
      writer.check();
      return true;
    });
    if (written) static_cast<void>(last_position());
  }

  template <class F>
  auto read(F call) -> Result<decltype(call(std::declval<Connection&>()))> {
    try {
      try {
        return read_once(call);
      } catch (const Failure& e) {
        if (e.kind != Failure::Kind::lost) throw;
        pool_.drop_idle();
        return read_once(call);
      }
    } catch (const Failure& e) {
      return reports_.failed(e, Reports::reading);
    } catch (const std::exception& e) {
      return reports_.broken(e);
    }
  }

  template <class F>
  auto write(F call) -> Result<decltype(call(std::declval<Writer&>()))> {
    const std::lock_guard lock(writer_mutex_);
    if (!writer_) return Error{Code::unavailable, "storage.unavailable", {}};
    try {
      auto answer = call(*writer_);
      reports_.worked(Reports::writing);
      return answer;
    } catch (const Failure& e) {
      return reports_.failed(e, Reports::writing);
    } catch (const std::exception& e) {
      return reports_.broken(e);
    }
  }

  template <class F>
  auto read_once(F& call) -> Result<decltype(call(std::declval<Connection&>()))> {
    const auto lease = pool_.lend(busy_timeout_);
    if (!lease) return Error{Code::unavailable, "storage.busy", {}};
    auto answer = call(*lease);
    reports_.worked(Reports::reading);
    return answer;
  }

  Host* host_ = nullptr;
  Millis busy_timeout_ = 5000;  ///< how long a read waits for a connection
  std::mutex writer_mutex_;
  std::unique_ptr<Writer> writer_;  ///< null: not started, or stopped
  Pool<Connection> pool_;
  Reports reports_;
};

}  // namespace loft::storage
