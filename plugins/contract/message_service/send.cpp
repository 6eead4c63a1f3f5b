// Sending: to a user, to a group, and images to either.
#include <algorithm>

#include <loft/extras.hpp>

#include "fields.hpp"
#include "kinds.hpp"
#include "request.hpp"

namespace loft::message_service {
namespace {

constexpr std::size_t max_mentions = 100;

/// What a route is for.
struct Route {
  bool to_user = false;
  bool to_group = false;
  bool image = false;  ///< nothing but images, and a missing type is that one
};

struct Outgoing {
  Submission submission;
  Extras extras;
};

Result<ConversationRef> read_target(const json::Value& receiver, const json::Value& group, const Route& route) {
  const bool has_receiver = !missing(receiver), has_group = !missing(group);
  if (route.to_user && route.to_group && has_receiver == has_group) {
    return failure::field("receiverId 和 groupId 必须且只能填写一个");
  }
  if (route.to_group && (!route.to_user || has_group)) return group_ref(group, "groupId");
  const auto user = user_id(receiver, "receiverId");
  if (!user) return user.error();
  return ConversationRef::direct(UserRef::of(*user));
}

Result<const Kind*> read_kind(const json::Value& type, const Route& route) {
  if (missing(type)) {
    if (!route.image) return failure::field("messageType 必填");
    return &image_kind();
  }
  const auto* kind = kind_of_word(type);
  if (kind == nullptr) {
    return failure::field("messageType 必须是 TEXT、IMAGE、VIDEO、AUDIO、FILE、LOCATION、CARD 之一");
  }
  if (route.image && kind != &image_kind()) return failure::field("messageType 必须是 IMAGE");
  return kind;
}

Result<Outgoing> read_message(const json::Value& body, const Route& route) {
  const auto [receiver, group, type, content, own_id, mentions, reply_to] =
      pick<7>(body, {"receiverId", "groupId", "messageType", "content", "clientMsgId", "atUserIds", "replyTo"});
  Outgoing out;
  auto target = read_target(receiver, group, route);
  if (!target) return target.error();
  out.submission.to = std::move(*target);
  const auto kind = read_kind(type, route);
  if (!kind) return kind.error();
  out.submission.domain = (*kind)->domain;
  if (auto read = read_content(**kind, content, out.submission.content); !read) return read.error();
  auto client = client_id(own_id);
  if (!client) return client.error();
  out.submission.client_id = *client;
  out.extras.client_id = std::move(*client);
  auto called = user_ids(mentions, "atUserIds", max_mentions);
  if (!called) return called.error();
  out.extras.mentions = std::move(*called);
  if (!missing(reply_to)) {
    out.extras.reply_to = message_id(reply_to);
    if (out.extras.reply_to == MessageId::none) return failure::field("replyTo 必须是消息ID");
  }
  return out;
}

/// Whether the message answered is one of the conversation that the answer goes to.
bool is_in(const Conversation& conversation, const ConversationRef& to, UserId sender) {
  switch (to.by) {
    case ConversationRef::By::direct: {
      const auto peer = static_cast<UserId>(to.peer.number);
      return conversation.kind == ConversationKind::direct && conversation.low == std::min(sender, peer) &&
             conversation.high == std::max(sender, peer);
    }
    case ConversationRef::By::id:
      return raw(conversation.id) == to.number;
    default:
      return conversation.handle == to.text || std::to_string(raw(conversation.id)) == to.text;
  }
}

void submit(const Request& request, const Caller& caller, Outgoing outgoing) {
  outgoing.submission.extras = outgoing.extras.encode();
  request.messaging().submit(
      caller, std::move(outgoing.submission), request.then<Accepted>([request](const Accepted& accepted) {
        request.answer("发送成功", [&](std::string& out) { request.shared().wire.sent(out, *accepted.record); });
      }));
}

void check_reply(const Request& request, const Caller& caller, Outgoing outgoing) {
  const auto id = outgoing.extras.reply_to;
  if (id == MessageId::none) return submit(request, caller, std::move(outgoing));
  request.messaging().message(
      caller, id, [request, caller, outgoing = std::move(outgoing)](Result<MessageRecord> found) mutable {
        if (!found && found.error().code != Code::not_found) return request.refuse(found.error());
        if (!found || found->hidden || !is_in(*found->conversation, outgoing.submission.to, caller.user)) {
          return request.refuse(failure::field("replyTo 不是该会话中的消息"));
        }
        submit(request, caller, std::move(outgoing));
      });
}

void check_mentions(const Request& request, const Caller& caller, Outgoing outgoing) {
  if (outgoing.extras.mentions.empty()) return check_reply(request, caller, std::move(outgoing));
  const auto called = outgoing.extras.mentions;
  const auto all = std::make_shared<Gather<UserPtr>>(
      called.size(), [request, caller, outgoing = std::move(outgoing)](std::vector<Result<UserPtr>> found) mutable {
        for (std::size_t i = 0; i < found.size(); ++i) {
          if (found[i]) continue;
          if (found[i].error().code != Code::not_found) return request.refuse(found[i].error());
          return request.refuse(
              failure::field("atUserIds 中的用户不存在：" + std::to_string(raw(outgoing.extras.mentions[i]))));
        }
        check_reply(request, caller, std::move(outgoing));
      });
  for (std::size_t i = 0; i < called.size(); ++i) {
    request.users().find(caller, UserRef::of(called[i]), Gather<UserPtr>::slot(all, i));
  }
}

Result<void> send(const Request& request, const Route& route) {
  const auto claims = request.claims();
  if (!claims) return claims.error();
  const auto body = request.body();
  if (!body) return body.error();
  auto outgoing = read_message(*body, route);
  if (!outgoing) return outgoing.error();
  request.as_user(*claims, [request, outgoing = std::move(*outgoing)](const Caller& caller, const UserPtr&) mutable {
    check_mentions(request, caller, std::move(outgoing));
  });
  return {};
}

}  // namespace

void send_routes(const Shared& shared, Routes& routes) {
  const auto add = [&](std::string path, Handler handler) {
    add_route(shared, routes, HttpMethod::post, std::move(path), handler);
  };
  add("/api/v1/messages/private", [](const Request& r) { return send(r, {true, false, false}); });
  add("/api/v1/messages/group", [](const Request& r) { return send(r, {false, true, false}); });
  add("/api/v1/messages/image", [](const Request& r) { return send(r, {true, true, true}); });
}

}  // namespace loft::message_service
