#include "transfer/pages.hpp"

#include "transfer/mark.hpp"

namespace loft::transfer {
namespace {

constexpr auto end_of_log = static_cast<Seq>(INT64_MAX);

std::vector<LogRow> in_one_order(Storage::Since found) {
  std::vector<LogRow> rows;
  rows.reserve(found.messages.size() + found.changes.size());
  auto message = found.messages.begin();
  for (auto& change : found.changes) {
    while (message != found.messages.end() && raw(message->id) < change.position)
      rows.emplace_back(std::move(*message++));
    rows.emplace_back(std::move(change));
  }
  while (message != found.messages.end()) rows.emplace_back(std::move(*message++));
  return rows;
}

}  // namespace

Pages<User> all_users(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const User* after, std::size_t limit) {
            return storage.users(after == nullptr ? UserId::none : after->id, limit);
          },
          most, whose};
}

Pages<StoredConversation> all_conversations(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const StoredConversation* after, std::size_t limit) {
            return storage.all_conversations(after == nullptr ? ConversationId::none : after->conversation.id, limit);
          },
          most, whose};
}

Pages<Member> all_members(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const Member* after, std::size_t limit) {
            return storage.all_members(after == nullptr ? Member() : *after, limit);
          },
          most, whose};
}

Pages<LogRow> whole_log(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const LogRow* after, std::size_t limit) -> Result<std::vector<LogRow>> {
            auto found = storage.since(after == nullptr ? 0 : position_of(*after), limit);
            if (!found) return found.error();
            return in_one_order(std::move(*found));
          },
          most, whose};
}

Pages<MarkWrite> all_marks(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const MarkWrite* after, std::size_t limit) {
            return storage.all_marks(after == nullptr ? MarkWrite() : *after, limit);
          },
          most, whose};
}

Pages<KeyValueWrite> all_key_values(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const KeyValueWrite* after, std::size_t limit) -> Result<std::vector<KeyValueWrite>> {
            auto from = after == nullptr ? KeyValueWrite() : *after;
            for (;;) {
              auto found = storage.all_key_values(from, limit);
              if (!found || found->empty()) return found;
              from = {found->back().space, found->back().key, std::nullopt};
              std::erase_if(*found, [](const KeyValueWrite& row) { return row.space == mark_space; });
              if (!found->empty()) return found;
            }
          },
          most, whose};
}

Pages<Storage::StoredKey> all_client_keys(Storage& storage, std::size_t most, const std::string& whose) {
  return {[&storage](const Storage::StoredKey* after, std::size_t limit) {
            return storage.client_keys(after == nullptr ? MessageId::none : after->message, limit);
          },
          most, whose};
}

Pages<Storage::StoredFollower> all_followers(Storage& storage, const std::string& whose) {
  return {
      [&storage](const Storage::StoredFollower* after, std::size_t) -> Result<std::vector<Storage::StoredFollower>> {
        if (after != nullptr) return std::vector<Storage::StoredFollower>();
        return storage.followers();
      },
      1, whose};
}

Pages<OwedPush> all_pushes(Storage& storage, std::size_t most, const std::string& whose) {
  return {
      [ledger = storage.push_ledger()](const OwedPush* after, std::size_t limit) -> Result<std::vector<OwedPush>> {
        if (ledger == nullptr) return std::vector<OwedPush>();
        return ledger->pushes(std::nullopt, after == nullptr ? PushKey() : PushKey{after->message, after->user}, limit);
      },
      most, whose};
}

Pages<Device> all_devices(Storage& storage, std::size_t most, const std::string& whose) {
  return {[ledger = storage.push_ledger()](const Device* after, std::size_t limit) -> Result<std::vector<Device>> {
            if (ledger == nullptr) return std::vector<Device>();
            return ledger->devices(after == nullptr ? 0 : after->id, limit);
          },
          most, whose};
}

Pages<PushAttempt> all_attempts(Storage& storage, std::size_t most, const std::string& whose) {
  return {[ledger = storage.push_ledger()](const PushAttempt* after,
                                           std::size_t limit) -> Result<std::vector<PushAttempt>> {
            if (ledger == nullptr) return std::vector<PushAttempt>();
            return ledger->attempts(after == nullptr ? 0 : after->id, limit);
          },
          most, whose};
}

bool is_empty(Storage& storage, const std::string& whose) {
  const auto last = storage.last_position();
  if (!last) throw Failed(last.error(), whose);
  return *last == 0 && all_users(storage, 1, whose).peek() == nullptr &&
         all_conversations(storage, 1, whose).peek() == nullptr && whole_log(storage, 1, whose).peek() == nullptr &&
         all_client_keys(storage, 1, whose).peek() == nullptr && all_marks(storage, 1, whose).peek() == nullptr &&
         all_key_values(storage, 1, whose).peek() == nullptr && all_followers(storage, whose).peek() == nullptr &&
         all_pushes(storage, 1, whose).peek() == nullptr && all_devices(storage, 1, whose).peek() == nullptr &&
         all_attempts(storage, 1, whose).peek() == nullptr;
}

Pages<LogRow> messages_of(Storage& storage, ConversationId id, const std::string& whose) {
  return {[&storage, id](const LogRow* after, std::size_t limit) -> Result<std::vector<LogRow>> {
            const auto low = after == nullptr ? 0 : std::get<Message>(*after).seq + 1;
            auto found = storage.log(id, low, end_of_log, limit, false);
            if (!found) return found.error();
            return in_one_order({std::move(*found), {}});
          },
          1000, whose};
}

Pages<LogRow> changes_of(Storage& storage, ConversationId id, const std::string& whose) {
  return {[&storage, id](const LogRow* after, std::size_t limit) -> Result<std::vector<LogRow>> {
            auto found = storage.changes(id, after == nullptr ? 0 : position_of(*after), limit);
            if (!found) return found.error();
            return in_one_order({{}, std::move(*found)});
          },
          1000, whose};
}

Pages<Member> members_of(Storage& storage, ConversationId id, const std::string& whose) {
  return {[&storage, id](const Member* after, std::size_t limit) -> Result<std::vector<Member>> {
            Member before;
            before.conversation = id;
            auto found = storage.all_members(after == nullptr ? before : *after, limit);
            if (found) std::erase_if(*found, [id](const Member& row) { return row.conversation != id; });
            return found;
          },
          1000, whose};
}

}  // namespace loft::transfer
