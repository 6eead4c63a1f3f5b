#include "fields.hpp"

#include <algorithm>
#include <charconv>

#include "errors.hpp"
#include "wire.hpp"

namespace loft::im {
namespace {

constexpr std::int64_t max_limit = 200;

Error wrong(std::string_view name, std::string_view what) {
  return failure::field(std::string(name) + " " + std::string(what));
}

template <class Read>
Result<std::string> required(const json::Value& value, std::string_view name, Read read) {
  auto out = read(value, name);
  if (out && out->empty()) return wrong(name, "is required");
  return out;
}

// Media carry their meaning in an object: one given as JSON text is kept, a bare word is a URL.
void put_media(const json::Value& content, std::string& out) {
  auto plain = own_text(content);
  if (const auto parsed = json::parse(plain); parsed && parsed->is(json::Type::object)) {
    out.assign(parsed->raw());
    return;
  }
  out = "{\"url\":";
  out += content.raw();
  out += '}';
}

Result<void> read_target(const json::Value& receiver, const json::Value& group, ConversationRef& out) {
  auto group_id = id_text(group, "group_id");
  if (!group_id) return group_id.error();
  auto receiver_id = id_text(receiver, "receiver_id");
  if (!receiver_id) return receiver_id.error();
  // The document's own example names both, with a word that stands for "a group, if any".
  if (*group_id == "optional_group_id" && !receiver_id->empty()) group_id->clear();
  if (!group_id->empty()) {
    out = ConversationRef::handle_or_id(std::move(*group_id));
    return {};
  }
  if (receiver_id->empty()) return failure::field("receiver_id or group_id is required");
  out = ConversationRef::direct(UserRef::handle_or_id(std::move(*receiver_id)).or_create());
  return {};
}

}  // namespace

Result<std::string> text(const json::Value& value, std::string_view name) {
  if (missing(value)) return std::string();
  if (!value.is(json::Type::string)) return wrong(name, "must be a string");
  return own_text(value);
}

Result<std::string> id_text(const json::Value& value, std::string_view name) {
  if (value.is(json::Type::string)) return own_text(value);
  if (missing(value)) return std::string();
  if (!value.integer()) return wrong(name, "must be a string or an integer");
  return std::string(value.raw());
}

Result<std::string> required_id(const json::Value& value, std::string_view name) {
  return required(value, name, id_text);
}

Result<std::string> required_text(const json::Value& value, std::string_view name) {
  return required(value, name, text);
}

Result<void> check_client_id(std::string_view value, std::string_view name) {
  if (value.size() > max_client_id) return wrong(name, "must not be longer than 128 bytes");
  return {};
}

Result<std::string> client_id(const json::Value& value, std::string_view name) {
  auto out = id_text(value, name);
  if (!out) return out;
  if (auto fits = check_client_id(*out, name); !fits) return fits.error();
  return out;
}

MessageId message_id(std::string_view text) noexcept { return parse_message_id(text).value_or(MessageId::none); }

std::optional<MessageId> parse_message_id(std::string_view text) noexcept {
  if (text.starts_with("msg_")) text.remove_prefix(4);
  std::uint64_t id = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool exact = error == std::errc{} && stop == text.data() + text.size();
  if (!exact || id > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<MessageId>(id);
}

Result<std::optional<MessageId>> cursor(std::string_view text) {
  if (text.empty()) return std::optional<MessageId>();
  const auto id = parse_message_id(text);
  if (!id) return failure::field("last_message_id is not a message ID");
  return id;
}

std::size_t limit(std::optional<std::int64_t> given) noexcept {
  if (!given) return default_limit;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(*given, 1, max_limit));
}

Result<void> read_submission(const json::Value& data, Submission& out) {
  const auto [receiver, group, type, content, own_id] =
      pick<5>(data, {"receiver_id", "group_id", "type", "content", "client_msg_id"});
  if (auto target = read_target(receiver, group, out.to); !target) return target;
  if (!missing(own_id)) {
    auto id = client_id(own_id, "client_msg_id");
    if (!id) return id.error();
    if (out.client_id.empty()) out.client_id = std::move(*id);
  }
  if (missing(type)) return failure::field("type is required");
  if (!type.is(json::Type::string)) return failure::field("type must be a string");
  const auto* kind = kind_of_word(type);
  if (kind == nullptr) return failure::field("type must be one of text, image, file, voice, video, system");
  if (missing(content)) return failure::field("content is required");
  if (!content.is(json::Type::string)) return failure::field("content must be a string");
  if (content.raw().size() == 2) return failure::field("content must not be empty");
  out.domain = kind->domain;
  out.may_create_users = true;
  if (kind != &text_kind() && kind != &system_kind()) {
    put_media(content, out.content);
    return {};
  }
  out.content.reserve(content.raw().size() + 9);
  out.content = "{\"text\":";
  out.content += content.raw();
  out.content += '}';
  return {};
}

Result<ActionRequest> read_action(std::string name, std::string_view id, const json::Value& arguments) {
  ActionRequest asked{std::move(name), message_id(id), {}};
  if (asked.message == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  if (missing(arguments)) return asked;
  if (!arguments.is(json::Type::object)) return failure::field("arguments must be an object");
  asked.arguments = arguments.raw();
  return asked;
}

Result<MarkAct> read_ack(MessageId message, const json::Value& status, MarkId fetched) {
  auto word = required_text(status, "status");
  if (!word) return word.error();
  if (*word != "delivered" && *word != "read") return failure::field("status must be delivered or read");
  MarkAct act;
  act.mark = *word == "read" ? MarkId::read : MarkId::delivered;
  act.also = fetched;  // who acknowledges a message has it: it is not offered again
  act.messages = {message};
  act.strict = true;
  return act;
}

}  // namespace loft::im
