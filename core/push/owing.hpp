// The follower: turns committed messages into what is owed.
#pragma once

#include <map>
#include <span>

#include <loft/events.hpp>
#include <loft/push_ledger.hpp>

#include "push/meters.hpp"
#include "push/notice.hpp"
#include "push/shared.hpp"
#include "push/trace.hpp"
#include "push/world.hpp"

namespace loft::push {

/// Thread role: follower.
class Owing {
 public:
  struct Parts {
    const Settings& settings;
    PushLedger& ledger;
    World& world;
    Erased& erased;
    const Clock& clock;
    Meters& meters;
    Trace& trace;
  };

  /// `owed` is called when new pushes are stored, with the moment at which the first is due, since 1970.
  Owing(const Parts& parts, Function<void(Millis)> owed) : p_(parts), owed_(std::move(owed)) {}

  /// Errors: the storage's; then the same entries are to come again.
  Result<void> consume(std::span<const Committed> entries);

 private:
  Result<void> take(const Message& message);
  Result<void> take_page(const Message& message, std::vector<UserId> users);
  Result<void> leave_unreachable(const Message& message, std::vector<UserId>& users);
  void pass_over(const Message& message, UserId user, const char* reason);
  void count_passed_over(const char* reason);
  void pass_over_gone(const Message& message, const std::vector<UserId>& before, const std::vector<UserId>& after,
                      const char* reason);
  Result<void> store();

  const Parts p_;
  Function<void(Millis)> owed_;
  std::map<const char*, Metric*> passed_over_;  ///< by literal: looked up once
  std::vector<OwedPush> rows_;
  std::map<ConversationId, std::vector<UserId>> muted_;  ///< of the entries at hand
};

}  // namespace loft::push
