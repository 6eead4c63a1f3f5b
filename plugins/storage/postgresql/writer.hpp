// All that changes the store goes through one connection, which holds the lock that says who owns the database.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include <loft/storage.hpp>

#include <common/batch.hpp>
#include <common/domains.hpp>
#include <common/writing_connection.hpp>

#include "columns.hpp"
#include "connection.hpp"

namespace loft::storage::postgresql {

/// One call at a time. Everything throws Failure; then nothing of the call is stored, or nobody knows whether it is,
/// and the same call may come again (S5).
class Writer {
 public:
  /// `connection` is native and owns the database.
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
  Conflict write(Connection& db, const Batch& batch);
  void queue_entities(Connection& db, const Batch& batch);
  void queue_heads(Connection& db, const Batch& batch);
  void queue_messages(Connection& db, const Batch& batch);
  void queue_rest(Connection& db, const Batch& batch);
  Conflict conflicts(Connection& db, const Batch& batch);
  void find_stale(Connection& db, const Batch& batch, Cursor& moved, Conflict& conflict);

  WritingConnection<Connection> connection_;
  DomainNumbers domains_;
  std::vector<std::size_t> keyed_;  ///< which of the batch's messages have client keys
  Columns columns_;
};

}  // namespace loft::storage::postgresql
