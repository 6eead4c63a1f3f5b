// Brokers connect the hosts of a cluster. `broker.local` is the one for a single host.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/function.hpp>
#include <loft/id.hpp>
#include <loft/plugin.hpp>

namespace loft {

using UserIds = std::span<const UserId>;

/// What became of a delivery to other hosts.
enum class Reached : std::uint8_t {
  some,     ///< at least one other host has taken it
  none,     ///< no other host has these users
  unknown,  ///< no answer in time; treat as offline
};

/// Thread role: writer, unless said otherwise. Nothing here blocks. Order comes from `seq`, never from the broker.
class Broker : public Plugin {
 public:
  /// These users have sessions on this host now, or have none any more.
  virtual void announce(UserIds users) = 0;
  virtual void withdraw(UserIds users) = 0;

  /// Committed entries for users of other hosts. `envelope` is copied. `done` may come on any thread.
  virtual void deliver(UserIds users, Bytes envelope, Function<void(Reached)> done) = 0;

  /// To every other host.
  virtual void broadcast(std::string_view topic, Bytes message) = 0;
};

}  // namespace loft
