// What changes the store.
#pragma once

#include <common/server_writer.hpp>

#include "connection.hpp"

namespace loft::storage::mysql {

class Writer final : public ServerWriter<Connection> {
 public:
  using ServerWriter::ServerWriter;

  std::size_t forget_client_keys(Position before, std::size_t limit);
  std::size_t forget_messages(ConversationId id, Seq upto, std::size_t limit);
  std::size_t restore_client_keys(std::span<const Storage::StoredKey> keys);

 private:
  Conflict write(Connection& db, const Batch& batch, Lane lane) override;
  void end(Connection& db, const Batch& batch) override;
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
};

}  // namespace loft::storage::mysql
