// What a recipient is handed, by whatever way it asked, has reached it: it counts as delivered, as what is pushed does.
#pragma once

#include <utility>
#include <vector>

#include <loft/contract_tools.hpp>

#include "contract.hpp"

namespace loft::flix {

inline std::vector<MessageId> undelivered(const Page& page, UserId reader) {
  return loft::undelivered(page.messages, reader);
}

inline std::vector<MessageId> undelivered(const MessageRecord& record, UserId reader) {
  return loft::undelivered({&record, 1}, reader);
}

inline std::vector<MessageId> undelivered(const SyncPage& page, UserId reader) {
  std::vector<MessageId> ids;
  for (const auto& entry : page.entries) {
    if (!entry.change && is_undelivered(entry.record, reader)) ids.push_back(entry.record.message->id);
  }
  return ids;
}

/// Answers by `done`, then marks what was answered with.
template <class T>
Done<T> handing_over(const Shared& shared, const Caller& caller, Done<T> done) {
  return [&shared, caller, done = std::move(done)](Result<T> result) mutable {
    auto ids = result ? undelivered(*result, caller.user) : std::vector<MessageId>();
    done(std::move(result));
    mark_delivered(shared.messaging(), caller, std::move(ids));
  };
}

/// The same for what a sync writes.
inline Function<std::size_t(const SyncPage&)> handing_over(const Shared& shared, const Caller& caller,
                                                           Function<std::size_t(const SyncPage&)> write) {
  return [&shared, caller, write = std::move(write)](const SyncPage& page) mutable {
    mark_delivered(shared.messaging(), caller, undelivered(page, caller.user));
    return write(page);
  };
}

}  // namespace loft::flix
