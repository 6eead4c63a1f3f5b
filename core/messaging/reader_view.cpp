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

}  // namespace loft
