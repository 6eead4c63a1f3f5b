#include "block_list/list.hpp"

#include <algorithm>

#include <loft/json.hpp>

namespace loft::block_list {
namespace {

constexpr auto by_user = [](const Blocked& a, const Blocked& b) { return a.user < b.user; };

std::uint64_t number(const json::Value& value) noexcept {
  const auto integer = value.integer();
  return integer && *integer > 0 ? static_cast<std::uint64_t>(*integer) : 0;
}

/// `[user]` or `[user, conversation, uuid]`.
std::optional<Blocked> read_blocked(const json::Value& item) {
  Blocked out;
  std::size_t at = 0;
  item.elements([&](const json::Value& value) {
    if (at == 0) out.user = static_cast<UserId>(number(value));
    if (at == 1) out.conversation = static_cast<ConversationId>(number(value));
    if (at == 2) out.conversation_uuid = value.text().value_or(std::string());
    ++at;
    return true;
  });
  if (out.user == UserId::none) return std::nullopt;
  return out;
}

}  // namespace

bool List::holds(UserId user) const noexcept {
  return std::binary_search(blocked.begin(), blocked.end(), Blocked{user, {}, {}}, by_user);
}

std::string key_of(UserId owner) { return "blocks/" + std::to_string(raw(owner)); }

std::string encode(const List& list) {
  std::string out;
  json::Writer writer(out);
  writer.object()
      .key("version")
      .number(list.version)
      .key("owner")
      .number(raw(list.owner))
      .key("handle")
      .string(list.handle)
      .key("uuid")
      .string(list.uuid)
      .key("blocked")
      .array();
  for (const auto& one : list.blocked) {
    writer.array().number(raw(one.user));
    if (one.conversation != ConversationId::none) writer.number(raw(one.conversation)).string(one.conversation_uuid);
    writer.end_array();
  }
  writer.end_array().end_object();
  return out;
}

std::optional<List> decode(Bytes key, Bytes value) {
  const auto object = json::parse(value);
  if (!object) return std::nullopt;
  List out;
  bool fine = true;
  object->members([&](const json::Value& name, const json::Value& member) {
    if (name.equals("version")) out.version = number(member);
    if (name.equals("owner")) out.owner = static_cast<UserId>(number(member));
    if (name.equals("handle")) out.handle = member.text().value_or(std::string());
    if (name.equals("uuid")) out.uuid = member.text().value_or(std::string());
    if (!name.equals("blocked")) return true;
    member.elements([&](const json::Value& item) {
      auto one = read_blocked(item);
      fine = fine && one;
      if (one) out.blocked.push_back(std::move(*one));
      return fine;
    });
    return true;
  });
  if (!fine || out.version == 0 || out.owner == UserId::none || key != key_of(out.owner)) return std::nullopt;
  std::sort(out.blocked.begin(), out.blocked.end(), by_user);
  return out;
}

List with(List list, Blocked other) {
  const auto place = std::lower_bound(list.blocked.begin(), list.blocked.end(), other, by_user);
  if (place == list.blocked.end() || place->user != other.user) list.blocked.insert(place, std::move(other));
  return list;
}

List without(List list, UserId other) {
  std::erase_if(list.blocked, [&](const Blocked& one) { return one.user == other; });
  return list;
}

}  // namespace loft::block_list
