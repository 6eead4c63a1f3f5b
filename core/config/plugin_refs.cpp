#include "config/plugin_refs.hpp"

#include <algorithm>

namespace loft::config {
namespace {

/// `sqlite` and `storage.sqlite` name the same plugin.
std::string full_id(std::string_view kind, const std::string& name) {
  return name.find('.') != std::string::npos ? name : std::string(kind) + "." + name;
}

}  // namespace

bool name_like(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), good);
}

PluginRef named(const Node& node, std::string_view kind, const std::string& word, const Node& options) {
  PluginRef ref{full_id(kind, word), {}, options, {}, node};
  ref.instance = ref.id;
  const auto prefix = std::string(kind) + ".";
  if (!name_like(word) || (!kind.empty() && !ref.id.starts_with(prefix))) {
    node.problem("must name a plugin of kind " + std::string(kind) +
                 ", in lower case, such as `sqlite` or `storage.sqlite`");
    ref.id.clear();  // so that nobody looks for it and complains again
  }
  return ref;
}

PluginRef section(const Node& node, std::string_view kind, const std::string& fallback) {
  const auto use = node["use"];
  std::string word = fallback;
  if (node.present() && !node.is_map()) {
    node.problem("takes a mapping such as {use: " + fallback + "}");
  } else if (use.present() && use.is_scalar()) {
    word = use.text();
  } else if (use.present()) {
    use.problem("takes the name of a plugin, such as " + fallback);
  }
  auto ref = named(use.present() ? use : node, kind, word, node);
  ref.reserved = {"use"};
  return ref;
}

PluginRef word_or_map(const Node& node, std::string_view kind, const std::string& fallback) {
  if (node.is_map()) return section(node, kind, fallback);
  if (node.present() && !node.is_scalar()) node.problem("takes the name of a plugin, such as " + fallback);
  return named(node, kind, node.is_scalar() ? node.text() : fallback, node["options"]);
}

PluginRef own_name(PluginRef ref, const Node& node) {
  const auto name = node.is_map() ? node["name"] : Node();
  if (!name.present()) return ref;
  ref.reserved.emplace_back("name");
  if (name.is_scalar() && name_like(name.text()))
    ref.instance = name.text();
  else
    name.problem("must be a word in lower case, such as survey");
  return ref;
}

}  // namespace loft::config
