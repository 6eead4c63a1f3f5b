// Packets as they are read and written: requests, replies, notifications, and the lists inside replies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>

#include "carrypigeon/errors.hpp"
#include "carrypigeon/settings.hpp"

namespace loft::carrypigeon {

/// The longest packet this side sends. A frame holds 65,535 bytes; nonce, header and tag of an encrypted one take 48.
inline constexpr std::size_t max_packet = 65535 - 48;

/// A request with this id is carried out without a reply; packets that answer no request carry it.
inline constexpr std::int64_t no_id = -1;

/// How long the texts of channels and profiles may be, in characters, so that they are shown whole in every list.
inline constexpr std::size_t max_name = 100;
inline constexpr std::size_t max_text = 500;

/// snake_case is the contract's; clients of its earlier edition write camelCase.
inline const json::Value& either(const json::Value& snake, const json::Value& camel) noexcept {
  return missing(snake) ? camel : snake;
}

/// `{"id":…,"code":…,"data":`; the data and one `}` are still to come.
void begin_reply(std::string& out, std::int64_t id, int code);

/// A failed reply as a whole.
void append_refusal(std::string& out, std::int64_t id, const Refusal& refusal);

/// `{"id":-1,"code":0,"data":{"route":…,"data":`; the data and two `}` are still to come.
void begin_push(std::string& out, std::string_view route);

/// A notification without data: look that up again.
void append_hint(std::string& out, std::string_view route);

/// One message as it stands in lists, whole. `size_of` says how many bytes that takes.
void append_message(std::string& out, const Message& message);
std::size_t size_of(const Message& message) noexcept;

/// So few bytes suffice for any message in short.
inline constexpr std::size_t shortest_message = 192;

/// The same message as a text, its preview, in at most `room` bytes, and marked so. Precondition: `room` is at least
/// `shortest_message`.
void append_short_message(std::string& out, const Message& message, const Services& services, std::size_t room);

/// What a user calls itself: the name of its profile, else its handle.
std::string name_of(const User& user);

/// A text as it stands in lists: cut, so that no single one fills a packet.
Bytes shown(Bytes text) noexcept;

/// `{"count":…,"<name>":[…]}` with as many of `items`, from the first, as the packet begun in `out` has room for.
/// `write_one(list, item)` appends one.
template <class Items, class Write>
void append_list(std::string& out, std::string_view name, const Items& items, Write write_one) {
  thread_local std::string list;
  list.clear();
  constexpr std::size_t around = 40;  // braces, the name "count" and its digits, the packet's own brace
  const std::size_t room = max_packet - out.size() - name.size() - around;
  std::size_t count = 0;
  for (const auto& item : items) {
    const std::size_t before = list.size();
    if (count != 0) list += ',';
    write_one(list, item);
    if (list.size() > room) {
      list.resize(before);
      break;
    }
    ++count;
  }
  json::Writer writer(out);
  writer.object().key("count").number(count).key(name).array();
  if (count != 0) writer.raw(list);
  writer.end_array().end_object();
}

}  // namespace loft::carrypigeon
