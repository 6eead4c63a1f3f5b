// What the columns of each table may hold beyond what their types say. Whoever edits a table by hand can put anything
// there that its type takes, and in SQLite anything at all: who reads a row looks at it by these, and so does the
// check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <loft/message.hpp>
#include <loft/push_ledger.hpp>

namespace loft::storage {

struct Column {
  std::string_view name;
  bool is_text = false;
  bool may_be_null = false;
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool is_bytes = false;  ///< a text that need not be UTF-8
  int since = 1;          ///< the number of storage.sqlite's schema that brought it

  constexpr bool takes(std::int64_t number) const noexcept { return least <= number && number <= most; }
};

/// The columns come in the order in which queries.hpp asks for them.
struct RowRules {
  std::string_view table;
  std::span<const Column> columns;
  std::size_t keys;  ///< the first ones, which tell rows apart
};

namespace row_rules {

constexpr Column since_2(Column column) {
  column.since = 2;
  return column;
}
constexpr Column since_4(Column column) {
  column.since = 4;
  return column;
}
constexpr Column number(std::string_view name) { return {name}; }
constexpr Column number_or_null(std::string_view name) { return {name, false, true}; }
constexpr Column text(std::string_view name) { return {name, true}; }
constexpr Column bytes(std::string_view name) {
  auto column = text(name);
  column.is_bytes = true;
  return column;
}
constexpr Column text_or_null(std::string_view name) { return {name, true, true}; }
/// Times, and the halves of hashes.
constexpr Column any_number(std::string_view name) {
  return {name, false, false, std::numeric_limits<std::int64_t>::min()};
}
template <class E>
constexpr Column one_of(std::string_view name, E last) {
  return {name, false, false, 0, static_cast<std::int64_t>(last)};
}

inline constexpr Column user_columns[] = {number("id"), text_or_null("handle"), text_or_null("uuid"),
                                          any_number("created"), since_2(text("profile"))};
inline constexpr Column conversation_columns[] = {
    number("id"),
    one_of("kind", ConversationKind::broadcast),
    number_or_null("low_id"),
    number_or_null("high_id"),
    text_or_null("handle"),
    text_or_null("uuid"),
    text("name"),
    text("description"),
    text("avatar"),
    number("owner_id"),
    one_of("join_rule", JoinRule::invite_only),
    any_number("created"),
    any_number("updated"),
    since_2(text("topic")),
    since_2(one_of("max_members", std::numeric_limits<std::uint32_t>::max())),
    since_2(any_number("dissolved")),
    number("head"),
    number("last_id")};
inline constexpr Column member_columns[] = {
    number("conversation_id"), number("user_id"),         one_of("role", Role::owner), number("joined"),
    number("joined_seq"),      any_number("muted_until"), since_2(number("muted_by")), since_2(any_number("muted_at")),
    any_number("has_left")};
inline constexpr Column message_columns[] = {number("id"),
                                             number("conversation_id"),
                                             number("seq"),
                                             number("sender_id"),
                                             number("domain_id"),
                                             text("content"),
                                             number_or_null("recalled"),
                                             number_or_null("recalled_by"),
                                             since_2(text_or_null("extras"))};
inline constexpr Column change_columns[] = {
    number("position"),   number("conversation_id"), one_of("kind", ChangeKind::read), number("actor_id"),
    number("subject_id"), number("message_id"),      one_of("role", Role::owner),      since_2(text_or_null("note"))};
inline constexpr Column mark_columns[] = {number("user_id"), number("conversation_id"), text("name"),
                                          bytes("intervals")};
inline constexpr Column key_columns[] = {number("message_id"), number("sender_id"), any_number("hash0"),
                                         any_number("hash1"), any_number("digest")};
inline constexpr Column value_columns[] = {since_2(text("space")), since_2(text("key")), since_2(text("value"))};
inline constexpr Column follower_columns[] = {text("name"), number("position")};

inline constexpr Column push_columns[] = {since_4(number("message_id")),
                                          since_4(number("user_id")),
                                          since_4(number("conversation_id")),
                                          since_4(one_of("state", PushState::dead)),
                                          since_4(one_of("attempts", std::numeric_limits<std::uint32_t>::max())),
                                          since_4(any_number("created")),
                                          since_4(any_number("due")),
                                          since_4(any_number("expires")),
                                          since_4(any_number("finished")),
                                          since_4(text("reason")),
                                          since_4(text("plan"))};
inline constexpr Column device_columns[] = {since_4(number("id")),
                                            since_4(number("user_id")),
                                            since_4(text("channel")),
                                            since_4(text("token")),
                                            since_4(text("platform")),
                                            since_4(text("client")),
                                            since_4(text("app")),
                                            since_4(text("locale")),
                                            since_4(any_number("registered")),
                                            since_4(any_number("last_success")),
                                            since_4(any_number("failed")),
                                            since_4(text("failure"))};
/// Its times, which are no numbers, are asked for behind these.
inline constexpr Column attempt_columns[] = {since_2(number("id")),
                                             since_2(text("user_id")),
                                             since_2(number("message_id")),
                                             since_2(text_or_null("push_type")),
                                             since_2(text_or_null("push_status")),
                                             since_2(text_or_null("error_msg"))};

inline constexpr RowRules user{"user", user_columns, 1};
inline constexpr RowRules conversation{"conversation", conversation_columns, 1};
inline constexpr RowRules member{"member", member_columns, 2};
inline constexpr RowRules message{"message", message_columns, 1};
inline constexpr RowRules change{"change", change_columns, 1};
inline constexpr RowRules mark{"mark", mark_columns, 3};
inline constexpr RowRules client_message{"client_message", key_columns, 1};
inline constexpr RowRules key_value{"key_value", value_columns, 2};
inline constexpr RowRules follower{"follower", follower_columns, 1};
inline constexpr RowRules push_queue{"push_queue", push_columns, 2};
inline constexpr RowRules device{"device", device_columns, 1};
inline constexpr RowRules push_log{"push_log", attempt_columns, 1};

/// In the order in which they are copied.
inline constexpr const RowRules* all[] = {&user,           &conversation, &member,   &message,    &change, &mark,
                                          &client_message, &key_value,    &follower, &push_queue, &device, &push_log};

}  // namespace row_rules

}  // namespace loft::storage
