#include "block_list/list.hpp"

#include <algorithm>

#include <loft/json.hpp>

namespace loft::block_list {
namespace {

std::uint64_t number(const json::Value& value) noexcept {
  const auto integer = value.integer();
  return integer && *integer > 0 ? static_cast<std::uint64_t>(*integer) : 0;
}

/// A number. Earlier versions of this plugin wrote `[user]` or `[user, conversation, uuid]`.
UserId read_blocked(const json::Value& item) {
  auto user = number(item);
  bool first = true;
  item.elements([&](const json::Value& value) {
    if (first) user = number(value);
    first = false;
    return true;
  });
  return static_cast<UserId>(user);
}

}  // namespace

bool List::holds(UserId user) const noexcept { return std::binary_search(blocked.begin(), blocked.end(), user); }

std::string key_of(UserId owner) { return "blocks/" + std::to_string(raw(owner)); }

std::string encode(const List& list) {
  std::string out;
  json::Writer writer(out);
  writer.object().key("version").number(list.version).key("owner").number(raw(list.owner)).key("blocked").array();
  for (const auto one : list.blocked) writer.number(raw(one));
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
    if (!name.equals("blocked")) return true;
    member.elements([&](const json::Value& item) {
      out.blocked.push_back(read_blocked(item));
      fine = fine && out.blocked.back() != UserId::none;
      return fine;
    });
    return true;
  });
  if (!fine || out.version == 0 || out.owner == UserId::none || key != key_of(out.owner)) return std::nullopt;
  std::sort(out.blocked.begin(), out.blocked.end());
  return out;
}

List with(List list, UserId other) {
  const auto place = std::lower_bound(list.blocked.begin(), list.blocked.end(), other);
  if (place == list.blocked.end() || *place != other) list.blocked.insert(place, other);
  return list;
}

List without(List list, UserId other) {
  std::erase(list.blocked, other);
  return list;
}

}  // namespace loft::block_list
