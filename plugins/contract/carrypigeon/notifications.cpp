#include "carrypigeon/notifications.hpp"

#include <loft/json.hpp>
#include <loft/utf8.hpp>

#include "carrypigeon/wire.hpp"

namespace loft::carrypigeon {
namespace {

constexpr std::string_view message_route = "/core/message";
constexpr std::string_view read_route = "/core/channel/message/read/state";
constexpr std::string_view members_route = "/core/channel/member/list";
constexpr std::string_view bans_route = "/core/channel/ban/list";
constexpr std::string_view channels_route = "/core/channel/list";
constexpr std::string_view applications_route = "/core/channel/application/list";
constexpr std::string_view profile_route = "/core/user/profile/get";

constexpr std::size_t text_characters = 20;

void append_message_event(std::string& out, std::string_view type, Bytes content, const Message& message) {
  begin_push(out, message_route);
  json::Writer writer(out);
  writer.object().key("type").string(type).key("s_content").string(content);
  writer.key("mid").number(raw(message.id)).key("cid").number(raw(message.conversation));
  writer.key("uid").number(raw(message.sender)).key("send_time").number(message.time()).end_object();
  out += "}}";
}

void append_created(std::string& out, const Message& message, const Services& services) {
  if (message.recalled != 0) return;
  thread_local std::string preview;
  preview.clear();
  services.domains.preview(message.domain, message.content, services.settings.locale, preview);
  const Bytes content = message.domain == "Core:Text" ? utf8::prefix(preview, text_characters) : shown(preview);
  append_message_event(out, "create", content, message);
}

/// What members hear of an action (docs/contracts/carrypigeon.md).
void append_action(std::string& out, const Delivery& delivery, const Services& services) {
  const auto& signal = *delivery.signal;
  if (delivery.actor == nullptr || !services.domains.has_action(signal.name)) return;
  begin_push(out, "/" + signal.name);
  json::Writer writer(out);
  writer.object().key("mid").number(raw(signal.message)).key("cid").number(raw(delivery.conversation->id));
  writer.key("uid").number(raw(delivery.actor->id)).key("event").raw(signal.data).end_object();
  out += "}}";
}

void append_read(std::string& out, const Delivery& delivery) {
  begin_push(out, read_route);
  json::Writer writer(out);
  writer.object().key("cid").number(raw(delivery.conversation->id)).key("uid").number(raw(delivery.subject->id));
  writer.key("last_read_time").number(delivery.reached).end_object();
  out += "}}";
}

void append_member_event(std::string& out, std::string_view type, const Change& change) {
  begin_push(out, members_route);
  json::Writer writer(out);
  writer.object().key("type").string(type).key("cid").number(raw(change.conversation));
  writer.key("uid").number(raw(change.subject)).end_object();
  out += "}}";
}

void append_membership(std::string& out, const Change& change) {
  switch (change.kind) {
    case ChangeKind::joined:
      return append_member_event(out, "join", change);
    case ChangeKind::left:
      return append_member_event(out, "leave", change);
    case ChangeKind::role:
      if (change.role == Role::owner) return append_hint(out, channels_route);
      return append_member_event(out, change.role == Role::admin ? "admin_add" : "admin_remove", change);
    case ChangeKind::muted:
      return append_hint(out, bans_route);
    case ChangeKind::created:
    case ChangeKind::updated:
      return append_hint(out, channels_route);
    case ChangeKind::recalled:
    case ChangeKind::read:
      return;  // these come as deliveries of their own kind
  }
}

}  // namespace

void append_notification(std::string& out, const Delivery& delivery, const Services& services) {
  switch (delivery.kind) {
    case Delivery::Kind::receipt:  // the document has none
      break;
    case Delivery::Kind::signal:  // those of other contracts have no form here
      if (delivery.signal->message != MessageId::none) return append_action(out, delivery, services);
      if (delivery.signal->name == applications_signal) append_hint(out, applications_route);
      if (delivery.signal->name == profile_signal) append_hint(out, profile_route);
      break;
    case Delivery::Kind::message:
      return append_created(out, *delivery.record->message, services);
    case Delivery::Kind::recalled:
      return append_message_event(out, "delete", "message deleted", *delivery.record->message);
    case Delivery::Kind::read:
      return append_read(out, delivery);
    case Delivery::Kind::membership:
      return append_membership(out, *delivery.change);
    case Delivery::Kind::created:
    case Delivery::Kind::updated:
      return append_hint(out, channels_route);
  }
}

}  // namespace loft::carrypigeon
