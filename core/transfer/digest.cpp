#include "transfer/digest.hpp"

#include "transfer/pages.hpp"

namespace loft::transfer {
namespace {

constexpr std::size_t page = 2000;

/// Calls `use` for each row.
template <class Row, class Use>
void each(Pages<Row>&& rows, const std::function<void(std::uint64_t)>& counted, Use use) {
  std::uint64_t fresh = 0;
  for (; const Row* row = rows.peek(); rows.skip()) {
    use(*row);
    if (++fresh < 4096) continue;
    counted(fresh);
    fresh = 0;
  }
  counted(fresh);
}

template <class Row>
void add(std::uint64_t& count, std::uint64_t& hash, const Row& row) {
  ++count;
  hash = hashed(row, hash);
}

}  // namespace

Digest digest_of(Storage& storage, const std::string& whose, const std::function<void(std::uint64_t)>& counted) {
  Digest d;
  auto& counts = d.counts;
  const auto last = storage.last_position();
  if (!last) throw Failed(last.error(), whose);
  d.last = *last;
  each(all_users(storage, page, whose), counted, [&](const User& row) { add(counts.users, d.users, row); });
  each(all_conversations(storage, page, whose), counted, [&](const StoredConversation& row) {
    auto& hash = d.conversations[row.conversation.id].itself;
    add(counts.conversations, hash, row.conversation);
    hash = detail::hash(row.last, detail::hash(row.head, hash));
  });
  each(all_members(storage, page, whose), counted,
       [&](const Member& row) { add(counts.members, d.conversations[row.conversation].members, row); });
  each(whole_log(storage, page, whose), counted, [&](const LogRow& row) {
    if (const auto* message = std::get_if<Message>(&row)) {
      add(counts.messages, d.conversations[message->conversation].messages, *message);
    } else {
      const auto& change = std::get<Change>(row);
      add(counts.changes, d.conversations[change.conversation].changes, change);
    }
  });
  each(all_marks(storage, page, whose), counted,
       [&](const MarkWrite& row) { add(counts.marks, d.conversations[row.conversation].marks, row); });
  each(all_client_keys(storage, page, whose), counted,
       [&](const Storage::StoredKey& row) { add(counts.client_keys, d.client_keys, row); });
  each(all_key_values(storage, page, whose), counted,
       [&](const KeyValueWrite& row) { add(counts.key_values, d.key_values, row); });
  each(all_followers(storage, whose), counted,
       [&](const Storage::StoredFollower& row) { add(counts.followers, d.followers, row); });
  each(all_pushes(storage, page, whose), counted, [&](const OwedPush& row) { add(counts.pushes, d.pushes, row); });
  each(all_devices(storage, page, whose), counted, [&](const Device& row) { add(counts.devices, d.devices, row); });
  each(all_attempts(storage, page, whose), counted,
       [&](const PushAttempt& row) { add(counts.attempts, d.attempts, row); });
  return d;
}

}  // namespace loft::transfer
