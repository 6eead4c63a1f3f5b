// Values from outside the file: `--set key.path=value` and `LOFT__SECTION__KEY=value`.
#include <algorithm>
#include <charconv>

#include "config/tree.hpp"

namespace loft::config {
namespace {

constexpr std::string_view prefix = "LOFT__";

/// The place at `index` of a list, made when it is the one behind the last. Null: no such element.
std::unique_ptr<Item>* element(Item& list, const std::string& word) {
  std::size_t index = 0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), index);
  if (error != std::errc{} || stop != word.data() + word.size() || index > list.items.size()) return nullptr;
  if (index == list.items.size()) list.items.push_back(std::make_unique<Item>());
  return &list.items[index];
}

std::unique_ptr<Item>& member(Item& map, const std::string& word) {
  for (auto& [name, item] : map.members) {
    if (name == word) return item;
  }
  map.members.emplace_back(word, std::make_unique<Item>());
  return map.members.back().second;
}

/// Puts `value` at the path, making sections on the way.
void put(Tree& tree, std::size_t origin, const std::vector<std::string>& words, std::unique_ptr<Item> value) {
  const Place here{origin, 0, 0};
  Item* at = tree.top.get();
  std::string path;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    std::unique_ptr<Item>* slot = nullptr;
    if (at->kind == Item::Kind::null) {
      at->kind = Item::Kind::map;
      at->place = here;
    }
    if (at->kind == Item::Kind::list) {
      slot = element(*at, word);
      if (slot == nullptr) {
        const auto count = at->items.size();
        return tree.add(
            here, join_path(path, word),
            path + " is a list of " + std::to_string(count) + "; use a number from 0 to " + std::to_string(count));
      }
    } else if (at->kind == Item::Kind::map) {
      slot = &member(*at, word);
    } else {
      return tree.add(here, join_path(path, word), path + " is a single value and has no members", true);
    }
    path = join_path(path, word);
    if (!(*slot)->has_key && (*slot)->kind == Item::Kind::null) {
      (*slot)->place = (*slot)->key_place = here;
      (*slot)->has_key = true;
    }
    if (i + 1 == words.size()) {
      value->has_key = true;
      value->key_place = here;
      *slot = std::move(value);
      return;
    }
    at = slot->get();
  }
}

bool well_formed(const std::vector<std::string>& words) {
  return words.size() <= max_depth && std::none_of(words.begin(), words.end(), [](auto& word) { return word.empty(); });
}

void from_flag(Tree& tree, const std::string& text) {
  const auto equals = text.find('=');
  const auto key = text.substr(0, equals);
  const auto origin = tree.add_origin("--set " + key);
  if (equals == std::string::npos) return tree.add({origin, 0, 0}, {}, "has no value; write --set key.path=value");
  const auto words = split_path(key);
  if (!well_formed(words)) return tree.add({origin, 0, 0}, {}, "names no option; write --set key.path=value");
  const auto value = std::string_view(text).substr(equals + 1);
  if (auto item = parse_yaml(value, tree, origin, key)) put(tree, origin, words, std::move(item));
}

void from_variable(Tree& tree, const std::string& name, const std::string& value) {
  const auto origin = tree.add_origin(name);
  std::vector<std::string> words;
  for (std::size_t begin = prefix.size(); begin <= name.size();) {
    const auto end = std::min(name.find("__", begin), name.size());
    auto word = name.substr(begin, end - begin);
    std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    words.push_back(std::move(word));
    begin = end + 2;
  }
  if (!well_formed(words)) return tree.add({origin, 0, 0}, {}, "names no option; write LOFT__SECTION__KEY");
  std::unique_ptr<Item> item;
  const bool flow =
      (value.starts_with('[') && value.ends_with(']')) || (value.starts_with('{') && value.ends_with('}'));
  if (flow) {
    // A secret may look like a list; when it is none, it is a text.
    Tree scratch{name};
    item = parse_yaml(value, scratch, 0, {});
    if (!scratch.problems().empty()) item = nullptr;
  }
  if (item == nullptr) {
    item = std::make_unique<Item>();
    item->kind = Item::Kind::scalar;
  }
  const auto relocate = [origin](auto& self, Item& each) -> void {
    each.place = each.key_place = {origin, 0, 0};
    each.verbatim = true;
    for (auto& [key, inner] : each.members) self(self, *inner);
    for (auto& inner : each.items) self(self, *inner);
  };
  relocate(relocate, *item);
  item->text = value;
  item->value = value;
  put(tree, origin, words, std::move(item));
}

}  // namespace

void apply_overrides(Tree& tree, const Sources& sources) {
  for (const auto& [name, value] : sources.environment) {
    if (name.starts_with(prefix)) from_variable(tree, name, value);
  }
  for (const auto& text : sources.overrides) from_flag(tree, text);
}

}  // namespace loft::config
