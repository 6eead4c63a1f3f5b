// What a storage keeps, row by row: comparing, hashing and naming rows of each kind.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>

#include <loft/push_ledger.hpp>
#include <loft/storage.hpp>
#include <loft/utf8.hpp>

#include "messaging/hash.hpp"

namespace loft::transfer {

/// The log is messages and changes in one order.
using LogRow = std::variant<Message, Change>;

Position position_of(const LogRow& row) noexcept;

// The columns of a row and what they are called. A conversation's head, last id and last change follow from its log.
#define LOFT_TRANSFER_ROW(TYPE, ...)                                            \
  inline auto columns(const TYPE& r) noexcept { return std::tie(__VA_ARGS__); } \
  inline constexpr std::string_view column_names(const TYPE*) noexcept { return #__VA_ARGS__; }

LOFT_TRANSFER_ROW(User, r.id, r.handle, r.uuid, r.created, r.profile)
LOFT_TRANSFER_ROW(Conversation, r.id, r.kind, r.low, r.high, r.handle, r.uuid, r.name, r.description, r.avatar, r.owner,
                  r.join, r.created, r.updated, r.topic, r.max_members, r.dissolved)
LOFT_TRANSFER_ROW(Member, r.conversation, r.user, r.role, r.joined, r.joined_seq, r.muted_until, r.muted_by, r.muted_at,
                  r.left)
LOFT_TRANSFER_ROW(Message, r.id, r.conversation, r.seq, r.sender, r.domain, r.content, r.extras, r.recalled,
                  r.recalled_by)
LOFT_TRANSFER_ROW(Change, r.position, r.conversation, r.kind, r.actor, r.subject, r.message, r.role, r.note)
LOFT_TRANSFER_ROW(MarkWrite, r.user, r.conversation, r.mark, r.set)
LOFT_TRANSFER_ROW(KeyValueWrite, r.space, r.key, r.value)
LOFT_TRANSFER_ROW(Storage::StoredKey, r.message, r.sender, r.key.hash[0], r.key.hash[1], r.key.digest)
LOFT_TRANSFER_ROW(Storage::StoredFollower, r.name, r.position)
LOFT_TRANSFER_ROW(OwedPush, r.message, r.user, r.conversation, r.state, r.attempts, r.created, r.due, r.expires,
                  r.finished, r.reason, r.plan)
LOFT_TRANSFER_ROW(Device, r.id, r.user, r.channel, r.token, r.platform, r.client, r.app, r.locale, r.registered,
                  r.last_success, r.failed, r.failure)
LOFT_TRANSFER_ROW(PushAttempt, r.id, r.user, r.message, r.type, r.status, r.time, r.error)

#undef LOFT_TRANSFER_ROW

inline const Conversation& comparable(const StoredConversation& row) noexcept { return row.conversation; }
template <class Row>
const Row& comparable(const Row& row) noexcept {
  return row;
}

template <class Row>
bool same(const Row& a, const Row& b) {
  return columns(comparable(a)) == columns(comparable(b));
}
bool same(const LogRow& a, const LogRow& b);

// What tells rows of a kind apart, in their order.
inline UserId key_of(const User& r) noexcept { return r.id; }
inline ConversationId key_of(const StoredConversation& r) noexcept { return r.conversation.id; }
inline auto key_of(const Member& r) noexcept { return std::tie(r.conversation, r.user); }
inline Position key_of(const LogRow& r) noexcept { return position_of(r); }
inline auto key_of(const MarkWrite& r) noexcept { return std::tie(r.user, r.conversation, r.mark); }
inline auto key_of(const KeyValueWrite& r) noexcept { return std::tie(r.space, r.key); }
inline MessageId key_of(const Storage::StoredKey& r) noexcept { return r.message; }
inline const std::string& key_of(const Storage::StoredFollower& r) noexcept { return r.name; }
inline auto key_of(const OwedPush& r) noexcept { return std::tie(r.message, r.user); }
inline std::uint64_t key_of(const Device& r) noexcept { return r.id; }
inline std::uint64_t key_of(const PushAttempt& r) noexcept { return r.id; }

// "user 5 (ann)", "message 77 (conversation 3, seq 4)".
std::string named(const User& row);
std::string named(const StoredConversation& row);
std::string named(const Member& row);
std::string named(const LogRow& row);
std::string named(const MarkWrite& row);
std::string named(const KeyValueWrite& row);
std::string named(const Storage::StoredKey& row);
std::string named(const Storage::StoredFollower& row);
std::string named(const OwedPush& row);
std::string named(const Device& row);  // without its token
std::string named(const PushAttempt& row);

/// The name of the first column that is not the same, such as `handle`.
std::string first_difference(const LogRow& a, const LogRow& b);
template <class Row>
std::string first_difference(const Row& a, const Row& b);

/// The name of the first text that is not UTF-8, empty when all are. `set` of a mark is bytes.
std::string not_utf8(const LogRow& row);
std::string not_utf8(const MarkWrite& row);
template <class Row>
std::string not_utf8(const Row& row);

/// About how much memory it takes, so that pages do not grow beyond all measure.
template <class Row>
std::size_t weight(const Row& row);
std::size_t weight(const LogRow& row);

/// `seed` is the hash of the rows before it.
template <class Row>
std::uint64_t hashed(const Row& row, std::uint64_t seed);

namespace detail {

/// The n-th word of `r.id, r.handle, …`, without the `r.`.
std::string column_name(std::string_view names, std::size_t n);

inline bool is_utf8(const std::string& text) noexcept { return utf8::valid(text); }
inline bool is_utf8(const std::optional<std::string>& text) noexcept { return !text || utf8::valid(*text); }
template <class T>
bool is_utf8(const T&) noexcept {
  return true;
}

inline std::size_t bytes(const std::string& text) noexcept { return text.size(); }
inline std::size_t bytes(const std::optional<std::string>& text) noexcept { return text ? text->size() : 0; }
template <class T>
std::size_t bytes(const T&) noexcept {
  return 0;
}

inline std::uint64_t hash(const std::string& text, std::uint64_t seed) noexcept { return hash64(text, seed); }
inline std::uint64_t hash(const std::optional<std::string>& text, std::uint64_t seed) noexcept {
  return text ? hash64(*text, seed) : loft::detail::fold(seed ^ 0x9E3779B97F4A7C15ull, 0xABC98388FB8FAC03ull);
}
template <class T>
std::uint64_t hash(const T& number, std::uint64_t seed) noexcept {
  const auto value = static_cast<std::uint64_t>(number);
  return hash64({reinterpret_cast<const char*>(&value), sizeof value}, seed);
}

}  // namespace detail

template <class Row>
std::string first_difference(const Row& a, const Row& b) {
  const auto left = columns(comparable(a)), right = columns(comparable(b));
  constexpr auto names = column_names(static_cast<const std::remove_cvref_t<decltype(comparable(a))>*>(nullptr));
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::size_t first = sizeof...(I);
    ((first == sizeof...(I) && !(std::get<I>(left) == std::get<I>(right)) ? void(first = I) : void()), ...);
    return detail::column_name(names, first);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(left)>>());
}

template <class Row>
std::string not_utf8(const Row& row) {
  const auto values = columns(comparable(row));
  constexpr auto names = column_names(static_cast<const std::remove_cvref_t<decltype(comparable(row))>*>(nullptr));
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::size_t first = sizeof...(I);
    ((first == sizeof...(I) && !detail::is_utf8(std::get<I>(values)) ? void(first = I) : void()), ...);
    return first == sizeof...(I) ? std::string() : detail::column_name(names, first);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(values)>>());
}

template <class Row>
std::size_t weight(const Row& row) {
  return std::apply([](const auto&... column) { return (sizeof(Row) + ... + detail::bytes(column)); },
                    columns(comparable(row)));
}

template <class Row>
std::uint64_t hashed(const Row& row, std::uint64_t seed) {
  std::apply([&](const auto&... column) { ((seed = detail::hash(column, seed)), ...); }, columns(comparable(row)));
  return seed;
}

}  // namespace loft::transfer
