#include "wire.hpp"

#include <loft/extras.hpp>
#include <loft/iso_time.hpp>

#include "kinds.hpp"

namespace loft::message_service {
namespace {

std::string_view word(Receipt receipt) noexcept {
  switch (receipt) {
    case Receipt::delivered:
      return "DELIVERED";
    case Receipt::read:
      return "READ";
    case Receipt::sent:
      break;
  }
  return "SENT";
}

void append_user(std::string& out, UserId user) { json::append_integer(out, raw(user)); }

/// The other party: the receiver, or the group. Conversations of the operator's are shown as groups too, since they
/// have no receiver one could write to.
void append_target(std::string& out, const MessageRecord& record) {
  if (record.conversation->kind == ConversationKind::direct && record.peer) {
    out += ",\"receiverId\":";
    append_user(out, record.peer->id);
  } else {
    out += ",\"groupId\":";
    append_group_id(out, *record.conversation);
  }
}

/// Text of a user's profile; empty where it says nothing.
std::string shown(const json::Value& profile, std::string_view name) {
  const auto value = profile.find(name);
  return value ? value->text().value_or(std::string()) : std::string();
}

}  // namespace

std::string_view word(Role role) noexcept {
  switch (role) {
    case Role::owner:
      return "OWNER";
    case Role::admin:
      return "ADMIN";
    case Role::member:
      break;
  }
  return "MEMBER";
}

std::string_view word(JoinRule rule) noexcept {
  switch (rule) {
    case JoinRule::approval:
      return "APPROVAL";
    case JoinRule::invite_only:
      return "INVITE_ONLY";
    case JoinRule::free:
      break;
  }
  return "FREE";
}

void append_time(std::string& out, Millis time) {
  out += '"';
  append_iso(out, time, 0);
  out += '"';
}

void append_message_id(std::string& out, MessageId id) {
  out += "\"msg_";
  json::append_integer(out, raw(id));
  out += '"';
}

void append_group_id(std::string& out, const Conversation& group) {
  if (group.kind == ConversationKind::group && !group.handle.empty()) return json::append_string(out, group.handle);
  out += "\"group_";
  json::append_integer(out, raw(group.id));
  out += '"';
}

void Wire::begin(const Domains& domains, std::string locale, std::string_view recalled_text) {
  domains_ = &domains;
  locale_ = std::move(locale);
  recalled_.clear();
  json::append_string(recalled_, recalled_text);
}

void Wire::message(std::string& out, const MessageRecord& record) const { put(out, record, word(record.receipt)); }

void Wire::sent(std::string& out, const MessageRecord& record) const { put(out, record, word(Receipt::sent)); }

void Wire::put(std::string& out, const MessageRecord& record, std::string_view status) const {
  const auto& message = *record.message;
  const auto extras = Extras::decode(message.extras);
  const Kind* kind = record.is_recalled() ? nullptr : kind_of_domain(message.domain);
  out += "{\"messageId\":";
  append_message_id(out, message.id);
  out += ",\"senderId\":";
  append_user(out, message.sender);
  append_target(out, record);
  out += ",\"messageType\":\"";
  out += kind != nullptr ? kind->word : text_kind().word;
  out += "\",\"content\":";
  if (record.is_recalled())
    out += recalled_;
  else
    content(out, message);
  if (!record.is_recalled() && !extras.mentions.empty()) {
    char before = '[';
    out += ",\"atUserIds\":";
    for (const auto user : extras.mentions) {
      out += before;
      append_user(out, user);
      before = ',';
    }
    out += ']';
  }
  out += ",\"status\":\"";
  out += record.is_recalled() ? std::string_view("RECALLED") : status;
  out += "\",\"timestamp\":";
  append_time(out, message.time());
  // Clients of other contracts need not name their messages; here every message has a name, and no two the same.
  out += ",\"clientMsgId\":";
  if (extras.client_id.empty())
    append_message_id(out, message.id);
  else
    json::append_string(out, extras.client_id);
  if (!record.is_recalled() && extras.reply_to != MessageId::none) {
    out += ",\"replyTo\":";
    append_message_id(out, extras.reply_to);
  }
  out += '}';
}

void Wire::content(std::string& out, const Message& message) const {
  const Kind* kind = kind_of_domain(message.domain);
  if (kind != nullptr && !kind->is_text) {
    out += message.content;
    return;
  }
  if (kind != nullptr) {
    if (const auto object = json::parse(message.content)) {
      const auto text = object->find("text");
      if (text && text->is(json::Type::string)) {
        out += text->raw();
        return;
      }
    }
  }
  std::string preview;
  domains_->preview(message.domain, message.content, locale_, preview);
  json::append_string(out, preview);
}

void Wire::group(std::string& out, const ConversationRecord& record) {
  const auto& group = *record.conversation;
  out += "{\"groupId\":";
  append_group_id(out, group);
  out += ",\"name\":";
  json::append_string(out, group.name);
  out += ",\"description\":";
  json::append_string(out, group.description);
  out += ",\"avatar\":";
  json::append_string(out, group.avatar);
  out += ",\"ownerId\":";
  append_user(out, group.owner);
  out += ",\"memberCount\":";
  json::append_integer(out, record.member_count);
  out += ",\"maxMembers\":";
  json::append_integer(out, std::uint64_t{group.max_members});
  out += ",\"joinType\":\"";
  out += word(group.join);
  out += "\",\"createdAt\":";
  append_time(out, group.created);
  out += '}';
}

void Wire::member(std::string& out, const MemberRecord& record) {
  const auto& user = *record.user;
  const auto profile = json::parse(user.profile);
  const auto name = profile ? shown(*profile, "name") : std::string();
  out += "{\"userId\":";
  append_user(out, user.id);
  out += ",\"username\":";
  json::append_string(out, user.handle);
  out += ",\"nickname\":";
  json::append_string(out, name.empty() ? user.handle : name);
  out += ",\"avatar\":";
  json::append_string(out, profile ? shown(*profile, "avatar") : std::string());
  out += ",\"role\":\"";
  out += word(record.member.role);
  out += "\",\"joinedAt\":";
  append_time(out, id::time_of(record.member.joined));
  out += '}';
}

}  // namespace loft::message_service
