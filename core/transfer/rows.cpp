#include "transfer/rows.hpp"

namespace loft::transfer {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

/// Names of plugins and users may hold anything; a message for the operator is one line and not endless.
std::string quoted(std::string_view text) {
  constexpr std::size_t most = 80;
  std::string out = "'";
  for (const char c : text.substr(0, most)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > most ? "…'" : "'");
}

}  // namespace

Position position_of(const LogRow& row) noexcept {
  if (const auto* message = std::get_if<Message>(&row)) return raw(message->id);
  return std::get_if<Change>(&row)->position;
}

bool same(const LogRow& a, const LogRow& b) {
  if (a.index() != b.index()) return false;
  if (const auto* message = std::get_if<Message>(&a)) return columns(*message) == columns(std::get<Message>(b));
  return columns(std::get<Change>(a)) == columns(std::get<Change>(b));
}

std::string named(const User& row) { return "user " + number(raw(row.id)) + " (" + quoted(row.handle) + ")"; }

std::string named(const StoredConversation& row) {
  const auto& c = row.conversation;
  const auto& name = c.name.empty() ? c.handle : c.name;
  return "conversation " + number(raw(c.id)) + (name.empty() ? std::string() : " (" + quoted(name) + ")");
}

std::string named(const Member& row) {
  return "member " + number(raw(row.user)) + " of conversation " + number(raw(row.conversation));
}

std::string named(const LogRow& row) {
  if (const auto* m = std::get_if<Message>(&row)) {
    return "message " + number(raw(m->id)) + " (conversation " + number(raw(m->conversation)) + ", seq " +
           number(m->seq) + ")";
  }
  const auto& change = std::get<Change>(row);
  return "the change at position " + number(change.position) + " (conversation " + number(raw(change.conversation)) +
         ")";
}

std::string named(const MarkWrite& row) {
  return "mark " + quoted(row.mark) + " of user " + number(raw(row.user)) + " in conversation " +
         number(raw(row.conversation));
}

std::string named(const KeyValueWrite& row) { return "value " + quoted(row.key) + " of " + quoted(row.space); }

std::string named(const Storage::StoredKey& row) {
  return "the client id of message " + number(raw(row.message)) + " (sender " + number(raw(row.sender)) + ")";
}

std::string named(const Storage::StoredFollower& row) { return "the position of follower " + quoted(row.name); }

std::string named(const OwedPush& row) {
  return "the push of message " + number(raw(row.message)) + " to user " + number(raw(row.user));
}

std::string named(const Device& row) { return "device " + number(row.id) + " of user " + number(raw(row.user)); }

std::string named(const PushAttempt& row) {
  return "row " + number(row.id) + " of push_log (message " + number(raw(row.message)) + ")";
}

std::string first_difference(const LogRow& a, const LogRow& b) {
  if (a.index() != b.index()) return "kind";
  if (const auto* message = std::get_if<Message>(&a)) return first_difference(*message, std::get<Message>(b));
  return first_difference(std::get<Change>(a), std::get<Change>(b));
}

std::string not_utf8(const LogRow& row) {
  return std::visit([](const auto& one) { return not_utf8(one); }, row);
}

std::string not_utf8(const MarkWrite& row) { return utf8::valid(row.mark) ? std::string() : "mark"; }

std::size_t weight(const LogRow& row) {
  return std::visit([](const auto& one) { return weight(one); }, row);
}

namespace detail {

std::string column_name(std::string_view names, std::size_t n) {
  std::size_t at = 0;
  for (; n > 0 && at != std::string_view::npos; --n) at = names.find(',', at + 1);
  if (at == std::string_view::npos) return "nothing";
  at = names.find('.', at) + 1;
  return std::string(names.substr(at, names.find(',', at) - at));
}

}  // namespace detail

}  // namespace loft::transfer
