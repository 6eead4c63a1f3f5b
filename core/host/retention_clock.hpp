// What time it is for retention. A wrong clock is set right again, messages that were removed for it do not come back:
// this clock never jumps ahead, whatever the machine's does, and whatever ids were made by it meanwhile.
#pragma once

#include <memory>
#include <optional>

#include <loft/clock.hpp>
#include <loft/key_values.hpp>
#include <loft/log.hpp>
#include <loft/storage.hpp>

#include "messaging/core.hpp"

namespace loft {

/// Never ahead of the machine's clock. Where it is behind, it makes up a day in each hour that the host runs. Where it
/// has come is in the store (S17, space `host.retention`), so a restart is no jump; without that, it begins at most a
/// day behind the newest entry of the store. Thread role: one thread that may wait, between start and stop of Core.
class RetentionClock {
 public:
  RetentionClock(Core& core, Storage& storage, const Clock& clock, Logger& log);

  /// Milliseconds since 1970. Errors: the storage's, and those of writing to it; then nothing should be removed.
  Result<Millis> now();

 private:
  Result<void> begin();
  Result<void> remember();
  void tell(Millis behind);

  Storage& storage_;
  const Clock& clock_;
  Logger& log_;
  std::unique_ptr<KeyValues> kept_;
  std::optional<Millis> reached_;  ///< null: not begun
  Millis steady_ = 0;              ///< when that was
  Millis remembered_ = 0;          ///< what the store says
  bool is_behind_ = false;         ///< which the log has heard
};

}  // namespace loft
