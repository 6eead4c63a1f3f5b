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

#include "columns.hpp"
#include "connection.hpp"

namespace loft::storage::postgresql {

/// One call at a time. Everything throws Failure; then nothing of the call is stored, or nobody knows whether it is,
/// and the same call may come again (S5).
class Writer {
 public:
  /// `connection` is open, native, and owns the database; `signature` is what `sign` wrote there.
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
  bool alive() noexcept { return connection_ && connection_->alive(); }
  /// A write that changes nothing; opens a connection where there is none.
  void check();

 private:
  int repeats_after(const Failure& failure) const;
  template <class F>
  auto repeated(F call) -> decltype(call());

  Conflict store(const Batch& batch);
  void queue_entities(const Batch& batch);
  void queue_heads(const Batch& batch);
  void queue_messages(const Batch& batch);
  void queue_rest(const Batch& batch);
  Conflict conflicts(const Batch& batch);
  void find_stale(const Batch& batch, Cursor& moved, Conflict& conflict);
  Connection& connection();

  const Settings& settings_;
  Attempts& attempts_;
  std::unique_ptr<Connection> connection_;
  std::string signature_;
  std::optional<Replaced> replaced_;  ///< for good: another host has been here
  bool committing_ = false;           ///< a COMMIT may have been sent: nobody knows whether the call is stored
  DomainNumbers domains_;
  std::vector<std::uint64_t> message_domains_;  ///< of the batch's messages
  std::vector<std::size_t> keyed_;              ///< which of them have client keys
  Columns columns_;
};

/// Takes the lock that keeps a second host away, for as long as the connection lives. Throws Failure naming the owner.
void own_database(Connection& connection, const Settings& settings);

}  // namespace loft::storage::postgresql
