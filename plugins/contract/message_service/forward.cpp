// Forwarding: every target is looked at, then all copies are sent together or none is.
#include <algorithm>

#include "fields.hpp"
#include "kinds.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

/// What the request asks for, and what becomes of it.
struct Forward {
  MessageId source = MessageId::none;
  std::vector<UserId> users;
  std::vector<ConversationRef> groups;
  MessageRecord record;
  Caller caller;
};
using ForwardPtr = std::shared_ptr<Forward>;

Result<void> read_groups(const json::Value& list, std::vector<ConversationRef>& out) {
  if (missing(list)) return {};
  if (!list.is(json::Type::array)) return failure::field("targetGroupIds 必须是群组ID数组");
  std::optional<Error> problem;
  list.elements([&](const json::Value& element) {
    auto group = group_ref(element, "targetGroupIds");
    if (group)
      out.push_back(std::move(*group));
    else
      problem = failure::field("targetGroupIds 必须是群组ID数组");
    return !problem;
  });
  if (problem) return std::move(*problem);
  return {};
}

Result<ForwardPtr> read_forward(const json::Value& body, std::size_t limit) {
  const auto [message, users, groups] = pick<3>(body, {"messageId", "targetUserIds", "targetGroupIds"});
  auto forward = std::make_shared<Forward>();
  if (missing(message)) return failure::field("messageId 必填");
  if (!message.is(json::Type::string) && !message.integer()) return failure::field("messageId 必须是消息ID");
  forward->source = message_id(message);
  auto ids = user_ids(users, "targetUserIds", limit);
  if (!ids) return ids.error();
  forward->users = std::move(*ids);
  if (auto read = read_groups(groups, forward->groups); !read) return read.error();
  const auto count = forward->users.size() + forward->groups.size();
  if (count == 0) return failure::field("targetUserIds 和 targetGroupIds 不能都为空");
  if (count > limit) return failure::field("转发目标最多 " + std::to_string(limit) + " 个");
  if (forward->source == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  return forward;
}

/// Whether the caller could write there; nothing: yes.
std::optional<Error> check_group(const ConversationRecord& record, Millis now) {
  const auto& conversation = *record.conversation;
  if (conversation.kind == ConversationKind::direct || conversation.dissolved) {
    return Error{Code::not_found, "conversation.unknown", {}};
  }
  if (conversation.kind != ConversationKind::group) return Error{Code::forbidden, "conversation.read_only", {}};
  if (record.me && record.me->muted_until > now) return Error{Code::forbidden, "member.muted", {}};
  return std::nullopt;
}

void answer(const Request& request, const std::vector<Accepted>& sent) {
  request.answer("转发成功", [&](std::string& out) {
    out += "{\"forwardedCount\":";
    json::append_integer(out, std::uint64_t{sent.size()});
    out += ",\"newMessageIds\":[";
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (i > 0) out += ',';
      append_message_id(out, sent[i].record->message->id);
    }
    out += "]}";
  });
}

void send(const Request& request, const Forward& forward, std::vector<ConversationRef> targets) {
  std::vector<Submission> copies(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    copies[i].to = std::move(targets[i]);
    copies[i].domain = forward.record.message->domain;
    copies[i].content = forward.record.message->content;
  }
  request.messaging().submit_all(
      forward.caller, std::move(copies),
      request.then<std::vector<Accepted>>([request](const std::vector<Accepted>& sent) { answer(request, sent); }));
}

/// Asks for every target, so that what is wrong with one is said in its own words.
void check_targets(const Request& request, const ForwardPtr& forward) {
  using Targets = Gather<ConversationRef>;
  const auto users = forward->users.size();
  const auto all = std::make_shared<Targets>(
      users + forward->groups.size(), [request, forward](std::vector<Result<ConversationRef>> found) {
        if (const auto* problem = first_error(found)) return request.refuse(*problem);
        std::vector<ConversationRef> targets;
        for (auto& ref : found) {
          // A group may have been named twice, once by its handle and once by its number.
          const bool again = std::any_of(targets.begin(), targets.end(), [&](const ConversationRef& other) {
            return ref->by == ConversationRef::By::id && other.by == ref->by && other.number == ref->number;
          });
          if (!again) targets.push_back(std::move(*ref));
        }
        send(request, *forward, std::move(targets));
      });
  for (std::size_t i = 0; i < users; ++i) {
    const auto ref = UserRef::of(forward->users[i]);
    request.users().find(forward->caller, ref, [slot = Targets::slot(all, i), ref](Result<UserPtr> found) mutable {
      if (!found) return slot(std::move(found.error()));
      slot(ConversationRef::direct(ref));
    });
  }
  for (std::size_t i = 0; i < forward->groups.size(); ++i) {
    request.messaging().conversation(
        forward->caller, forward->groups[i], true,
        [request, slot = Targets::slot(all, users + i)](Result<ConversationRecord> found) mutable {
          if (!found) return slot(std::move(found.error()));
          if (auto problem = check_group(*found, request.shared().now())) return slot(std::move(*problem));
          slot(ConversationRef::of(found->conversation->id));
        });
  }
}

Result<void> forward_message(const Request& request) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  auto forward = read_forward(*body, request.shared().settings.forward_targets);
  if (!forward) return forward.error();
  request.as_user(*claims, [request, forward = std::move(*forward)](const Caller& caller, const UserPtr&) {
    forward->caller = caller;
    request.messaging().message(caller, forward->source, request.then<MessageRecord>([=](MessageRecord record) {
      if (record.hidden) return request.refuse(failure::no_message());
      if (record.is_recalled()) return request.refuse(failure::recalled());
      forward->record = std::move(record);
      check_targets(request, forward);
    }));
  });
  return {};
}

}  // namespace

void forward_routes(const Shared& shared, Routes& routes) {
  add_route(shared, routes, HttpMethod::post, "/api/v1/messages/forward", forward_message);
}

}  // namespace loft::message_service
