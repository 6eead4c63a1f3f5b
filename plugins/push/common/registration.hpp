// What a channel says of devices that are about to be registered.
#pragma once

#include <string>
#include <utility>

#include <loft/push.hpp>

namespace loft::push {

/// Refuses devices of that channel of which `wrong(device)` says what is wrong; empty: nothing. It is for the client,
/// on the caller's I/O thread. Only in `setup`; what `wrong` holds outlives the host's bus.
template <class Wrong>
void check_devices(Host& host, std::string channel, Wrong wrong) {
  host.bus().intercept<RegisterDevice>(
      Stage::check, [channel = std::move(channel), wrong = std::move(wrong)](RegisterDevice& event) -> Verdict {
        if (event.device.channel != channel) return {};
        std::string detail = wrong(event.device);
        if (detail.empty()) return {};
        return Error{Code::invalid, "device.invalid", std::move(detail)};
      });
}

}  // namespace loft::push
