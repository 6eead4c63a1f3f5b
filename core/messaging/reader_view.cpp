// What the caller's own view says of single messages: whether they are hidden, and how far they have come with it.
#include "messaging/reader.hpp"

namespace loft {
namespace {

bool is_hidden(const UserView& view, const Message& message) {
  const auto it = view.entries.find(message.conversation);
  return it != view.entries.end() && it->second.has(MarkId::hidden, message.seq);
}

}  // namespace

bool Reader::show(const Core& core, UserId viewer, MessageRecord& record) {
  const auto* view = core.state_.view(viewer);
  if (view == nullptr) return false;
  const auto known = receipt(core, viewer, record);
  if (!known) return false;
  record.receipt = *known;
  record.hidden = is_hidden(*view, *record.message);
  return true;
}

/// Calls `use(view)` with the lock held, the caller's view having been brought into memory.
template <class F>
Result<void> Reader::in_view(F use) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    {
      std::lock_guard lock(state_.mutex);
      if (const auto* view = state_.view(caller_)) {
        use(*view);
        return {};
      }
    }
    if (auto loaded = core_.load_view(caller_); !loaded) return loaded;
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

Result<MessageRecord> Reader::shown(MessageRecord record) {
  std::vector<MessageRecord> one{std::move(record)};
  if (auto filled = receipts(one); !filled) return filled.error();
  auto seen = in_view([&](const UserView& view) { one.front().hidden = is_hidden(view, *one.front().message); });
  if (!seen) return seen.error();
  return std::move(one.front());
}

Result<void> Reader::show(std::vector<SyncEntry>& entries) {
  return in_view([&](const UserView& view) {
    for (auto& entry : entries) {
      auto& record = entry.record;
      if (record.message == nullptr) continue;
      record.hidden = is_hidden(view, *record.message);
      if (record.message->sender == caller_) continue;
      if (const auto known = receipt(core_, caller_, record)) record.receipt = *known;
    }
  });
}

Result<Standing> Reader::standing(MessageId id, bool count) {
  Standing now;
  auto record = core_.record_of(id);
  if (!record && record.error().code != Code::not_found) return record.error();
  bool visible = false;
  const auto seen = in_view([&](const UserView& view) {
    now.online = !view.sessions.empty();
    if (!record) return;
    const auto it = view.entries.find(record->message->conversation);
    if (it == view.entries.end() || record->message->seq <= it->second.joined_seq) return;
    visible = true;
    const auto& mine = it->second;
    const auto seq = record->message->seq;
    record->hidden = mine.has(MarkId::hidden, seq);
    record->receipt = mine.has(MarkId::read, seq)        ? Receipt::read
                      : mine.has(MarkId::delivered, seq) ? Receipt::delivered
                                                         : Receipt::sent;
  });
  if (!seen) return seen.error();
  if (!visible) return now;
  now.record = std::move(*record);
  if (!count || now.online || now.record.hidden || now.record.is_recalled() || now.record.receipt == Receipt::read)
    return now;
  const auto unread = this->unread({}, nullptr);
  if (!unread) return unread.error();
  now.unread = *unread;
  return now;
}

void Reader::leave_absent(const Core& core, std::vector<UserId>& users) {
  std::lock_guard lock(core.state_.mutex);
  std::erase_if(users, [&](UserId user) {
    const auto* view = core.state_.view(user);
    return view != nullptr && !view->sessions.empty();
  });
}

std::optional<std::vector<UserId>> Reader::audience(const Core& core, const Message& message) {
  constexpr std::size_t most = 1'000;  // looked through with the lock held
  std::lock_guard lock(core.state_.mutex);
  const auto* conversation = core.state_.find(message.conversation);
  if (conversation == nullptr) return std::nullopt;
  std::vector<UserId> users;
  if (conversation->is_direct()) {
    for (const auto user : {conversation->info->low, conversation->info->high}) {
      if (user != message.sender) users.push_back(user);
    }
    return users;
  }
  if (!conversation->lists_members() || !conversation->members_loaded || conversation->members.size() > most)
    return std::nullopt;
  for (const auto& member : conversation->members) {
    if (!member.left && member.user != message.sender && member.joined_seq < message.seq) users.push_back(member.user);
  }
  return users;
}

}  // namespace loft
