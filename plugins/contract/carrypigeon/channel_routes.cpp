// `/core/channel/…` itself. Conversations of two, and those that only the operator's backends write to, appear as
// channels without an owner.
#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {
namespace {

// More never fit into one reply, however short their names.
constexpr std::size_t max_listed = 1250;

std::string name_of(const ConversationRecord& record) {
  if (record.conversation->kind == ConversationKind::direct) {
    return record.peer ? carrypigeon::name_of(*record.peer) : std::string();
  }
  return record.conversation->name.empty() ? record.conversation->topic : record.conversation->name;
}

std::int64_t owner_of(const Conversation& conversation) {
  const bool owned = conversation.kind == ConversationKind::group && conversation.owner != UserId::none;
  return owned ? static_cast<std::int64_t>(raw(conversation.owner)) : -1;
}

void append_channel(std::string& out, const ConversationRecord& record) {
  const Conversation& conversation = *record.conversation;
  json::Writer writer(out);
  writer.object().key("cid").number(raw(conversation.id)).key("name").string(shown(name_of(record)));
  writer.key("owner").number(owner_of(conversation)).key("avatar").string(shown(conversation.avatar));
  writer.key("brief").string(shown(conversation.description)).end_object();
}

void append_profile(std::string& out, const ConversationRecord& record) {
  const Conversation& conversation = *record.conversation;
  json::Writer writer(out);
  writer.object().key("name").string(shown(name_of(record))).key("owner").number(owner_of(conversation));
  writer.key("brief").string(shown(conversation.description)).key("avatar").string(shown(conversation.avatar));
  writer.key("create_time").number(conversation.created).end_object();
}

}  // namespace

void Connection::channel_create(const Request& request) {
  const auto [name, brief, avatar] = pick<3>(request.data, {"name", "brief", "avatar"});
  NewConversation conversation;
  conversation.join = services_.settings.channel_join;
  std::optional<std::string> picture;
  if (!take_text(request, name, conversation.name, max_name)) return;
  if (!take_text(request, brief, conversation.description, max_text)) return;
  if (!take_avatar(request, avatar, picture)) return;
  conversation.avatar = picture.value_or(std::string());
  services_.messaging.create(
      peer_.caller(), std::move(conversation),
      answer<ConversationRecord>(request.id, [](std::string& out, const ConversationRecord& record) {
        json::Writer(out).object().key("cid").number(raw(record.conversation->id)).end_object();
      }));
}

void Connection::channel_delete(const Request& request) {
  const auto [cid] = pick<1>(request.data, {"cid"});
  ConversationAct act;
  act.kind = ConversationAct::Kind::dissolve;
  if (!take_channel(request, cid, act.in)) return;
  services_.messaging.change_conversation(peer_.caller(), std::move(act),
                                          acknowledge<ConversationRecord>(request.id, not_owner));
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
  const auto [cid] = pick<1>(request.data, {"cid"});
  ConversationRef channel;
  if (take_channel(request, cid, channel)) profile(request.id, std::move(channel), false);
}

// Everyone may look at a group, to decide whether to apply; at any other conversation only who reads it.
void Connection::profile(std::int64_t id, ConversationRef ref, bool must_be_member) {
  services_.messaging.conversation(peer_.caller(), std::move(ref), must_be_member,
                                   [this, id, must_be_member](Result<ConversationRecord> result) {
                                     if (!result) return refuse(id, result.error());
                                     const Conversation& conversation = *result->conversation;
                                     if (conversation.kind != ConversationKind::group && !must_be_member) {
                                       return profile(id, ConversationRef::of(conversation.id), true);
                                     }
                                     if (conversation.dissolved) return refuse(id, no_channel);
                                     reply(id, [&](std::string& out) { append_profile(out, *result); });
                                   });
}

void Connection::channel_update(const Request& request) {
  const auto [cid, name, owner, brief, avatar] = pick<5>(request.data, {"cid", "name", "owner", "brief", "avatar"});
  ConversationAct act;
  if (!take_channel(request, cid, act.in) || !take_text(request, name, act.name, max_name)) return;
  if (!take_text(request, brief, act.description, max_text) || !take_avatar(request, avatar, act.avatar)) return;
  if (!missing(owner) && !take_user(request, owner, act.owner.emplace())) return;
  services_.messaging.change_conversation(peer_.caller(), std::move(act),
                                          acknowledge<ConversationRecord>(request.id, not_owner));
}

}  // namespace loft::carrypigeon
