// Erasing and exporting users, as commands of the control socket.
#pragma once

#include <string>
#include <string_view>

#include "messaging/erasure.hpp"
#include "messaging/export.hpp"

namespace loft {

/// Thread role of both commands: any that may wait. Lifetime: that of the core.
class PersonalData {
 public:
  /// During setup.
  PersonalData(Core& core, Storage& storage, Bus& bus, Logger& log)
      : core_(core), eraser_(core, storage, bus, log), exporter_(core, storage, bus) {}

  Eraser& eraser() noexcept { return eraser_; }

  /// `{"handle":"ann","dry_run":true}`: works for some seconds at most and says how far it has come; called again it
  /// goes on, until the answer says `"done":true`. Errors: Eraser's; invalid `control.arguments`.
  Result<std::string> erase(std::string_view arguments);

  /// `{"handle":"ann","received":true}`: the first page, `{"uid":1,"lines":[…],"next":{…},"more":true}`; the next one
  /// by `{"uid":1,"received":true,"next":{…}}`. Errors: Exporter's; not_found `user.unknown`; invalid
  /// `control.arguments`.
  Result<std::string> export_page(std::string_view arguments);

 private:
  Core& core_;
  Eraser eraser_;
  Exporter exporter_;
};

}  // namespace loft
