#include "host/retention_clock.hpp"

#include <algorithm>

#include <loft/json.hpp>

namespace loft {
namespace {

constexpr Millis day = 86'400'000;
constexpr Millis rate = 24;       // how much faster than the machine's it may go
constexpr Millis worth = 60'000;  // what is worth a write to the store
constexpr const char* key = "reached";

}  // namespace

RetentionClock::RetentionClock(Core& core, Storage& storage, const Clock& clock, Logger& log)
    : storage_(storage), clock_(clock), log_(log), kept_(core.key_values("host.retention")) {}

Result<Millis> RetentionClock::now() {
  if (!reached_) {
    if (auto begun = begin(); !begun) return begun.error();
  }
  const auto wall = clock_.now(), steady = clock_.steady();
  // A clock that is behind for a while does not take back what was reached.
  reached_ = std::max(*reached_, std::min(wall, *reached_ + rate * (steady - steady_)));
  steady_ = steady;
  tell(wall - *reached_);
  if (*reached_ - remembered_ >= worth) {
    if (auto kept = remember(); !kept) return kept.error();
  }
  return std::min(wall, *reached_);
}

Result<void> RetentionClock::begin() {
  const auto rows = kept_->read(key, "", 1);
  if (!rows) return rows.error();
  std::optional<std::int64_t> number;
  if (!rows->empty()) {
    if (const auto value = json::parse(rows->front().value)) number = value->integer();
  }
  if (number) {
    reached_ = remembered_ = *number;
  } else {
    const auto last = storage_.last_position();
    if (!last) return last.error();
    // A store that is new, or that no retention was ever applied to.
    reached_ = *last == 0 ? clock_.now() : std::min(clock_.now(), id::time_of(*last) + day);
  }
  steady_ = clock_.steady();
  return {};
}

Result<void> RetentionClock::remember() {
  std::vector<KeyChange> changes(1);
  changes[0].key = key;
  changes[0].value = std::to_string(*reached_);
  auto written = kept_->write(std::move(changes));
  if (written) remembered_ = *reached_;
  return written;
}

/// More than a day: the host was away for long, or the clock is wrong.
void RetentionClock::tell(Millis behind) {
  if (behind > day && !is_behind_) {
    log_.warn(
        "the clock is far ahead of when the store was last in use: is it right? Old messages are removed slowly "
        "until that is made up, a day in an hour",
        {{"clock_ms", clock_.now()}, {"ahead_hours", behind / 3'600'000}});
  }
  if (behind <= 0 && is_behind_) log_.info("old messages are removed by the clock again");
  if (behind > day || behind <= 0) is_behind_ = behind > 0;
}

}  // namespace loft
