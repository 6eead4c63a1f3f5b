#include "wire.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <loft/contract_tools.hpp>

namespace loft::im {
namespace {

constexpr Kind kinds[] = {{"text", "Core:Text", "text"},  {"image", "Core:Image", "url"},
                          {"file", "Core:File", "url"},   {"voice", "Core:Voice", "url"},
                          {"video", "Core:Video", "url"}, {"system", "Core:System", "text"}};

std::string_view word(Receipt receipt) noexcept {
  switch (receipt) {
    case Receipt::delivered:
      return "delivered";
    case Receipt::read:
      return "read";
    case Receipt::sent:
      break;
  }
  return "sent";
}

std::string_view word(Role role) noexcept {
  switch (role) {
    case Role::owner:
      return "owner";
    case Role::admin:
      return "admin";
    case Role::member:
      break;
  }
  return "member";
}

/// Writes a number that was just written before, as ids and times are, without making its digits again.
class Digits {
 public:
  void append(std::string& out, std::uint64_t value) {
    if (value != value_) {
      value_ = value;
      size_ = static_cast<std::size_t>(std::to_chars(digits_, digits_ + sizeof digits_, value).ptr - digits_);
    }
    out.append(digits_, size_);
  }

 private:
  std::uint64_t value_ = 0;
  char digits_[24] = {'0'};
  std::size_t size_ = 1;
};

}  // namespace

const Kind& text_kind() noexcept { return kinds[0]; }
const Kind& system_kind() noexcept { return kinds[5]; }

const Kind* kind_of_word(const json::Value& word) {
  for (const auto& kind : kinds) {
    if (word.equals(kind.word)) return &kind;
  }
  return nullptr;
}

const Kind* kind_of_domain(std::string_view domain) noexcept {
  for (const auto& kind : kinds) {
    if (kind.domain == domain) return &kind;
  }
  return nullptr;
}

void append_error(std::string& out, std::string_view text) {
  out += "{\"error\":";
  json::append_string(out, text);
  out += '}';
}

void append_time(std::string& out, Millis time) {
  using namespace std::chrono;
  const sys_seconds at(floor<seconds>(milliseconds(time)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  char text[40];
  const int n = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                              static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                              static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                              static_cast<int>(clock.seconds().count()));
  out.append(text, static_cast<std::size_t>(n));
}

void append_group_id(std::string& out, const Conversation& group) {
  if (!group.handle.empty()) return json::append_string(out, group.handle);
  out += '"';
  json::append_integer(out, raw(group.id));
  out += '"';
}

void append_message_id(std::string& out, MessageId id) {
  static thread_local Digits digits;
  out += "msg_";
  digits.append(out, raw(id));
}

void append_millis(std::string& out, Millis time) {
  static thread_local Digits digits;
  digits.append(out, static_cast<std::uint64_t>(std::max<Millis>(time, 0)));
}

void append_stamp(std::string& out, Millis now) {
  out += ",\"timestamp\":";
  append_millis(out, now);
  out += '}';
}

void Wire::begin(const Domains& domains, std::string locale, std::string_view recalled_text) {
  domains_ = &domains;
  locale_ = std::move(locale);
  recalled_.clear();
  json::append_string(recalled_, recalled_text);
}

void Wire::message(std::string& out, const MessageRecord& record, const User* viewer, Encoded* shared) const {
  const auto& message = *record.message;
  out += "{\"id\":\"";
  append_message_id(out, message.id);
  out += "\",\"sender_id\":";
  json::append_string(out, record.sender->handle);
  if (record.conversation->kind == ConversationKind::group) {
    out += ",\"group_id\":";
    append_group_id(out, *record.conversation);
  } else {
    out += ",\"receiver_id\":";
    if (const User* receiver = record.peer ? record.peer.get() : viewer) {
      json::append_string(out, receiver->handle);
    } else {
      out += '"';
      if (shared != nullptr) shared->splice(Encoded::Part::viewer_handle);
      out += '"';
    }
  }
  const Kind* kind = record.is_recalled() ? &text_kind() : kind_of_domain(message.domain);
  out += ",\"type\":\"";
  out += kind != nullptr ? kind->word : text_kind().word;
  out += "\",\"content\":";
  if (record.is_recalled())
    out += recalled_;
  else
    content(out, message, kind);
  out += ",\"status\":\"";
  out += word(record.is_recalled() ? Receipt::sent : record.receipt);
  out += '"';
  append_stamp(out, message.time());
}

namespace {

struct Latest {
  const Wire* wire = nullptr;
  MessageId id = MessageId::none;
  std::string object;
};

Latest& latest() {
  static thread_local Latest latest;
  return latest;
}

bool is_fresh(const MessageRecord& record) noexcept { return !record.is_recalled() && record.receipt == Receipt::sent; }

}  // namespace

void Wire::sent(std::string& out, const MessageRecord& record, const User& sender) const {
  const auto from = out.size();
  message(out, record, &sender);
  // Longer ones are not worth the memory.
  constexpr std::size_t most = 4096;
  const bool same_for_all = record.peer != nullptr || record.conversation->kind == ConversationKind::group;
  auto& last = latest();
  last.id = MessageId::none;
  if (!same_for_all || !is_fresh(record) || out.size() - from > most) return;
  last.object.assign(out, from);
  last.wire = this;
  last.id = record.message->id;
}

void Wire::pushed(Encoded& out, const MessageRecord& record) const {
  const auto& last = latest();
  if (last.id == record.message->id && last.wire == this && is_fresh(record))
    out.bytes += last.object;
  else
    message(out.bytes, record, nullptr, &out);
}

void Wire::content(std::string& out, const Message& message, const Kind* kind) const {
  if (kind == &text_kind()) {
    if (const auto text = lone_text(message.content); !text.empty()) {
      out += text;
      return;
    }
  }
  if (kind != nullptr) {
    if (const auto object = json::parse(message.content)) {
      const auto shown = object->find(kind->member);
      if (shown && shown->is(json::Type::string)) {
        out += shown->raw();
        return;
      }
    }
  }
  std::string preview;
  domains_->preview(message.domain, message.content, locale_, preview);
  json::append_string(out, preview);
}

void Wire::page(std::string& out, const Page& page, const User& viewer) const {
  out += "{\"messages\":[";
  bool first = true;
  for (const auto& record : page.messages) {
    if (!std::exchange(first, false)) out += ',';
    message(out, record, &viewer);
  }
  out += page.more ? "],\"has_more\":true}" : "],\"has_more\":false}";
}

void Wire::group(std::string& out, const ConversationRecord& record, std::string_view members) {
  const auto& group = *record.conversation;
  out += "{\"id\":";
  append_group_id(out, group);
  out += ",\"name\":";
  json::append_string(out, group.name);
  out += ",\"description\":";
  json::append_string(out, group.description);
  out += ",\"owner_id\":";
  json::append_string(out, record.owner ? std::string_view(record.owner->handle) : std::string_view());
  out += ",\"members\":";
  out += members;
  out += ",\"created_at\":\"";
  append_time(out, group.created);
  out += "\",\"updated_at\":\"";
  append_time(out, group.updated);
  out += "\"}";
}

void Wire::member_ids(std::string& out, const std::vector<MemberRecord>& members) {
  json::Writer writer(out);
  writer.array();
  for (const auto& record : members) {
    if (!record.member.left) writer.string(record.user->handle);
  }
  writer.end_array();
}

void Wire::members(std::string& out, const Conversation& group, const std::vector<MemberRecord>& members) {
  out += "{\"members\":[";
  bool first = true;
  for (const auto& [member, user] : members) {
    if (member.left) continue;
    if (!std::exchange(first, false)) out += ',';
    out += "{\"id\":\"member_";
    json::append_integer(out, raw(group.id));
    out += '_';
    json::append_integer(out, raw(user->id));
    out += "\",\"group_id\":";
    append_group_id(out, group);
    out += ",\"user_id\":";
    json::append_string(out, user->handle);
    out += ",\"role\":\"";
    out += word(member.role);
    out += "\",\"joined_at\":\"";
    append_time(out, id::time_of(member.joined));
    out += "\"}";
  }
  out += "]}";
}

}  // namespace loft::im
