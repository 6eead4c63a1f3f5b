#include "netherlink/wire.hpp"

#include <memory>
#include <utility>

#include <loft/contract_tools.hpp>
#include <loft/iso_time.hpp>

namespace loft::netherlink {
namespace {

// The first of a word is what clients send under it.
constexpr Kind kinds[] = {{"text", "Core:Text", "text"}, {"image", "Core:Image", "url"},
                          {"file", "Core:File", "url"},  {"file", "Core:Video", "url"},
                          {"file", "Core:Voice", "url"}, {"text", "Core:System", "text"}};

const Kind* kind_of_domain(std::string_view domain) noexcept {
  for (const auto& kind : kinds) {
    if (kind.domain == domain) return &kind;
  }
  return nullptr;
}

/// The stored object without what `content` and `type` say, as a JSON string.
void append_extra(std::string& out, const json::Value& object, std::string_view main) {
  std::string rest = "{";
  object.members([&](const json::Value& name, const json::Value& value) {
    if (name.equals(main) || name.equals(type_note)) return true;
    if (rest.size() > 1) rest += ',';
    rest += name.raw();
    rest += ':';
    rest += value.raw();
    return true;
  });
  rest += '}';
  json::append_string(out, rest);
}

/// The part of a live frame that its sender and its receivers have in common: mostly written for the one first, then
/// for the others on the same thread.
struct Latest {
  const Wire* wire = nullptr;
  std::shared_ptr<const Message> message;  ///< kept, so that no other one gets its address
  std::string tail;
};

Latest& latest() {
  static thread_local Latest latest;
  return latest;
}

constexpr std::size_t longest_kept = 4096;

}  // namespace

const Kind* kind_of_word(std::string_view word) noexcept {
  if (word == emoji) return &kinds[0];
  for (const auto& kind : kinds) {
    if (kind.word == word) return &kind;
  }
  return nullptr;
}

void append_frame(std::string& out, std::string_view type, Bytes payload, bool as_string) {
  out += "{\"type\":\"";
  out += type;
  out += "\",\"payload\":";
  if (as_string)
    json::append_string(out, payload);
  else
    out += payload;
  out += '}';
}

void append_pair(std::string& out, std::string_view one, std::string_view other) {
  if (other < one) std::swap(one, other);
  json::append_string(out, one);
  out.back() = '_';
  const auto joint = out.size();
  json::append_string(out, other);
  out.erase(joint, 1);
}

void append_conversation(std::string& out, const Conversation& conversation, std::string_view one,
                         std::string_view other) {
  if (conversation.kind == ConversationKind::direct) return append_pair(out, one, other);
  out += conversation.kind == ConversationKind::group ? "\"group_" : "\"system_";
  json::append_integer(out, raw(conversation.id));
  out += '"';
}

void Wire::begin(const Domains& domains, std::string locale, std::string_view recalled_text, int offset_minutes) {
  domains_ = &domains;
  locale_ = std::move(locale);
  recalled_.clear();
  json::append_string(recalled_, recalled_text);
  offset_minutes_ = offset_minutes;
}

void Wire::live(std::string& out, const MessageRecord& record, Live which) const {
  out +=
      which == Live::sent ? "{\"success\":true,\"message\":\"发送成功\"," : "{\"success\":true,\"message\":\"新消息\",";
  auto& last = latest();
  if (last.message == record.message && last.wire == this) {
    out += last.tail;
    return;
  }
  const auto from = out.size();
  tail(out, record);
  if (out.size() - from > longest_kept) return;
  last.tail.assign(out, from);
  last.wire = this;
  last.message = record.message;
}

namespace {

/// `,"conversation":"…","is_group":false}`. A live frame names a group by its bare number.
void append_place(std::string& out, const MessageRecord& record) {
  out += ",\"conversation\":";
  const auto& conversation = *record.conversation;
  const bool is_group = conversation.kind == ConversationKind::group;
  if (is_group) {
    out += '"';
    json::append_integer(out, raw(conversation.id));
    out += '"';
  } else {
    const auto& sender = record.sender->handle;
    append_conversation(out, conversation, sender, record.peer ? record.peer->handle : sender);
  }
  out += is_group ? ",\"is_group\":true}" : ",\"is_group\":false}";
}

}  // namespace

void Wire::tail(std::string& out, const MessageRecord& record) const {
  out += "\"message_id\":";
  json::append_integer(out, raw(record.message->id));
  out += ",\"from\":";
  json::append_string(out, record.sender->handle);
  out += ',';
  shown(out, record);
  out += ",\"timestamp\":";
  time(out, record.message->time(), 3);
  append_place(out, record);
}

void Wire::recalled(std::string& out, const MessageRecord& record) const {
  out += "{\"message_id\":";
  json::append_integer(out, raw(record.message->id));
  out += ",\"from\":";
  json::append_string(out, record.sender->handle);
  out += ",\"content\":";
  out += recalled_;
  out += ",\"timestamp\":";
  time(out, id::time_of(record.message->recalled), 3);
  append_place(out, record);
}

void Wire::shown(std::string& out, const MessageRecord& record) const {
  out += "\"content\":";
  if (record.is_recalled()) {
    out += recalled_;
    out += ",\"type\":\"text\",\"extra\":\"{}\"";
    return;
  }
  const auto& message = *record.message;
  const auto* kind = kind_of_domain(message.domain);
  if (kind == &kinds[0]) {
    if (const auto text = lone_text(message.content); !text.empty()) {
      out += text;
      out += ",\"type\":\"text\",\"extra\":\"{}\"";
      return;
    }
  }
  const auto object = kind != nullptr ? json::parse(message.content) : Result<json::Value>(json::Value());
  const auto main = object && kind != nullptr ? object->find(kind->member) : std::nullopt;
  if (!main || !main->is(json::Type::string)) return preview(out, message);
  const auto note = kind == &kinds[0] ? object->find(type_note) : std::nullopt;
  out += main->raw();
  out += ",\"type\":\"";
  out += note && note->equals(emoji) ? emoji : kind->word;
  out += "\",\"extra\":";
  append_extra(out, *object, kind->member);
}

// A message that this contract has no type for: one line that stands for it, and all that is known of it beside.
void Wire::preview(std::string& out, const Message& message) const {
  std::string line;
  domains_->preview(message.domain, message.content, locale_, line);
  json::append_string(out, line);
  out += ",\"type\":\"text\",\"extra\":";
  json::append_string(out, message.content);
}

void Wire::time(std::string& out, Millis time, unsigned digits) const {
  out += '"';
  append_iso(out, time, digits, offset_minutes_);
  out += '"';
}

void Wire::row(std::string& out, const MessageRecord& record, const User& viewer, bool with_created_at) const {
  const auto& message = *record.message;
  out += "{\"message_id\":";
  json::append_integer(out, raw(message.id));
  out += ",\"conversation_id\":";
  append_conversation(out, *record.conversation, record.sender->handle,
                      record.peer ? record.peer->handle : viewer.handle);
  out += ",\"sender_id\":";
  json::append_string(out, record.sender->handle);
  out += ',';
  shown(out, record);
  out += ",\"timestamp\":";
  time(out, message.time(), 0);
  if (with_created_at) {
    out += ",\"created_at\":";
    time(out, message.time(), 0);
  }
  out += '}';
}

void Wire::list(std::string& out, const Page& page, const User& viewer, bool with_created_at) const {
  out += "\"messages\":[";
  bool first = true;
  for (const auto& record : page.messages) {
    if (!std::exchange(first, false)) out += ',';
    row(out, record, viewer, with_created_at);
  }
  out += ']';
}

}  // namespace loft::netherlink
