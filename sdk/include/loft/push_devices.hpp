// Where users can be reached: how a contract has the host register a device, and remove one.
//
// The host's own interceptors are the last of their chains: what passed every other one is done when the proposal has
// passed. So `Proposer<RegisterDevice>::propose` registers, and its verdict says what came of it. Errors besides those
// of interceptors: unavailable `push.no_ledger` (the storage keeps no devices); invalid `device.invalid`; the
// storage's.
#pragma once

#include <cstddef>

#include <loft/push.hpp>

namespace loft {

/// Devices of the caller's are about to be removed: that of `token` in `channel`, or all that call themselves `client`.
/// Thread role: the caller's I/O thread.
struct UnregisterDevice : Proposal {
  Caller caller;
  std::string channel;      ///< empty: whichever
  std::string token;        ///< empty: by `client`
  std::string client;       ///< empty: by `token`
  std::size_t removed = 0;  ///< filled in by the host
};

/// The bytes of a device's texts: a token is longer than any other.
inline constexpr std::size_t max_device_token = 4096;
inline constexpr std::size_t max_device_text = 200;

}  // namespace loft
