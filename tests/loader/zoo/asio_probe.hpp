#pragma once

#include <loft/plugin.hpp>

namespace boost::asio {
class io_context;
}

/// Implemented by zoo.asio and zoo.asio_shared.
struct AsioProbe : loft::Plugin {
  /// Is this thread running that context, in the plugin's eyes?
  virtual bool runs_here(boost::asio::io_context& context) = 0;
  /// The same for a context of the plugin's own, asked while it runs.
  virtual bool own_runs() = 0;
};
