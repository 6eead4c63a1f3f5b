#include "config/node.hpp"

namespace loft::config {

// A node that was never given a document (a default-made one) is absent, and its problems have no place to go.

bool Node::present() const noexcept { return impl_ != nullptr && impl_->item != nullptr; }
bool Node::is_map() const noexcept { return present() && impl_->item->kind == Item::Kind::map; }
bool Node::is_list() const noexcept { return present() && impl_->item->kind == Item::Kind::list; }
bool Node::is_scalar() const noexcept { return present() && impl_->item->kind == Item::Kind::scalar; }

Node Tree::root() const {
  Node node;
  auto* const self = const_cast<Tree*>(this);  // reading notes problems
  node.impl_ = std::make_shared<Node::Impl>(Node::Impl{self, top.get(), top.get(), {}});
  return node;
}

Node Node::operator[](std::string_view key) const {
  Node node;
  if (impl_ == nullptr) return node;
  Item* found = nullptr;
  if (is_map()) {
    impl_->item->known.insert(std::string(key));
    found = impl_->item->find(key);
  }
  const Item* const anchor = found != nullptr ? found : impl_->anchor;
  node.impl_ = std::make_shared<Impl>(Impl{impl_->tree, found, anchor, join_path(impl_->path, key)});
  return node;
}

std::vector<std::string> Node::keys() const {
  std::vector<std::string> keys;
  if (is_map()) {
    for (const auto& [name, item] : impl_->item->members) keys.push_back(name);
  }
  return keys;
}

std::vector<Node> Node::items() const {
  std::vector<Node> nodes;
  if (!is_list()) return nodes;
  for (const auto& item : impl_->item->items) {
    auto path = join_path(impl_->path, std::to_string(nodes.size()));
    nodes.emplace_back().impl_ = std::make_shared<Impl>(Impl{impl_->tree, item.get(), item.get(), std::move(path)});
  }
  return nodes;
}

std::string Node::text() const { return is_scalar() ? impl_->item->value : std::string(); }

std::string Node::path() const { return impl_ != nullptr ? impl_->path : std::string(); }

void Node::problem(std::string message) const {
  if (impl_ == nullptr || (present() && impl_->item->broken)) return;
  impl_->tree->add(place_of(*impl_->anchor), impl_->path, std::move(message), impl_->anchor->secret);
}

Problem Node::describe(std::string message) const {
  if (impl_ == nullptr) return {{}, 0, 0, {}, std::move(message), {}};
  return impl_->tree->describe(place_of(*impl_->anchor), impl_->path, std::move(message), impl_->anchor->secret);
}

Node Node::option(std::string_view name) const {
  Node node = *this;
  for (const auto& word : split_path(name)) node = node[word];
  return node;
}

void Node::apply(OptionTable& table, std::initializer_list<std::string_view> also_known) const {
  apply(table, std::vector<std::string>(also_known.begin(), also_known.end()));
}

}  // namespace loft::config
