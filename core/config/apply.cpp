// From the document's items to the variables of an option table.
#include <algorithm>

#include "config/node.hpp"
#include "config/scalars.hpp"

namespace loft::config {
namespace {

using Kind = Item::Kind;

class Application {
 public:
  Application(Tree& tree, OptionTable& table, std::string owner)
      : tree_(tree), table_(table), owner_(std::move(owner)) {}

  /// One row, whose value is `item`, or null where the file says nothing.
  void set(Option& option, Item* item, const std::string& path, const Place& around) {
    if (item == nullptr) {
      if (option.is_required) tree_.add(around, path, "is required: " + option.help);
      return;
    }
    item->secret = item->secret || option.is_secret;
    if (item->broken) return;
    if (item->kind == Kind::null) return wrong(*item, path, "has no value; give it one or remove the key");
    if (option.type == OptionType::list) return set_list(option, *item, path);
    if (option.type == OptionType::map) return set_map(option, *item, path);
    if (item->kind != Kind::scalar && !item->verbatim) {
      const char* const found = item->kind == Kind::list ? "a list" : "a mapping";
      return wrong(*item, path, "takes " + type_text(option) + ", not " + found);
    }
    set_scalar(option, *item, path);
  }

  /// Keys of `map` that neither the table nor the caller knows; `prefix` is the path inside the table.
  void unknown(Item& map, const std::string& path, const std::string& prefix, const std::vector<std::string>& also) {
    std::vector<std::string> names = also;
    std::vector<std::string> secrets;
    for (const auto& option : table_.rows()) {
      if (!option.name.starts_with(prefix)) continue;
      const auto rest = std::string_view(option.name).substr(prefix.size());
      names.emplace_back(rest.substr(0, rest.find('.')));
      if (option.is_secret) secrets.push_back(names.back());
    }
    names.insert(names.end(), map.known.begin(), map.known.end());
    for (auto& [key, item] : map.members) {
      if (path.empty() && key.starts_with("x-")) continue;
      if (std::find(names.begin(), names.end(), key) == names.end()) {
        report_unknown(*item, key, path, names, secrets);
      } else if (is_section(prefix + key)) {
        descend(*item, join_path(path, key), prefix + key + ".");
      }
    }
  }

 private:
  static std::string type_text(const Option& option) {
    switch (option.type) {
      case OptionType::text:
        return "a text";
      case OptionType::integer:
        return "a whole number";
      case OptionType::number:
        return "a number";
      case OptionType::boolean:
        return "true or false";
      case OptionType::duration:
        return "a duration such as 30s";
      case OptionType::size:
        return "a size such as 64KiB";
      case OptionType::choice:
        return "one word";
      case OptionType::list:
        return "a list";
      case OptionType::map:
        return "a mapping";
    }
    return "something else";
  }

  bool is_section(const std::string& name) const {
    return std::any_of(table_.rows().begin(), table_.rows().end(),
                       [&](const Option& option) { return option.name.starts_with(name + "."); });
  }

  void descend(Item& item, const std::string& path, const std::string& prefix) {
    if (item.kind == Kind::map) return unknown(item, path, prefix, {});
    if (item.kind != Kind::null) wrong(item, path, "takes a mapping of options, one per line and indented");
  }

  void report_unknown(const Item& item, const std::string& key, const std::string& path,
                      const std::vector<std::string>& names, const std::vector<std::string>& secrets) {
    const auto near = nearest(key, names);
    std::string message = "is not a known option" + (owner_.empty() ? "" : " of " + owner_);
    if (!near.empty()) {
      message += "; did you mean '" + near + "'?";
    } else if (names.empty()) {
      message += "; nothing can be set here";
    } else {
      auto sorted = names;
      std::sort(sorted.begin(), sorted.end());
      sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
      message += "; known here:";
      for (std::size_t i = 0; i < sorted.size(); ++i) message += (i == 0 ? " " : ", ") + sorted[i];
    }
    const bool secret = std::find(secrets.begin(), secrets.end(), near) != secrets.end();
    tree_.add(item.key_place, join_path(path, key), std::move(message), secret);
  }

  void wrong(const Item& item, const std::string& path, std::string message) {
    tree_.add(place_of(item), path, std::move(message), item.secret);
  }

  /// The value in front of a message, unless it must stay unseen.
  static std::string with_value(const Item& item, const std::string& message) {
    if (item.secret) return message;
    const auto& shown = item.verbatim || item.interpolated ? item.text : item.value;
    return (shown.empty() ? "an empty text" : quoted(shown)) + " " + message;
  }

  template <class T>
  bool check(Option& option, const Item& item, const std::string& path, const Parsed<T>& parsed) {
    auto message = parsed.wrong;
    if (message.empty()) message = check_range(option, static_cast<double>(parsed.value));
    if (!message.empty()) wrong(item, path, with_value(item, message));
    return message.empty();
  }

