// What changes the store.
#pragma once

#include <vector>

#include <common/server_writer.hpp>

#include "columns.hpp"
#include "connection.hpp"

namespace loft::storage::postgresql {

class Writer final : public ServerWriter<Connection> {
 public:
  using ServerWriter::ServerWriter;

  std::size_t forget_client_keys(Position before, std::size_t limit);
  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit);
  std::size_t restore_client_keys(std::span<const Storage::StoredKey> keys);

 private:
  Conflict write(Connection& db, const Batch& batch, Lane lane) override;
  void end(Connection& db, const Batch& batch) override;
  void queue_entities(Connection& db, const Batch& batch);
  void queue_heads(Connection& db, const Batch& batch);
  void queue_messages(Connection& db, const Batch& batch);
  void queue_rest(Connection& db, const Batch& batch);
  Conflict conflicts(Connection& db, const Batch& batch, Lane lane);
  void find_stale(Connection& db, const Batch& batch, Cursor& moved, Conflict& conflict);

  std::vector<std::size_t> keyed_;  ///< which of the batch's messages have client keys
  Columns columns_;
};

}  // namespace loft::storage::postgresql
