// All that changes the store goes through one connection, which holds the lock that says who owns the database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <loft/storage.hpp>

#include <common/attempts.hpp>
#include <common/batch.hpp>
#include <common/domains.hpp>
#include <common/owner.hpp>

#include "connection.hpp"

namespace loft::storage::mysql {

/// One call at a time. Everything throws Failure; then nothing of the call is stored, or nobody knows whether it is,
/// and the same call may come again (S5).
class Writer {
 public:
  /// `connection` is open and owns the database; `signature` is what `sign` wrote there.
  Writer(const Settings& settings, Attempts& attempts, std::unique_ptr<Connection> connection, std::string signature)
      : settings_(settings),
        attempts_(attempts),
        connection_(std::move(connection)),
        signature_(std::move(signature)) {}

  /// Throws Broken too.
  Conflict commit(const Batch& batch);
  void set_follower(std::string_view name, Position position);
  std::size_t forget_client_keys(Position before, std::size_t limit);
  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit);
  std::size_t restore_client_keys(std::span<const Storage::StoredKey> keys);

  /// False when the connection is gone. Does not wait.
  bool alive() const noexcept { return connection_ && connection_->alive(); }
  /// A write that changes nothing; opens a connection where there is none.
  void check();

 private:
  template <class F>
  auto repeated(F call) -> decltype(call(std::declval<Connection&>()));

  bool store(Connection& db, const Batch& batch);
  void put_users(Connection& db, const Batch& batch);
  void put_conversations(Connection& db, const Batch& batch);
  void put_members(Connection& db, const Batch& batch);
  bool put_heads(Connection& db, const Batch& batch);
  bool put_keys(Connection& db, const Batch& batch);
  void put_messages(Connection& db, const Batch& batch);
  void put_changes(Connection& db, const Batch& batch);
  void put_rest(Connection& db, const Batch& batch);
  void recall(Connection& db, MessageId message, Position position, UserId by);

  Connection& connection();

  const Settings& settings_;
  Attempts& attempts_;
  std::unique_ptr<Connection> connection_;
  std::string signature_;
  std::optional<Replaced> replaced_;  ///< for good: another host has been here
  DomainNumbers domains_;
  bool committing_ = false;  ///< COMMIT was sent, and nothing has been heard of it
};

}  // namespace loft::storage::mysql
