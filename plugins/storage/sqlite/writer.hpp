// All that changes the store goes through one connection.
#pragma once

#include <loft/storage.hpp>

#include <common/batch.hpp>
#include <common/domains.hpp>

#include "connection.hpp"

namespace loft::storage {

/// One call at a time. Everything throws Failure; then nothing of the call is stored.
class Writer {
 public:
  Writer(const std::string& path, const Tuning& tuning);

  /// Throws Broken too.
  Conflict commit(const Batch& batch);
  void set_follower(std::string_view name, Position position);
  std::size_t forget_client_keys(Position before, std::size_t limit);
  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit);
  std::size_t restore_client_keys(std::span<const Storage::StoredKey> keys);

  Connection& connection() noexcept { return connection_; }

 private:
  void put_entities(const Batch& batch);
  void put_heads(const Batch& batch, Conflict& conflict);
  void put_messages(const Batch& batch, Conflict& conflict);
  void put_key(const Batch& batch, std::size_t index, Conflict& conflict);
  void put_rest(const Batch& batch);

  Connection connection_;
  DomainNumbers domains_;
};

}  // namespace loft::storage
