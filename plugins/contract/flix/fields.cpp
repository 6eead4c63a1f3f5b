#include "fields.hpp"

#include <algorithm>

#include <loft/extras.hpp>
#include <loft/iso_time.hpp>

#include "content.hpp"
#include "errors.hpp"

namespace loft::flix {
namespace {

constexpr std::size_t max_reference = 255;
constexpr std::size_t max_name = 200;
constexpr std::size_t max_ids = 1000;
constexpr std::size_t max_participants = 1000;
constexpr std::int64_t max_limit = 100;
constexpr std::int64_t max_offset = 1'000'000;

/// What the three ways to send have in common.
struct Sent {
  json::Value client_id, content, content_type, client_time, reference;
};

Result<std::string> short_text(const json::Value& value, std::string_view name, std::size_t most) {
  if (missing(value)) return std::string();
  if (!value.is(json::Type::string)) return failure::field(name, "must be a string");
  auto text = own_text(value);
  if (text.size() > most) return failure::field(name, "should be at most " + std::to_string(most) + " byte(s)");
  return text;
}

Result<std::string> user_uuid(const json::Value& value, std::string_view name) {
  if (!value.is(json::Type::string)) return failure::field(name, "is invalid");
  auto own = uuid(own_text(value));
  if (!own) return failure::field(name, "is invalid");
  return std::move(*own);
}

Result<const ContentType*> read_type(const json::Value& value, std::string_view standard) {
  const auto word = missing(value) ? std::string(standard) : own_text(value);
  const auto* type = content_type(word);
  if (type == nullptr) return failure::field("content_type", "is invalid");
  return type;
}

Result<void> read_sent(const Sent& sent, const ContentType& type, Submission& out) {
  if (missing(sent.content)) return failure::blank("content");
  if (auto read = read_content(sent.content, type, out.content); !read) return read;
  auto client_id = short_text(sent.client_id, "client_message_id", max_client_id);
  if (!client_id) return client_id.error();
  auto reference = short_text(sent.reference, "reference_id", max_reference);
  if (!reference) return reference.error();
  Extras extras;
  if (!missing(sent.client_time)) {
    const auto time = parse_time(sent.client_time);
    if (!time || *time < 0) return failure::field("client_timestamp", "is invalid");
    extras.client_time = *time;
  }
  out.domain = type.domain;
  extras.client_id = *client_id;
  extras.reference = std::move(*reference);
  out.client_id = std::move(*client_id);
  out.extras = extras.encode();
  return {};
}

/// A message by a user: only private ones.
Result<void> read_private(const Sent& sent, const json::Value& type, Submission& out) {
  if (!missing(type) && !type.is(json::Type::string)) return failure::field("message_type", "is invalid");
  if (!missing(type)) {
    const auto known = message_type(own_text(type));
    if (!known) return failure::field("message_type", "is invalid");
    if (*known != MessageType::private_message) return failure::message_type();
  }
  const auto kind = read_type(sent.content_type, "text");
  if (!kind) return kind.error();
  return read_sent(sent, **kind, out);
}

Result<void> read_target(const json::Value& conversation, const json::Value& receiver, const User& me,
                         ConversationRef& out) {
  if (!missing(conversation)) {
    if (!conversation.is(json::Type::string)) return failure::field("conversation_id", "must be a string");
    auto ref = conversation_ref(own_text(conversation), me);
    if (!ref) return ref.error();
    out = std::move(*ref);
    return {};
  }
  if (missing(receiver)) return failure::blank("receiver_id");
  auto own = user_uuid(receiver, "receiver_id");
  if (!own) return own.error();
  out = ConversationRef::direct(UserRef::uuid(std::move(*own)));
  return {};
}

std::size_t limit_of(std::optional<std::int64_t> given, std::size_t standard) {
  return given ? static_cast<std::size_t>(std::clamp<std::int64_t>(*given, 1, max_limit)) : standard;
}

Range range(std::optional<std::int64_t> limit, std::optional<std::int64_t> offset, std::size_t standard) {
  return {limit_of(limit, standard),
          static_cast<std::size_t>(std::clamp<std::int64_t>(offset.value_or(0), 0, max_offset))};
}

}  // namespace

Result<void> read_event(const json::Value& payload, const User& me, Submission& out) {
  const auto [client_id, conversation, receiver, content, type, kind, time, reference] =
      pick<8>(payload, {"client_message_id", "conversation_id", "receiver_id", "content", "message_type",
                        "content_type", "client_timestamp", "reference_id"});
  const bool is_addressed = !missing(conversation) || !missing(receiver);
  if (missing(client_id) || !is_addressed || missing(content) || missing(type) || missing(time)) {
    return failure::missing();
  }
  if (client_id.raw() == "\"\"") return failure::blank("client_message_id");
  if (auto target = read_target(conversation, receiver, me, out.to); !target) return target;
  return read_private({client_id, content, kind, time, reference}, type, out);
}

Result<void> read_body(const json::Value& body, const User& me, Submission& out) {
  const auto [client_id, conversation, receiver, content, type, kind, time, reference] =
      pick<8>(body, {"client_message_id", "conversation_id", "receiver_id", "content", "message_type", "content_type",
                     "client_timestamp", "reference_id"});
  if (auto target = read_target(conversation, receiver, me, out.to); !target) return target;
  return read_private({client_id, content, kind, time, reference}, type, out);
}

Result<void> read_system(const json::Value& body, Submission& out, std::string& reader) {
  const auto [type, receiver, content, kind, client_id, reference, time] =
      pick<7>(body, {"message_type", "receiver_id", "content", "content_type", "client_message_id", "reference_id",
                     "client_timestamp"});
  if (missing(type)) return failure::blank("message_type");
  const auto known = type.is(json::Type::string) ? message_type(own_text(type)) : std::nullopt;
  if (!known || *known == MessageType::private_message) {
    return failure::field("message_type", "must be system_notification, interaction or system_announcement");
  }
  if (*known == MessageType::system_announcement) {
    if (!missing(receiver)) return failure::field("receiver_id", "must not be given: an announcement is for everybody");
    out.to = ConversationRef::broadcast(std::string(announcement_topic));
  } else {
    if (missing(receiver)) return failure::blank("receiver_id");
    auto own = user_uuid(receiver, "receiver_id");
    if (!own) return own.error();
    reader = std::move(*own);
    const auto topic = *known == MessageType::interaction ? interaction_topic : notification_topic;
    out.to = ConversationRef::system(std::string(topic), UserRef::uuid(reader));
  }
  const auto content_kind = read_type(kind, *known == MessageType::interaction ? "text" : "system");
  if (!content_kind) return content_kind.error();
  return read_sent({client_id, content, kind, time, reference}, **content_kind, out);
}

Result<ActionRequest> read_action(std::string name, MessageId message, const json::Value& arguments) {
  ActionRequest asked{std::move(name), message, {}};
  if (missing(arguments)) return asked;
  if (!arguments.is(json::Type::object)) return failure::parameter("arguments must be an object");
  asked.arguments = arguments.raw();
  return asked;
}

Result<MessageId> message_id(std::string_view text) {
  if (!uuid(text)) return failure::message_id();
  const auto id = derived_id(UuidKind::message, text);
  if (!id) return Error{Code::not_found, "message.unknown", {}};
  return static_cast<MessageId>(*id);
}

Result<MessageId> message_id(const json::Value& value) {
  if (missing(value)) return failure::missing();
  if (!value.is(json::Type::string)) return failure::message_id();
  return message_id(own_text(value));
}

Result<std::vector<MessageId>> message_ids(const json::Value& value) {
  if (missing(value)) return failure::missing();
  if (!value.is(json::Type::array)) return failure::parameter("message_ids 必须是消息 ID 数组");
  std::vector<MessageId> ids;
  std::size_t count = 0;
  Result<void> outcome;
  value.elements([&](const json::Value& item) {
    const auto id = missing(item) ? Result<MessageId>(failure::message_id()) : message_id(item);
    if (++count > max_ids) {
      outcome = failure::parameter("message_ids 最多包含 1000 个 ID");
    } else if (id) {
      ids.push_back(*id);
    } else if (id.error().reason != "message.unknown") {
      outcome = id.error();
    }
    return outcome.ok();
  });
  if (!outcome) return outcome.error();
  return ids;
}

Result<MarkAct> read_mark(const json::Value& payload, const User& me) {
  const auto [conversation, last] = pick<2>(payload, {"conversation_id", "last_read_message_id"});
  if (!conversation.is(json::Type::string) || missing(last)) return failure::missing();
  auto ref = conversation_ref(own_text(conversation), me);
  if (!ref) return ref.error();
  const auto id = message_id(last);
  if (!id) return id.error();
  MarkAct act;
  act.mark = MarkId::read;
  act.in = std::move(*ref);
  act.up_to = *id;
  return act;
}

Result<std::optional<HistoryQuery>> read_history(const json::Value& payload, const User& me) {
  const auto [conversation, limit, before] = pick<3>(payload, {"conversation_id", "limit", "before"});
  if (!conversation.is(json::Type::string)) return failure::parameter("missing conversation_id");
  auto ref = conversation_ref(own_text(conversation), me);
  if (!ref) return ref.error();
  if (!missing(limit) && !limit.integer()) return failure::parameter("limit must be an integer");
  HistoryQuery query;
  query.in = std::move(*ref);
  query.limit = limit_of(limit.integer(), 20);
  if (missing(before) || before.raw() == "\"\"") return std::optional(std::move(query));
  // A message's id is exact where several share a millisecond.
  if (const auto text = before.plain_text(); text && uuid(*text)) {
    const auto id = message_id(*text);
    if (!id) return id.error();
    query.before = *id;
    return std::optional(std::move(query));
  }
  const auto time = parse_time(before);
  if (!time) return failure::timestamp();
  if (*time <= 1) return std::optional<HistoryQuery>();
  query.until = *time - 1;
  return std::optional(std::move(query));
}

Result<NewConversation> read_conversation(const json::Value& payload, const User& me) {
  const auto [participants, type, name] = pick<3>(payload, {"participant_ids", "type", "name"});
  if (missing(participants) || missing(type)) return failure::missing();
  const bool is_private = type.equals("private");
  if (!is_private && !type.equals("group")) return failure::conversation_type();
  if (!participants.is(json::Type::array)) return failure::field("participant_ids", "must be a list");
  auto title = short_text(name, "name", max_name);
  if (!title) return title.error();
  std::vector<std::string> others;
  std::size_t count = 0;
  Result<void> outcome;
  participants.elements([&](const json::Value& item) {
    auto own = user_uuid(item, "participant_ids");
    if (++count > max_participants)
      outcome = failure::field("participant_ids", "should have at most 1000 item(s)");
    else if (!own)
      outcome = own.error();
    else if (*own != me.uuid && std::ranges::find(others, *own) == others.end())
      others.push_back(std::move(*own));
    return outcome.ok();
  });
  if (!outcome) return outcome.error();
  // Only oneself: a conversation with oneself.
  if (is_private && others.empty() && count != 0) others.push_back(me.uuid);
  if (is_private && others.size() != 1) {
    return failure::field("participant_ids", "must name exactly one other user in a private conversation");
  }
  if (others.empty()) return failure::field("participant_ids", "must name another user");
  NewConversation out;
  out.kind = is_private ? ConversationKind::direct : ConversationKind::group;
  if (!is_private) out.name = std::move(*title);
  for (auto& other : others) out.members.push_back(UserRef::uuid(std::move(other)));
  return out;
}

Result<Range> read_range(const json::Value& limit, const json::Value& offset, std::size_t standard) {
  if (!missing(limit) && !limit.integer()) return failure::parameter("limit must be an integer");
  if (!missing(offset) && !offset.integer()) return failure::parameter("offset must be an integer");
  return range(limit.integer(), offset.integer(), standard);
}

Result<Range> read_range(const HttpExchange& exchange, std::size_t standard) {
  const auto limit = query_integer(exchange, "limit"), offset = query_integer(exchange, "offset");
  if (!limit.ok) return failure::parameter("limit 必须是整数");
  if (!offset.ok) return failure::parameter("offset 必须是整数");
  return range(limit.value, offset.value, standard);
}

}  // namespace loft::flix
