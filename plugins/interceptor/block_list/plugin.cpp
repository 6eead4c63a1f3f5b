#include "block_list/block_list.hpp"

using loft::block_list::BlockListPlugin;
LOFT_PLUGIN(BlockListPlugin, "interceptor.block_list", "0.1.0", "Keeps messages from whom their sender is blocked by")
