#include "fields.hpp"

#include <algorithm>
#include <charconv>

#include "errors.hpp"

namespace loft::message_service {
namespace {

constexpr std::size_t max_group_id = 200;

Error wrong(std::string_view name, std::string_view what) {
  return failure::field(std::string(name) + " " + std::string(what));
}

/// The number that the whole text is, below 2^53; else 0. `007` is none.
std::uint64_t number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && stop == text.data() + text.size() && !text.starts_with('0');
  return whole && value < id::limit ? value : 0;
}

}  // namespace

Result<UserId> user_id(const json::Value& value, std::string_view name) {
  if (missing(value)) return wrong(name, "必填");
  if (value.is(json::Type::number)) return user_id(value.raw(), name);
  if (const auto text = value.plain_text()) return user_id(*text, name);
  return wrong(name, "必须是用户ID（数字）");
}

Result<UserId> user_id(std::string_view text, std::string_view name) {
  const auto id = number(text);
  if (id == 0) return wrong(name, "必须是用户ID（数字）");
  return static_cast<UserId>(id);
}

Result<std::vector<UserId>> user_ids(const json::Value& list, std::string_view name, std::size_t limit) {
  std::vector<UserId> ids;
  if (missing(list)) return ids;
  if (!list.is(json::Type::array)) return wrong(name, "必须是用户ID数组");
  std::optional<Error> problem;
  list.elements([&](const json::Value& element) {
    const auto id = user_id(element, name);
    if (!id)
      problem = wrong(name, "必须是用户ID数组");
    else if (std::find(ids.begin(), ids.end(), *id) == ids.end())
      ids.push_back(*id);
    if (ids.size() > limit) problem = wrong(name, "最多 " + std::to_string(limit) + " 个");
    return !problem;
  });
  if (problem) return std::move(*problem);
  return ids;
}

MessageId message_id(std::string_view text) noexcept {
  if (text.starts_with("msg_")) text.remove_prefix(4);
  return static_cast<MessageId>(number(text));
}

MessageId message_id(const json::Value& value) {
  if (value.is(json::Type::number)) return message_id(value.raw());
  const auto text = value.plain_text();
  return text ? message_id(*text) : MessageId::none;
}

// `group_001` is a handle like any other, and `group_<id>` a number of the host's: those are larger than any that could
// have been made before there was this program.
ConversationRef group_ref(std::string text) {
  constexpr auto smallest = id::first_at(id::epoch + 86'400'000);
  if (text.starts_with("group_")) {
    const auto id = number(std::string_view(text).substr(6));
    if (id >= smallest) return ConversationRef::of(static_cast<ConversationId>(id));
  }
  return ConversationRef::handle_or_id(std::move(text));
}

Result<ConversationRef> group_ref(const json::Value& value, std::string_view name) {
  if (missing(value)) return wrong(name, "必填");
  if (value.integer()) return group_ref(std::string(value.raw()));
  auto text = value.text();
  if (!text || text->empty() || text->size() > max_group_id) return wrong(name, "必须是群组ID（字符串）");
  return group_ref(std::move(*text));
}

Result<std::optional<std::string>> text(const json::Value& value, std::string_view name, std::size_t bytes) {
  if (missing(value)) return std::optional<std::string>();
  auto text = value.text();
  if (!text) return wrong(name, "必须是字符串");
  if (text->size() > bytes) return wrong(name, "不能超过 " + std::to_string(bytes) + " 字节");
  return text;
}

Result<std::string> client_id(const json::Value& value) {
  auto id = text(value, "clientMsgId", max_client_id);
  if (!id) return id.error();
  if (!*id || (*id)->empty()) return wrong("clientMsgId", "必填");
  return std::move(**id);
}

Result<std::size_t> query_number(const HttpExchange& exchange, std::string_view name, std::int64_t low,
                                 std::int64_t high, std::int64_t preset) {
  const auto given = query_integer(exchange, name);
  if (!given.ok) return wrong(name, "必须是整数");
  return static_cast<std::size_t>(std::clamp(given.value.value_or(preset), low, high));
}

}  // namespace loft::message_service
