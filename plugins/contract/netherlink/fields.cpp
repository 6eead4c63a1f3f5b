#include "netherlink/fields.hpp"

#include <algorithm>
#include <charconv>

#include <loft/extras.hpp>
#include <loft/id.hpp>

#include "netherlink/errors.hpp"
#include "netherlink/wire.hpp"

namespace loft::netherlink {
namespace {

/// Text, or an integer as text: ids come in both forms. Nullopt for other types; missing gives empty text.
std::optional<std::string> id_text(const json::Value& value) {
  if (missing(value)) return std::string();
  if (value.is(json::Type::string)) return own_text(value);
  if (!value.integer()) return std::nullopt;
  return std::string(value.raw());
}

bool is_empty_text(const json::Value& value) noexcept { return value.raw() == "\"\""; }

/// `extra` as an object: it comes as JSON text, or (from clients that mean well) as the object itself. `text` keeps
/// what it views. Null: there is none.
Result<json::Value> read_extra(const json::Value& value, std::string& text) {
  const auto wrong = [] { return failure::chat_frame("extra must be a string that holds a JSON object"); };
  if (missing(value) || is_empty_text(value)) return json::Value();
  if (value.is(json::Type::object)) return value;
  if (!value.is(json::Type::string)) return wrong();
  if (value.plain_text() == "{}") return json::Value();
  text = own_text(value);
  const auto parsed = json::parse(text);
  if (!parsed || (!parsed->is(json::Type::object) && !parsed->is(json::Type::null))) return wrong();
  return *parsed;
}

/// The stored object: what the kind shows as `content`, and whatever `extra` says besides.
void write_content(const Kind& kind, const json::Value& content, const json::Value& extra, bool is_emoji,
                   std::string& out) {
  out.reserve(content.raw().size() + extra.raw().size() + 40);
  out = "{\"";
  out += kind.member;
  out += "\":";
  out += content.raw();
  if (is_emoji) {
    out += ",\"";
    out += type_note;
    out += "\":\"";
    out += emoji;
    out += '"';
  }
  extra.members([&](const json::Value& name, const json::Value& value) {
    if (name.equals(kind.member) || name.equals(type_note)) return true;
    out += ',';
    out += name.raw();
    out += ':';
    out += value.raw();
    return true;
  });
  out += '}';
}

Result<void> read_target(const json::Value& to, const json::Value& is_group, ConversationRef& out) {
  auto name = id_text(to);
  if (!name) return failure::chat_frame("to must be a string or an integer");
  if (name->empty()) return failure::field_missing("to is required");
  if (!missing(is_group) && !is_group.is(json::Type::boolean)) {
    return failure::chat_frame("is_group must be true or false");
  }
  if (is_group.boolean().value_or(false))
    out = ConversationRef::handle_or_id(std::move(*name));
  else
    out = ConversationRef::direct(UserRef::handle_or_id(std::move(*name)));
  return {};
}

Result<void> read_client_id(const json::Value& value, Submission& out) {
  auto id = id_text(value);
  if (!id) return failure::chat_frame("client_msg_id must be a string or an integer");
  if (id->size() > max_client_id) return failure::chat_frame("client_msg_id must not be longer than 128 bytes");
  if (id->empty()) return {};
  Extras extras;
  extras.client_id = *id;
  out.extras = extras.encode();
  out.client_id = std::move(*id);
  return {};
}

}  // namespace

Result<void> read_frame(Bytes bytes, Frame& out) {
  const auto parsed = json::parse(bytes);
  if (!parsed) return failure::frame(parsed.error().detail);
  if (!parsed->is(json::Type::object)) return failure::frame("a frame must be a JSON object");
  const auto [type, payload] = pick<2>(*parsed, {"type", "payload"});
  if (!type.is(json::Type::string)) return failure::frame("type must be a string");
  out.type = type;
  out.payload = payload;
  if (missing(payload) || payload.is(json::Type::object)) return {};
  out.payload = json::Value();
  if (is_empty_text(payload)) return {};
  out.payload_fits = false;
  if (!payload.is(json::Type::string)) return {};
  out.text = own_text(payload);
  const auto inner = json::parse(out.text);
  if (!inner || !inner->is(json::Type::object)) return {};
  out.payload = *inner;
  out.payload_fits = true;
  return {};
}

Result<LoginRequest> read_login(const json::Value& payload) {
  const auto [uid, token] = pick<2>(payload, {"uid", "token"});
  auto name = id_text(uid);
  if (!name || name->empty()) return failure::login_data("uid must be a string that is not empty");
  if (!token.is(json::Type::string) || is_empty_text(token)) {
    return failure::login_data("token must be a string that is not empty");
  }
  return LoginRequest{std::move(*name), own_text(token)};
}

Result<void> read_chat(const json::Value& payload, Submission& out) {
  const auto [to, content, type, extra, is_group, client_id] =
      pick<6>(payload, {"to", "content", "type", "extra", "is_group", "client_msg_id"});
  if (auto target = read_target(to, is_group, out.to); !target) return target;
  if (missing(content) || is_empty_text(content)) return failure::field_missing("content is required");
  if (!content.is(json::Type::string)) return failure::chat_frame("content must be a string");
  if (!missing(type) && !type.is(json::Type::string)) return failure::chat_frame("type must be a string");
  std::string word = missing(type) ? std::string() : own_text(type);
  if (word.empty()) word = "text";
  const auto* kind = kind_of_word(word);
  if (kind == nullptr) return failure::chat_type();
  if (auto read = read_client_id(client_id, out); !read) return read;
  std::string extra_text;
  const auto more = read_extra(extra, extra_text);
  if (!more) return more.error();
  out.domain = kind->domain;
  write_content(*kind, content, *more, word == emoji, out.content);
  return {};
}

Result<std::vector<MessageId>> read_message_ids(const json::Value& list, Error (*malformed)(std::string)) {
  if (!list.is(json::Type::array)) return malformed("message_ids must be a list of message ids");
  std::vector<MessageId> out;
  std::optional<Error> wrong;
  std::size_t count = 0;
  list.elements([&](const json::Value& element) {
    const auto id = element.integer_or_text();
    if (!id) {
      wrong = malformed("message_ids[" + std::to_string(count) + "] must be an integer, as a number or in a string");
    } else if (++count > max_message_ids) {
      wrong = failure::too_many_messages();
    } else if (*id > 0 && static_cast<std::uint64_t>(*id) < id::limit) {
      out.push_back(static_cast<MessageId>(*id));
    }
    return !wrong;
  });
  if (wrong) return std::move(*wrong);
  if (count == 0) return failure::no_messages();
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<ActionRequest> read_action(std::string name, const json::Value& message, const json::Value& arguments,
                                  Error (*malformed)(std::string)) {
  const auto id = message.integer_or_text();
  if (!id) return malformed("message_id must be a number");
  if (*id <= 0) return Error{Code::not_found, "message.unknown", {}};
  ActionRequest asked{std::move(name), static_cast<MessageId>(*id), {}};
  if (missing(arguments)) return asked;
  if (!arguments.is(json::Type::object)) return malformed("arguments must be an object");
  asked.arguments = arguments.raw();
  return asked;
}

std::size_t Paging::offset() const noexcept {
  constexpr std::int64_t farthest = std::int64_t{1} << 40;  // far behind every list, and no product overflows
  return static_cast<std::size_t>(std::min(page, farthest) - 1) * size;
}

Paging paging(std::optional<std::int64_t> page, std::optional<std::int64_t> size, std::size_t usual) noexcept {
  Paging out;
  out.page = std::max<std::int64_t>(page.value_or(1), 1);
  out.size = size.value_or(0) < 1
                 ? usual
                 : static_cast<std::size_t>(std::min<std::int64_t>(*size, static_cast<std::int64_t>(max_page_size)));
  return out;
}

std::vector<ConversationRef> conversations_named(std::string_view id, std::string_view handle) {
  // Digits come before letters, so that no pair of handles reads like one of these.
  for (const std::string_view head : {"group_", "system_"}) {
    if (!id.starts_with(head)) continue;
    const auto digits = id.substr(head.size());
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || stop != digits.data() + digits.size() || number == 0 || digits.front() == '0') continue;
    return {ConversationRef::of(static_cast<ConversationId>(number))};
  }
  // One of the two handles is the caller's own, so that at most two cuts are possible: behind it and before it.
  std::vector<ConversationRef> out;
  const auto add = [&](std::string_view other) {
    out.push_back(ConversationRef::direct(UserRef::handle(std::string(other))));
  };
  if (id.size() < handle.size() + 2) return out;
  const auto rest = id.size() - handle.size();
  if (id.starts_with(handle) && id[handle.size()] == '_' && id.substr(handle.size() + 1) >= handle) {
    add(id.substr(handle.size() + 1));
  }
  if (id.ends_with(handle) && id[rest - 1] == '_' && id.substr(0, rest - 1) < handle) add(id.substr(0, rest - 1));
  return out;
}

}  // namespace loft::netherlink
