#include "ids.hpp"

#include <algorithm>
#include <array>

#include <loft/iso_time.hpp>

namespace loft::flix {
namespace {

constexpr std::string_view types[] = {"system_notification", "system_announcement", "interaction", "private_message"};

/// Digits behind the milliseconds: node and counter of an id, 0 to 4095.
constexpr std::size_t fine_digits = 4;
constexpr std::uint64_t fine_values = std::uint64_t{1} << (id::node_bits + id::counter_bits);

Position before(Millis time) noexcept {
  const auto first = id::first_at(time);
  return first == 0 ? 0 : first - 1;
}

Error unknown_conversation() { return {Code::not_found, "conversation.unknown", {}}; }

/// Takes `head` off the front.
bool take(std::string_view& text, std::string_view head) noexcept {
  if (!text.starts_with(head)) return false;
  text.remove_prefix(head.size());
  return true;
}

/// `a:b` with two uuids, one of them mine.
Result<ConversationRef> private_ref(std::string_view pair, const User& me) {
  constexpr std::size_t length = 36;
  if (pair.size() != 2 * length + 1 || pair[length] != ':') return unknown_conversation();
  // Mostly both are written as we write them.
  const auto first = pair.substr(0, length), second = pair.substr(length + 1);
  if (first == me.uuid || second == me.uuid) {
    auto peer = uuid(first == me.uuid ? second : first);
    if (!peer) return unknown_conversation();
    return ConversationRef::direct(UserRef::uuid(std::move(*peer)));
  }
  const auto one = uuid(first), other = uuid(second);
  if (!one || !other || (*one != me.uuid && *other != me.uuid)) return unknown_conversation();
  return ConversationRef::direct(UserRef::uuid(*one == me.uuid ? *other : *one));
}

}  // namespace

std::string_view word(MessageType type) noexcept { return types[static_cast<std::size_t>(type)]; }

std::optional<MessageType> message_type(std::string_view word) noexcept {
  const auto* const found = std::ranges::find(types, word);
  if (found == std::end(types)) return std::nullopt;
  return static_cast<MessageType>(found - std::begin(types));
}

MessageType message_type(const Conversation& conversation) noexcept {
  switch (conversation.kind) {
    case ConversationKind::system:
      return conversation.topic == interaction_topic ? MessageType::interaction : MessageType::system_notification;
    case ConversationKind::broadcast:
      return MessageType::system_announcement;
    case ConversationKind::direct:
    case ConversationKind::group:
      break;
  }
  return MessageType::private_message;
}

std::vector<ConversationClass> classes(MessageType type) {
  switch (type) {
    case MessageType::system_notification:
      return {{ConversationKind::system, std::string(notification_topic)}};
    case MessageType::system_announcement:
      return {{ConversationKind::broadcast, std::string(announcement_topic)}};
    case MessageType::interaction:
      return {{ConversationKind::system, std::string(interaction_topic)}};
    case MessageType::private_message:
      break;
  }
  return {{ConversationKind::direct, {}}, {ConversationKind::group, {}}};
}

void append_uuid(std::string& out, UuidKind kind, std::uint64_t id) {
  // Only the kind, and what is below 2^56 of the id, differ from one to the next.
  char text[] = "6c6f6674-0000-8000-8000-000000000000";
  constexpr char hex[] = "0123456789abcdef";
  text[12] = hex[static_cast<unsigned>(kind) & 15];
  for (std::size_t at = 35; at > 20; --at) {
    if (at == 23) continue;
    text[at] = hex[id & 15];
    id >>= 4;
  }
  out.append(text, 36);
}

std::optional<std::string> uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string lower(text);
  for (auto& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  if (!is_uuid(lower)) return std::nullopt;
  return lower;
}

void append_time(std::string& out, Millis time) {
  // A message says its own time several times, and its client's once: two are kept, the one not used last gives way.
  struct Written {
    Millis time = -1;
    std::string text;
  };
  static thread_local std::array<Written, 2> kept;
  static thread_local std::size_t last = 0;
  if (kept[last].time != time) last = 1 - last;
  auto& written = kept[last];
  if (written.time != time) {
    written.text.clear();
    append_iso(written.text, std::clamp<Millis>(time, 0, 253'402'300'799'999), 3);
    written.time = time;
  }
  out += written.text;
}

void append_position(std::string& out, Position position) {
  append_iso(out, id::time_of(position), 3);
  out.pop_back();  // Z
  auto fine = position % fine_values;
  char digits[fine_digits];
  for (auto i = fine_digits; i-- > 0; fine /= 10) digits[i] = static_cast<char>('0' + fine % 10);
  out.append(digits, fine_digits);
  out += 'Z';
}

std::optional<Position> parse_position(std::string_view text) noexcept {
  if (text.empty()) return Position{0};
  const auto parsed = parse_iso(text);
  if (!parsed) return std::nullopt;
  const auto first = id::first_at(parsed->time);
  // Other digits than four are some other clock's: the whole millisecond is repeated.
  if (parsed->finer.size() != fine_digits || parsed->time < id::epoch || first >= id::limit)
    return before(parsed->time);
  std::uint64_t fine = 0;
  for (const char c : parsed->finer) fine = fine * 10 + static_cast<std::uint64_t>(c - '0');
  return fine < fine_values ? first + fine : before(parsed->time);
}

std::optional<Position> parse_position(const json::Value& value) {
  if (value.is(json::Type::null)) return Position{0};
  if (const auto plain = value.plain_text()) return parse_position(*plain);
  if (const auto millis = value.integer()) return before(*millis);
  return std::nullopt;
}

std::optional<Millis> parse_time(const json::Value& value) {
  if (const auto millis = value.integer()) return *millis;
  const auto plain = value.plain_text();
  const auto parsed = plain ? parse_iso(*plain) : std::nullopt;
  if (!parsed) return std::nullopt;
  return parsed->time;
}

void append_conversation_id(std::string& out, const Conversation& conversation, std::string_view one,
                            std::string_view other, const Viewer& viewer) {
  switch (conversation.kind) {
    case ConversationKind::direct:
      out += "private:";
      out += std::min(one, other);
      out += ':';
      out += std::max(one, other);
      return;
    case ConversationKind::group:
      out += "group:";
      out += conversation.uuid;
      return;
    case ConversationKind::system:
      if (conversation.topic != interaction_topic) out += "system:";
      break;
    case ConversationKind::broadcast:
      out += conversation.topic == announcement_topic ? "system:" : "broadcast:";
      break;
  }
  out += conversation.topic;
  out += ':';
  viewer.append(out);
}

void append_conversation_id(std::string& out, const MessageRecord& record, const Viewer& viewer) {
  const std::string_view one = record.sender->uuid;
  append_conversation_id(out, *record.conversation, one, record.peer ? std::string_view(record.peer->uuid) : one,
                         viewer);
}

Result<ConversationRef> conversation_ref(std::string_view text, const User& me) {
  if (const auto own = uuid(text)) return ConversationRef::uuid(*own);
  if (take(text, "private:")) return private_ref(text, me);
  if (take(text, "group:")) {
    auto own = uuid(text);
    return own ? Result<ConversationRef>(ConversationRef::uuid(std::move(*own))) : unknown_conversation();
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || uuid(text.substr(colon + 1)) != me.uuid) return unknown_conversation();
  text = text.substr(0, colon);
  if (text == interaction_topic) return ConversationRef::system(std::string(text), UserRef::of(me.id));
  if (take(text, "broadcast:") || text == "system:announcement") {
    if (text == "system:announcement") text.remove_prefix(7);
    return ConversationRef::broadcast(std::string(text));
  }
  if (take(text, "system:")) return ConversationRef::system(std::string(text), UserRef::of(me.id));
  return unknown_conversation();
}

}  // namespace loft::flix
