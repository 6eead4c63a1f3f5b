// The options of channels that speak HTTP/2 to their provider.
#pragma once

#include <string>

#include <loft/options.hpp>
#include <loft/plugin.hpp>

#include "common/courier.hpp"

namespace loft::push {

struct HttpOptions {
  std::string ca_file;
  std::size_t connections = 1;
  std::size_t window = 500;
  Millis timeout = 20'000;

  void add_to(OptionTable& table);
  CourierSettings courier(Logger& log) const;  ///< `log` outlives it
  /// What a channel says as `Push::longest`: a second and a third attempt have what is left of `timeout`, or a second.
  Millis longest() const noexcept { return timeout + 5'000; }
};

/// Nothing, or why `url` is no address of a provider. `option` is the option's name.
Result<void> check_endpoint(const std::string& option, const std::string& url);

}  // namespace loft::push