  void set_scalar(Option& option, Item& item, const std::string& path) {
    const std::string& text = item.verbatim ? item.text : item.value;
    const bool is_text = option.type == OptionType::text || option.type == OptionType::choice;
    if (item.quoted && !item.interpolated && !is_text) {
      return wrong(
          item, path,
          with_value(item, "is in quotes and therefore a text; takes " + type_text(option) + ", without quotes"));
    }
    switch (option.type) {
      case OptionType::text:
        if (holds_nul(item, path, text)) return;
        return option.set_text(text);
      case OptionType::choice:
        return set_choice(option, item, path, text);
      case OptionType::boolean: {
        const auto parsed = parse_boolean(text);
        if (!parsed.wrong.empty()) return wrong(item, path, with_value(item, parsed.wrong));
        return option.set_boolean(parsed.value);
      }
      case OptionType::number: {
        const auto parsed = parse_number(text);
        if (check(option, item, path, parsed)) option.set_number(parsed.value);
        return;
      }
      default: {
        const auto parsed = option.type == OptionType::integer    ? parse_integer(text)
                            : option.type == OptionType::duration ? parse_duration(text)
                                                                  : parse_size(text);
        if (check(option, item, path, parsed)) option.set_integer(parsed.value);
      }
    }
  }

  void set_choice(Option& option, const Item& item, const std::string& path, const std::string& text) {
    if (is_choice(option, item, path, text)) option.set_text(text);
  }

  /// False after noting that the text is none of the words.
  bool is_choice(const Option& option, const Item& item, const std::string& path, const std::string& text) {
    const auto& words = option.choices;
    if (std::find(words.begin(), words.end(), text) != words.end()) return true;
    std::string message = "is not one of ";
    for (std::size_t i = 0; i < words.size(); ++i) message += (i == 0 ? "" : ", ") + words[i];
    if (const auto near = nearest(text, words); !near.empty()) message += "; did you mean '" + near + "'?";
    wrong(item, path, with_value(item, message));
    return false;
  }

  /// The text of an element; false after noting that it has none.
  bool element_text(const Option& option, Item& item, const std::string& path, std::string& out) {
    item.secret = item.secret || option.is_secret;
    if (item.broken) return false;
    if (item.kind != Kind::scalar) {
      wrong(item, path, item.kind == Kind::null ? "has no value; give it one or remove it" : "takes a text");
      return false;
    }
    if (holds_nul(item, path, item.value)) return false;
    out = item.value;
    return true;
  }

  /// Names and paths end at a NUL for the system, which would open another file than the one that is written there.
  bool holds_nul(const Item& item, const std::string& path, const std::string& text) {
    if (item.secret || text.find('\0') == std::string::npos) return false;
    wrong(item, path, "holds a NUL character, which no name or path may have; remove it");
    return true;
  }

  void set_list(Option& option, Item& item, const std::string& path) {
    if (item.kind != Kind::list) {
      const std::string example =
          item.kind == Kind::scalar && !item.secret && !item.interpolated && item.text.size() < 40
              ? "[" + item.text + "]"
              : "[one, two]";
      return wrong(item, path, "takes a list, such as " + example);
    }
    std::vector<std::string> values(item.items.size());
    bool good = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto place = join_path(path, std::to_string(i));
      good &= element_text(option, *item.items[i], place, values[i]) &&
              (option.choices.empty() || is_choice(option, *item.items[i], place, values[i]));
    }
    if (good) option.set_list(std::move(values));
  }

  void set_map(Option& option, Item& item, const std::string& path) {
    if (item.kind != Kind::map) return wrong(item, path, "takes a mapping, such as {name: value}");
    std::map<std::string, std::string> values;
    bool good = true;
    for (auto& [key, member] : item.members) good &= element_text(option, *member, join_path(path, key), values[key]);
    if (good) option.set_map(std::move(values));
  }

  Tree& tree_;
  OptionTable& table_;
  std::string owner_;
};

}  // namespace

void Node::apply(OptionTable& table, const std::vector<std::string>& also_known, std::string owner) const {
  if (impl_ == nullptr) return;
  Tree& tree = *impl_->tree;
  Item* map = impl_->item;
  if (map != nullptr && map->kind != Kind::map) {
    if (map->broken) return;
    if (map->kind != Kind::null) return problem("takes a mapping of options, one per line and indented");
    map = nullptr;
  }
  Application application(tree, table, std::move(owner));
  for (auto& option : table.rows()) {
    Item* item = map;
    const Item* around = impl_->anchor;
    for (const auto& word : split_path(option.name)) {
      item = item != nullptr && item->kind == Kind::map ? item->find(word) : nullptr;
      if (item == nullptr) break;
      around = item;
    }
    application.set(option, item, join_path(impl_->path, option.name), place_of(*around));
  }
  if (map != nullptr) application.unknown(*map, impl_->path, {}, also_known);
}

}  // namespace loft::config
