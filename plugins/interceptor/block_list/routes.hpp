// How users edit their lists: a small HTTP interface of the plugin's own.
#pragma once

#include <loft/contract.hpp>

#include "block_list/editor.hpp"

namespace loft::block_list {

/// What the routes need; lives as long as they do.
struct Services {
  Table& table;
  Editor& editor;
  Users& users;
  const Identity& identity;
  std::size_t limit;
};

void declare(Routes& routes, const Services& services);

}  // namespace loft::block_list
