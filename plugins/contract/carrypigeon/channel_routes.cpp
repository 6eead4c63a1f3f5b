// `/core/channel/…` other than messages. Conversations of two appear as channels without an owner.
#include <algorithm>

#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {
namespace {

// So that a channel made here is shown whole in every list.
constexpr std::size_t max_name = 100;
constexpr std::size_t max_text = 500;
// More never fit into one reply, however short their names.
constexpr std::size_t max_listed = 1250;

Bytes name_of(const ConversationRecord& record) {
  if (record.conversation->kind == ConversationKind::direct) return record.peer ? Bytes(record.peer->handle) : Bytes();
  return shown(record.conversation->name);
}

std::int64_t owner_of(const Conversation& conversation) {
  const bool owned = conversation.kind == ConversationKind::group && conversation.owner != UserId::none;
  return owned ? static_cast<std::int64_t>(raw(conversation.owner)) : -1;
}

void append_channel(std::string& out, const ConversationRecord& record) {
  const Conversation& conversation = *record.conversation;
  json::Writer writer(out);
  writer.object().key("cid").number(raw(conversation.id)).key("name").string(name_of(record));
  writer.key("owner").number(owner_of(conversation)).key("avatar").string(shown(conversation.avatar));
  writer.key("brief").string(shown(conversation.description)).end_object();
}

void append_profile(std::string& out, const ConversationRecord& record) {
  const Conversation& conversation = *record.conversation;
  json::Writer writer(out);
  writer.object().key("name").string(name_of(record)).key("owner").number(owner_of(conversation));
  writer.key("brief").string(shown(conversation.description)).key("avatar").string(shown(conversation.avatar));
  writer.key("create_time").number(conversation.created).end_object();
}

void append_member(std::string& out, const MemberRecord& record) {
  json::Writer writer(out);
  writer.object().key("uid").number(raw(record.member.user)).key("name").string(record.user->handle);
  writer.key("authority").number(record.member.role == Role::member ? 0 : 1);
  writer.key("join_time").number(id::time_of(record.member.joined)).end_object();
}

}  // namespace

void Connection::channel_create(const Request& request) {
  const auto [name, brief, avatar] = pick(request.data, {"name", "brief", "avatar"});
  NewConversation conversation;
  conversation.join = services_.settings.channel_join;
  if (!take_text(request, name, conversation.name, max_name)) return;
  if (!take_text(request, brief, conversation.description, max_text)) return;
  if (!take_text(request, avatar, conversation.avatar, max_text)) return;
  services_.messaging.create(
      peer_.caller(), std::move(conversation),
      answer<ConversationRecord>(request.id, [](std::string& out, const ConversationRecord& record) {
        json::Writer(out).object().key("cid").number(raw(record.conversation->id)).end_object();
      }));
}

void Connection::channel_list(const Request& request) {
  ConversationQuery query;
  query.limit = max_listed;
  using Channels = std::vector<ConversationRecord>;
  services_.messaging.conversations(peer_.caller(), query,
                                    answer<Channels>(request.id, [](std::string& out, const Channels& channels) {
                                      append_list(out, "channels", channels, append_channel);
                                    }));
}

void Connection::channel_profile(const Request& request) {
  const auto [cid] = pick(request.data, {"cid"});
  std::int64_t number = 0;
  if (!take(request, cid, number, 1)) return;
  profile(request.id, ConversationRef::of(static_cast<ConversationId>(number)), false);
}

// Everyone may look at a group, to decide whether to apply; at a conversation of two only those two.
void Connection::profile(std::int64_t id, ConversationRef ref, bool must_be_member) {
  services_.messaging.conversation(peer_.caller(), ref, must_be_member,
                                   [this, id, must_be_member](Result<ConversationRecord> result) {
                                     if (!result) return refuse(id, result.error());
                                     const Conversation& conversation = *result->conversation;
                                     if (conversation.kind != ConversationKind::group && !must_be_member) {
                                       return profile(id, ConversationRef::of(conversation.id), true);
                                     }
                                     reply(id, [&](std::string& out) { append_profile(out, *result); });
                                   });
}

void Connection::member_list(const Request& request) {
  const auto [cid] = pick(request.data, {"cid"});
  std::int64_t number = 0;
  if (!take(request, cid, number, 1)) return;
  using Members = std::vector<MemberRecord>;
  services_.messaging.members(peer_.caller(), ConversationRef::of(static_cast<ConversationId>(number)), true,
                              answer<Members>(request.id, [](std::string& out, Members& members) {
                                std::erase_if(members, [](const MemberRecord& record) { return record.member.left; });
                                append_list(out, "members", members, append_member);
                              }));
}

}  // namespace loft::carrypigeon
