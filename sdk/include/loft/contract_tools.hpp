// What contracts over HTTP and JSON have in common: reading members, tokens and parameters, finding the caller.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/http.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>

namespace loft {

/// The members of those names, in one pass. Missing ones are of type null; of repeated names the first counts.
template <std::size_t N>
std::array<json::Value, N> pick(const json::Value& object, const std::array<std::string_view, N>& names) {
  std::array<json::Value, N> found;
  object.members([&](const json::Value& key, const json::Value& value) {
    // The names hold no escapes: a key written with some is compared only when nothing else fits.
    const Bytes written = key.raw().substr(1, key.raw().size() - 2);
    const auto take = [&](auto is_name) {
      for (std::size_t i = 0; i < N; ++i) {
        if (!is_name(names[i])) continue;
        if (found[i].raw().empty()) found[i] = value;
        return true;
      }
      return false;
    };
    if (take([&](std::string_view name) { return written == name; })) return true;
    if (written.find('\\') != Bytes::npos) take([&](std::string_view name) { return key.equals(name); });
    return true;
  });
  return found;
}

/// The most bytes of a client's own message id (`Submission::client_id`).
inline constexpr std::size_t max_client_id = 128;

/// A JSON string as text; empty for a value that is none.
inline std::string own_text(const json::Value& value) {
  if (const auto plain = value.plain_text()) return std::string(*plain);
  return value.text().value_or(std::string());
}

/// The string, with its quotes, inside `{"text":"…"}` where the content is exactly that and its text ends at the first
/// quote; else empty. Most messages are of this form.
inline Bytes lone_text(Bytes content) noexcept {
  constexpr Bytes head = "{\"text\":\"";
  if (!content.starts_with(head)) return {};
  const auto quote = content.find('"', head.size());
  if (quote + 2 != content.size() || content.back() != '}' || content[quote - 1] == '\\') return {};
  return content.substr(head.size() - 1, quote - head.size() + 2);
}

/// An empty buffer to write one answer into; the next call on this thread empties it again.
inline std::string& scratch() {
  static thread_local std::string buffer;
  // One huge page must not stay with the thread for ever.
  constexpr std::size_t keep = 64 * 1024;
  if (buffer.capacity() > keep) buffer = {};
  buffer.clear();
  return buffer;
}

inline bool missing(const json::Value& value) noexcept { return value.is(json::Type::null); }

/// The token of `Authorization: Bearer …`; empty where there is none. RFC 9110 gives the scheme's name in any case.
inline std::string_view bearer(std::string_view header) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() < scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != scheme[i]) return {};
  }
  header.remove_prefix(scheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  return header;
}

/// A whole number in the query. `value` is nullopt where the parameter is missing or empty; not `ok`: it is no number.
struct QueryInteger {
  bool ok = true;
  std::optional<std::int64_t> value;
};
inline QueryInteger query_integer(const HttpExchange& exchange, std::string_view name) {
  const auto given = exchange.query_value(name);
  if (!given || given->empty()) return {};
  const auto parsed = json::parse(*given);
  if (!parsed || !parsed->integer()) return {false, std::nullopt};
  return {true, parsed->integer()};
}

/// Finds the user and calls `then(Caller, user)`, or `refuse(Error)`. `exchange` is kept meanwhile. `service`: as
/// Caller::service.
template <class Refuse, class Then>
void as_user(Users& users, const HttpExchangePtr& exchange, UserRef ref, bool service, Refuse refuse, Then then) {
  users.find(exchange->caller(UserId::none), std::move(ref),
             [exchange, service, refuse = std::move(refuse),
              then = std::move(then)](Result<std::shared_ptr<const User>> found) mutable {
               if (!found) return refuse(std::move(found.error()));
               auto caller = exchange->caller((*found)->id);
               caller.service = service;
               then(caller, std::move(*found));
             });
}

/// The same for the user that `claims` name.
template <class Refuse, class Then>
void as_user(Users& users, const HttpExchangePtr& exchange, const Claims& claims, Refuse refuse, Then then) {
  as_user(users, exchange, claims.user(), claims.service, std::move(refuse), std::move(then));
}

/// Whether `reader` receives this message and has not got it by any way yet. What is recalled or hidden stays as it is:
/// nobody is told of that.
inline bool is_undelivered(const MessageRecord& record, UserId reader) noexcept {
  return record.receipt == Receipt::sent && !record.is_recalled() && !record.hidden && record.message->sender != reader;
}

inline std::vector<MessageId> undelivered(std::span<const MessageRecord> records, UserId reader) {
  std::vector<MessageId> ids;
  for (const auto& record : records) {
    if (is_undelivered(record, reader)) ids.push_back(record.message->id);
  }
  return ids;
}

/// What a recipient is handed, by whatever way it asked, has reached it: it counts as delivered, as what is pushed
/// does.
inline void mark_delivered(Messaging& messaging, const Caller& caller, std::vector<MessageId> ids) {
  if (ids.empty()) return;
  MarkAct act;
  act.mark = MarkId::delivered;
  act.messages = std::move(ids);
  messaging.mark(caller, std::move(act), [](const Result<Marked>&) {});
}

/// The same for a page that the caller was answered with.
inline void mark_delivered(Messaging& messaging, const Caller& caller, std::span<const MessageRecord> page) {
  mark_delivered(messaging, caller, undelivered(page, caller.user));
}

/// What `Routes::otherwise` is called with, as a failure: its reason is `http.<status>`, such as `http.404`.
inline Error http_refusal(unsigned status) {
  const auto code = status == 404 ? Code::not_found : status == 413 ? Code::too_large : Code::invalid;
  return {code, "http." + std::to_string(status), {}};
}

}  // namespace loft
