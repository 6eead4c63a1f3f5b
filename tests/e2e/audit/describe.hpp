// What a line of the audit says of each event: its fields, after `"event":"…"`.
#pragma once

#include <loft/events.hpp>
#include <loft/json.hpp>
#include <loft/push_devices.hpp>

namespace audit {

using loft::json::Writer;

inline void caller(Writer& w, const loft::Caller& from) {
  w.key("user").number(raw(from.user)).key("session").number(from.session).key("contract").boolean(from.contract);
}

inline void record(Writer& w, const loft::MessageRecord& record) {
  const auto& message = *record.message;
  w.key("message").number(raw(message.id)).key("seq").number(message.seq);
  w.key("conversation").number(raw(message.conversation)).key("sender").string(record.sender->handle);
  w.key("domain").string(message.domain).key("content").raw(message.content);
  w.key("recalled").boolean(message.recalled != 0);
}

inline void change(Writer& w, const loft::Change& change) {
  w.key("kind").number(static_cast<int>(change.kind)).key("position").number(change.position);
  w.key("conversation").number(raw(change.conversation)).key("actor").number(raw(change.actor));
  w.key("subject").number(raw(change.subject));
}

inline void error(Writer& w, const loft::Error& error) {
  w.key("code").string(name(error.code)).key("reason").string(error.reason);
}

// ---- proposals

inline void describe(Writer& w, const loft::OpenSession& e) {
  caller(w, e.caller);
  w.key("handle").string(e.user->handle);
}
inline void describe(Writer& w, const loft::SubmitMessage& e) {
  caller(w, e.caller);
  w.key("domain").string(e.submission.domain).key("content").raw(e.submission.content);
  w.key("client_id").string(e.submission.client_id);
}
inline void describe(Writer& w, const loft::WriteToUser& e) {
  caller(w, e.caller);
  w.key("receiver").number(raw(e.receiver));
}
inline void describe(Writer& w, const loft::RecallMessage& e) {
  caller(w, e.caller);
  w.key("message").number(raw(e.recall.message));
}
inline void describe(Writer& w, const loft::AdvanceMark& e) {
  caller(w, e.caller);
  w.key("mark").number(static_cast<int>(e.act.mark)).key("messages").array();
  for (const auto id : e.act.messages) w.number(raw(id));
  w.end_array().key("up_to_time").number(e.act.up_to_time);
}
inline void describe(Writer& w, const loft::PerformAction& e) {
  caller(w, e.caller);
  w.key("action").string(e.request.name).key("message").number(raw(e.request.message));
  w.key("arguments").raw(e.request.arguments.empty() ? "{}" : e.request.arguments);
}
inline void describe(Writer& w, const loft::CreateConversation& e) {
  caller(w, e.caller);
  w.key("name").string(e.conversation.name).key("members").number(e.conversation.members.size());
}
inline void describe(Writer& w, const loft::ChangeMembership& e) {
  caller(w, e.caller);
  w.key("kind").number(static_cast<int>(e.act.kind)).key("in").string(e.act.in.text);
}
inline void describe(Writer& w, const loft::ChangeConversation& e) {
  caller(w, e.caller);
  w.key("kind").number(static_cast<int>(e.act.kind)).key("name").string(e.act.name.value_or(std::string()));
}
inline void describe(Writer& w, const loft::DeliverTo& e) {
  w.key("user").number(raw(e.recipient));
  record(w, *e.record);
}
inline void describe(Writer& w, const loft::ReadMessages& e) { caller(w, e.caller); }
inline void describe(Writer& w, const loft::RegisterDevice& e) {
  caller(w, e.caller);
  w.key("channel").string(e.device.channel).key("client").string(e.device.client);
}
inline void describe(Writer& w, const loft::UnregisterDevice& e) {
  caller(w, e.caller);
  w.key("client").string(e.client);
}
inline void describe(Writer& w, const loft::MutePushes& e) {
  caller(w, e.caller);
  w.key("conversation").number(raw(e.muted.conversation)).key("lift").boolean(e.lift);
}
inline void push(Writer& w, const std::string& channel, const loft::Notification& notification) {
  w.key("channel").string(channel).key("message").number(raw(notification.message));
  w.key("user").number(raw(notification.user)).key("title").string(notification.title);
}
inline void describe(Writer& w, const loft::SendPush& e) { push(w, e.channel, e.notification); }

// ---- facts

inline void describe(Writer& w, const loft::MessageStored& e) { record(w, e.record); }
inline void describe(Writer& w, const loft::MessageRefused& e) {
  w.key("user").number(raw(e.sender));
  error(w, e.error);
}
inline void describe(Writer& w, const loft::MessageRecalled& e) { record(w, e.record); }
inline void describe(Writer& w, const loft::MarkAdvanced& e) {
  w.key("user").number(raw(e.user)).key("conversation").number(raw(e.conversation));
  w.key("mark").number(static_cast<int>(e.mark)).key("newest").number(raw(e.newest)).key("reached").number(e.reached);
}
inline void describe(Writer& w, const loft::ActionDone& e) {
  w.key("user").string(e.actor->handle).key("action").string(e.request.name);
  w.key("message").number(raw(e.record.message->id)).key("told").raw(e.told.empty() ? "null" : e.told);
}
inline void describe(Writer& w, const loft::ConversationCreated& e) {
  w.key("conversation").number(raw(e.conversation->id)).key("name").string(e.conversation->name);
  w.key("owner").number(raw(e.conversation->owner));
}
inline void describe(Writer& w, const loft::MembershipChanged& e) { change(w, e.change); }
inline void describe(Writer& w, const loft::ConversationChanged& e) {
  w.key("conversation").number(raw(e.conversation->id)).key("name").string(e.conversation->name);
  w.key("dissolved").boolean(e.conversation->dissolved);
}
inline void describe(Writer& w, const loft::SessionOpened& e) { caller(w, e.caller); }
inline void describe(Writer& w, const loft::SessionClosed& e) { caller(w, e.caller); }
inline void describe(Writer& w, const loft::UserCreated& e) {
  w.key("user").number(raw(e.user->id)).key("handle").string(e.user->handle).key("uuid").string(e.user->uuid);
}
inline void describe(Writer& w, const loft::Overloaded& e) { w.key("what").string(e.what); }
inline void describe(Writer& w, const loft::StorageLost& e) { error(w, e.error); }
inline void describe(Writer&, const loft::StorageRecovered&) {}
inline void describe(Writer& w, const loft::PushSucceeded& e) { push(w, e.channel, e.notification); }
inline void describe(Writer& w, const loft::PushDead& e) {
  push(w, e.channel, e.notification);
  error(w, e.error);
}

}  // namespace audit
