// What the routes of groups and of their members have in common.
#pragma once

#include <utility>

#include "request.hpp"

namespace loft::message_service {

/// The group that the path names.
ConversationRef path_group(const Request& request);

/// Calls `then(ConversationRecord)`. A group that anybody may join shows itself to everybody, others to members only;
/// what is no group is not found.
template <class F>
void look_up(const Request& request, const Caller& caller, F then) {
  auto seen = [request, caller, then](const ConversationRecord& record) {
    const auto& group = *record.conversation;
    if (group.kind != ConversationKind::group || group.dissolved) {
      return request.refuse({Code::not_found, "conversation.unknown", {}});
    }
    if (group.join == JoinRule::free) return then(record);
    request.messaging().conversation(caller, ConversationRef::of(group.id), true,
                                     request.then<ConversationRecord>(then));
  };
  request.messaging().conversation(caller, path_group(request), false,
                                   request.then<ConversationRecord>(std::move(seen)));
}

}  // namespace loft::message_service
