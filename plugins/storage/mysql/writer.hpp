// All that changes the store goes through one connection, which holds the lock that says who owns the database.
#pragma once

#include <string_view>
#include <utility>

#include <loft/storage.hpp>

#include <common/batch.hpp>
#include <common/domains.hpp>
#include <common/writing_connection.hpp>

#include "connection.hpp"

namespace loft::storage::mysql {

/// One call at a time. Everything throws Failure; then nothing of the call is stored, or nobody knows whether it is,
/// and the same call may come again (S5).
class Writer {
 public:
  /// `connection` owns the database.
  explicit Writer(WritingConnection<Connection> connection) : connection_(std::move(connection)) {}

  /// Throws Broken too.
  Conflict commit(const Batch& batch);
  void set_follower(std::string_view name, Position position);
  std::size_t forget_client_keys(Position before, std::size_t limit);
  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit);
  std::size_t restore_client_keys(std::span<const Storage::StoredKey> keys);

  /// False when the connection is gone. Does not wait.
  bool alive() const noexcept { return connection_.alive(); }
  /// A write that changes nothing; opens a connection where there is none.
  void check();

 private:
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

  WritingConnection<Connection> connection_;
  DomainNumbers domains_;
};

}  // namespace loft::storage::mysql
