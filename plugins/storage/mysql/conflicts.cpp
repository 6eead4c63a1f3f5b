#include "conflicts.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <common/batch.hpp>
#include <common/snapshot.hpp>

namespace loft::storage::mysql {
namespace {

void find_stale(Connection& db, const Batch& batch, Conflict& conflict) {
  for (const auto& update : batch.heads) {
    auto row = db.run(Query::head, update.conversation);
    Seq head = 0;
    auto last = MessageId::none;
    if (row.next()) {
      head = row.number(0);
      last = static_cast<MessageId>(row.number(1));
    } else if (std::none_of(batch.conversations.begin(), batch.conversations.end(),
                            [&](const Conversation& made) { return made.id == update.conversation; })) {
      refuse_unknown_head(update.conversation);
    }
    if (head != update.expected_head) conflict.stale.push_back({update.conversation, head, last});
  }
}

void find_duplicates(Connection& db, const Batch& batch, Conflict& conflict) {
  std::map<std::tuple<UserId, std::uint64_t, std::uint64_t>, std::size_t> fresh;
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const auto& [message, key] = batch.messages[i];
    if (!key) continue;
    auto row = db.run(Query::key, message->sender, key->hash[0], key->hash[1]);
    if (row.next()) {
      conflict.duplicates.push_back({i, static_cast<MessageId>(row.number(0)), row.number(1)});
      continue;
    }
    const auto [first, is_new] = fresh.try_emplace({message->sender, key->hash[0], key->hash[1]}, i);
    if (!is_new) refuse_key_twice(first->second, i);
    auto other = db.run(Extra::key_of_message, message->id);
    if (other.next()) refuse_second_key(message->id);
  }
}

}  // namespace

Conflict conflicts_of(Connection& db, const Batch& batch) {
  const Snapshot snapshot(db);
  Conflict conflict;
  find_stale(db, batch, conflict);
  find_duplicates(db, batch, conflict);
  if (conflict.empty()) throw Broken("the batch contradicts itself: it moves a head or stores a message twice");
  return conflict;
}

}  // namespace loft::storage::mysql
