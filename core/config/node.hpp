// What a Node holds. Private to core/config.
#pragma once

#include "config/tree.hpp"

namespace loft::config {

struct Node::Impl {
  Tree* tree = nullptr;
  Item* item = nullptr;          ///< null: absent
  const Item* anchor = nullptr;  ///< the nearest item that is present: this one or one round it
  std::string path;
};

/// Where a problem with this item is shown: a single value itself, anything larger at its key.
inline const Place& place_of(const Item& item) noexcept {
  const bool at_value = item.kind == Item::Kind::scalar || !item.has_key;
  return at_value ? item.place : item.key_place;
}

}  // namespace loft::config
