// How far a message has come, as its viewer is to see it.
#include "messaging/reader.hpp"

namespace loft {
namespace {

Receipt of_view(const UserView& view, const Message& message) {
  const auto it = view.entries.find(message.conversation);
  if (it != view.entries.end()) {
    if (it->second.has(MarkId::read, message.seq)) return Receipt::read;
    if (it->second.has(MarkId::delivered, message.seq)) return Receipt::delivered;
  }
  // Pushed to a live session: shown at once, made durable when the link has proven it.
  return view.live(MarkId::delivered, message.id) ? Receipt::delivered : Receipt::sent;
}

}  // namespace

std::optional<Receipt> Reader::receipt(const Core& core, UserId viewer, const MessageRecord& record) {
  const auto& message = *record.message;
  const auto& conversation = *record.conversation;
  if (record.is_recalled()) return Receipt::sent;  // marks run over recalled messages: how far one came is not kept
  if (conversation.kind == ConversationKind::direct && conversation.low == conversation.high) return Receipt::read;
  if (viewer != message.sender) {
    const auto* view = core.state_.view(viewer);
    return view != nullptr ? std::optional(of_view(*view, message)) : std::nullopt;
  }
  if (conversation.kind == ConversationKind::broadcast) return Receipt::sent;  // it has no members to count
  if (conversation.kind != ConversationKind::direct) return std::nullopt;
  const auto* view = core.state_.view(conversation.low == viewer ? conversation.high : conversation.low);
  return view != nullptr ? std::optional(of_view(*view, message)) : std::nullopt;
}

Result<const std::vector<std::pair<UserId, Mark>>*> Reader::stored_marks(ConversationId id, MarkId mark) {
  const auto key = raw(id) << 8 | raw(mark);
  if (const auto it = marks_.find(key); it != marks_.end()) return &it->second;
  auto written = core_.storage_.marks(id, core_.marks_[raw(mark)].name);
  if (!written) return written.error();
  std::vector<std::pair<UserId, Mark>> decoded;
  for (const auto& row : *written) {
    auto value = Mark::decode(row.set);
    if (!value) return value.error();
    decoded.emplace_back(row.user, std::move(*value));
  }
  return &marks_.emplace(key, std::move(decoded)).first->second;
}

/// Of a group that is too large for the state of each member.
Result<Receipt> Reader::receipt_of_many(ConversationState& conversation, const Message& message) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::uint64_t resets = 0;
    {
      std::lock_guard lock(state_.mutex);
      const auto& furthest = conversation.furthest;
      if (furthest.without(message.sender) >= message.id) return Receipt::delivered;
      if (furthest.known) return Receipt::sent;
      resets = furthest.resets;
    }
    std::vector<std::pair<UserId, MessageId>> stored;
    for (const auto mark : {MarkId::read, MarkId::delivered}) {
      const auto written = core_.storage_.marks(conversation.id(), core_.marks_[raw(mark)].name);
      if (!written) return written.error();
      for (const auto& row : *written) {
        const auto value = Mark::decode(row.set);
        if (!value) return value.error();
        stored.emplace_back(row.user, value->newest);
      }
    }
    std::lock_guard lock(state_.mutex);
    if (conversation.furthest.resets != resets) continue;
    for (const auto& [user, newest] : stored) conversation.furthest.reach(user, newest);
    conversation.furthest.known = true;
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

Result<Receipt> Reader::receipt_of_group(const MessageRecord& record) {
  const auto& message = *record.message;
  std::vector<UserId> unknown;
  std::size_t recipients = 0, read = 0;
  bool delivered = false;
  std::unique_lock lock(state_.mutex);
  auto* conversation = state_.find(message.conversation);
  if (conversation->member_count > core_.options_.receipts_max) {
    lock.unlock();
    return receipt_of_many(*conversation, message);
  }
  for (const auto& member : conversation->members) {
    if (member.left || member.user == message.sender || member.joined_seq >= message.seq) continue;
    ++recipients;
    const auto* view = state_.view(member.user);
    if (view == nullptr) {
      unknown.push_back(member.user);
      continue;
    }
    const auto state = of_view(*view, message);
    delivered |= state != Receipt::sent;
    if (state == Receipt::read) ++read;
  }
  lock.unlock();
  for (const auto mark : {MarkId::read, MarkId::delivered}) {
    if (unknown.empty()) break;
    const auto marks = stored_marks(message.conversation, mark);
    if (!marks) return marks.error();
    for (const auto& [user, value] : **marks) {
      if (!value.set.contains(message.seq)) continue;
      if (std::find(unknown.begin(), unknown.end(), user) == unknown.end()) continue;
      delivered = true;
      if (mark == MarkId::read) ++read;
    }
  }
  if (recipients != 0 && read == recipients) return Receipt::read;
  return delivered ? Receipt::delivered : Receipt::sent;
}

Result<void> Reader::receipts(std::vector<MessageRecord>& records) {
  for (auto& record : records) {
    for (int attempt = 0;; ++attempt) {
      std::optional<Receipt> known;
      {
        std::lock_guard lock(state_.mutex);
        known = receipt(core_, caller_, record);
      }
      if (known) {
        record.receipt = *known;
        break;
      }
      const auto& conversation = *record.conversation;
      if (conversation.kind != ConversationKind::direct && record.message->sender == caller_) {
        const auto state = receipt_of_group(record);
        if (!state) return state.error();
        record.receipt = *state;
        break;
      }
      if (attempt == 3) return Error{Code::unavailable, "view.busy", "try again later"};
      const auto other = record.message->sender != caller_ ? caller_
                         : conversation.low == caller_     ? conversation.high
                                                           : conversation.low;
      if (auto loaded = core_.load_view(other); !loaded) return loaded.error();
    }
  }
  return {};
}

}  // namespace loft
