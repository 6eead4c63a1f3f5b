// A world whose users can be erased and exported, with a plugin that is asked about each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messaging/erasure.hpp"
#include "messaging/export.hpp"
#include "shorthand.hpp"

namespace loft::tests {

struct Erasing {
  World world;
  std::optional<Eraser> eraser;
  std::optional<Exporter> exporter;
  std::vector<EraseUser> asked;
  int refusals = 0;

  explicit Erasing(CoreOptions options = {}) : world(options) {
    world.host.bus().intercept<EraseUser>(Stage::policy, [this](EraseUser& event) -> Verdict {
      asked.push_back(event);
      event.removed("test rows", 3);
      if (refusals > 0) {
        --refusals;
        return Verdict::refuse(Code::unavailable, "test.refuses");
      }
      return Verdict::pass();
    });
    world.host.bus().intercept<ExportUser>(Stage::policy, [](ExportUser& event) {
      event.add("test.kept", R"({"a":1})");
      return Verdict::pass();
    });
    begin();
  }
  void begin() {
    if (world.core == nullptr) world.begin();
    eraser.emplace(*world.core, world.used_storage, world.host.bus(), world.host.log());
    exporter.emplace(*world.core, world.used_storage, world.host.bus());
  }
  ErasureReport erase(const std::string& handle) {
    for (;;) {
      const auto report = eraser->erase(handle, 0);
      REQUIRE(reason_of(report) == "ok");
      world.settle();
      if (report->done) return *report;
    }
  }
  User stored(UserId id) { return **world.used_storage.user_by_id(id); }
};

}  // namespace loft::tests
