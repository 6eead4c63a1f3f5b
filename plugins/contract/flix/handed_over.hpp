// What a recipient is handed, by whatever way it asked, has reached it: it counts as delivered, as what is pushed does.
#pragma once

#include <utility>
#include <vector>

#include "contract.hpp"

namespace loft::flix {

/// What the reader has deleted stays as it was: nobody else hears of that.
inline bool is_undelivered(const MessageRecord& record, UserId reader) noexcept {
  return record.message != nullptr && record.receipt == Receipt::sent && !record.is_recalled() && !record.hidden &&
         record.message->sender != reader;
}

inline std::vector<MessageId> undelivered(const Page& page, UserId reader) {
  std::vector<MessageId> ids;
  for (const auto& record : page.messages) {
    if (is_undelivered(record, reader)) ids.push_back(record.message->id);
  }
  return ids;
}

inline std::vector<MessageId> undelivered(const MessageRecord& record, UserId reader) {
  return is_undelivered(record, reader) ? std::vector{record.message->id} : std::vector<MessageId>();
}

inline std::vector<MessageId> undelivered(const SyncPage& page, UserId reader) {
  std::vector<MessageId> ids;
  for (const auto& entry : page.entries) {
    if (!entry.change && is_undelivered(entry.record, reader)) ids.push_back(entry.record.message->id);
  }
  return ids;
}

inline void mark_delivered(const Shared& shared, const Caller& caller, std::vector<MessageId> ids) {
  if (ids.empty()) return;
  MarkAct act;
  act.mark = MarkId::delivered;
  act.messages = std::move(ids);
  shared.messaging().mark(caller, std::move(act), [](const Result<Marked>&) {});
}

/// Answers by `done`, then marks what was answered with.
template <class T>
Done<T> handing_over(const Shared& shared, const Caller& caller, Done<T> done) {
  return [&shared, caller, done = std::move(done)](Result<T> result) mutable {
    auto ids = result ? undelivered(*result, caller.user) : std::vector<MessageId>();
    done(std::move(result));
    mark_delivered(shared, caller, std::move(ids));
  };
}

/// The same for what a sync writes.
inline Function<std::size_t(const SyncPage&)> handing_over(const Shared& shared, const Caller& caller,
                                                           Function<std::size_t(const SyncPage&)> write) {
  return [&shared, caller, write = std::move(write)](const SyncPage& page) mutable {
    mark_delivered(shared, caller, undelivered(page, caller.user));
    return write(page);
  };
}

}  // namespace loft::flix
