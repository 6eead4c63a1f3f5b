// The configuration reader, up to the host's settings.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/config.hpp"
#include "config/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  loft::config::Sources sources;
  sources.environment = {{"X", "value"}};
  // A byte decides whether the input also serves as an override: that path parses without places.
  if (size > 0 && data[0] % 8 == 0) sources.overrides.emplace_back(text.substr(1));
  const auto document = loft::config::Document::parse(text, "fuzz", sources);
  const auto settings = loft::config::read_settings(*document);
  static_cast<void>(loft::config::check_exposure(settings));
  static_cast<void>(loft::config::format(document->problems()));
  return 0;
}
