// What a commit hands back to the I/O threads, in order.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include <loft/function.hpp>
#include <loft/messaging.hpp>

#include "messaging/sessions.hpp"

namespace loft {

/// The answer to a submission: the one kind that is worth a type of its own.
struct Ack {
  std::uint64_t session = 0;
  Done<Accepted> done;
  Result<Accepted> result;
};

/// Any other answer, or a fact to publish. `session` 0: whatever became of the connection.
struct Reply {
  std::uint64_t session = 0;
  Function<void()> call;
};

struct AudienceChange {
  UserId user = UserId::none;
  ConversationId group = ConversationId::none;
  bool joins = false;
};

/// A new message, for those of its conversation.
struct NewRecord {
  std::shared_ptr<const MessageRecord> record;
};

using OutboundItem = std::variant<Ack, NewRecord, Reply, std::shared_ptr<const Outgoing>, AudienceChange>;

struct Outbound {
  explicit Outbound(unsigned threads) : by_thread(threads) {}

  std::vector<std::vector<OutboundItem>> by_thread;
  bool to_groups = false;              ///< has messages to groups
  std::vector<UserId> announced;       ///< have their first session on this host now
  std::vector<UserId> withdrawn;       ///< have none any more
  std::vector<Function<void()>> here;  ///< for callers that are on no I/O thread: run by the committer

  void add(unsigned thread, OutboundItem item) {
    if (thread < by_thread.size()) by_thread[thread].push_back(std::move(item));
  }

  template <class T>
  void reply(const Caller& caller, Done<T>& done, Result<T> result) {
    if (!done) return;
    reply(caller, [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  }

  void reply(const Caller& caller, Function<void()> call) {
    if (caller.thread < by_thread.size()) {
      by_thread[caller.thread].push_back(Reply{caller.session, std::move(call)});
    } else {
      here.push_back(std::move(call));
    }
  }

  /// The same for a submission.
  void answer(const Caller& caller, Done<Accepted>& done, Result<Accepted> result) {
    if (caller.thread >= by_thread.size()) return reply(caller, done, std::move(result));
    by_thread[caller.thread].push_back(Ack{caller.session, std::move(done), std::move(result)});
  }

  void publish(const Caller& caller, Function<void()> fact) {
    if (caller.thread < by_thread.size()) {
      by_thread[caller.thread].push_back(Reply{0, std::move(fact)});
    } else {
      here.push_back(std::move(fact));
    }
  }
};

}  // namespace loft
