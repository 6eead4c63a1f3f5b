#include "push/lane.hpp"

#include <algorithm>

namespace loft::push {
namespace {

/// Whether the provider itself said something: our own words begin with `push.`.
bool is_answer(const PushVerdict& verdict) {
  return verdict.kind != PushVerdict::Kind::retry || !verdict.reason.starts_with("push.");
}

}  // namespace

ChannelLane::ChannelLane(std::string word, std::string plugin, Push& channel, const Rests& rests, const Clock& clock, Logger& log,
           Meters& meters)
    : word_(std::move(word)),
      plugin_(std::move(plugin)),
      channel_(channel),
      rests_(rests),
      clock_(clock),
      log_(log),
      meters_(meters),
      in_flight_gauge_(meters.in_flight(word_)),
      resting_gauge_(meters.resting(word_)) {}

std::size_t ChannelLane::most() const noexcept {
  const auto window = std::max<std::size_t>(channel_.window(), 1);
  return reason_.empty() ? window : std::min(window, rests_.probes);
}

ChannelLane::Room ChannelLane::take() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  if (now < rests_until_) return {false, rests_until_ - now};
  if (in_flight_ >= most()) return {};
  ++in_flight_;
  in_flight_gauge_.set(static_cast<std::int64_t>(in_flight_));
  return {true, 0};
}

void ChannelLane::release() {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  in_flight_gauge_.set(static_cast<std::int64_t>(in_flight_));
}

std::size_t ChannelLane::room() const {
  const std::lock_guard lock(mutex_);
  if (clock_.steady() < rests_until_) return 0;
  return most() > in_flight_ ? most() - in_flight_ : 0;
}

void ChannelLane::send(const Notification& notification, Function<void(PushVerdict)> done) {
  const std::lock_guard lock(sending_);
  channel_.send(notification, std::move(done));
}

void ChannelLane::rest(Millis time, const std::string& reason, bool broken) {
  rests_until_ = clock_.steady() + time;
  reason_ = reason.empty() ? "push.unreachable" : reason;
  broken_ = broken;
  resting_gauge_.set(1);
}

void ChannelLane::answered(const PushVerdict& verdict) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  in_flight_gauge_.set(static_cast<std::int64_t>(in_flight_));
  if (verdict.kind == PushVerdict::Kind::broken) {
    // Those that were under way together say it one after the other.
    if (!broken_ || clock_.steady() >= rests_until_) {
      log_.error(
          "a push channel is not trusted by its provider and rests; check its credentials, then see `loft check "
          "--online push`",
          {{"channel", word_}, {"reason", verdict.reason}, {"rests_ms", rests_.broken}});
      rest(rests_.broken, verdict.reason, true);
    }
    return;
  }
  if (is_answer(verdict)) {
    if (!reason_.empty() && clock_.steady() >= rests_until_) {
      log_.info("a push channel works again", {{"channel", word_}});
      reason_.clear();
      broken_ = false;
      pause_ = 0;
      resting_gauge_.set(0);
    }
    unanswered_ = 0;
    return;
  }
  const bool probing = !reason_.empty() && clock_.steady() >= rests_until_;
  if (++unanswered_ < rests_.patience && !probing) return;
  if (clock_.steady() < rests_until_) return;
  if (pause_ == 0) {
    log_.warn("a push provider does not answer; its channel rests, and what is owed waits",
              {{"channel", word_}, {"reason", verdict.reason}});
  }
  pause_ = pause_ == 0 ? rests_.first : std::min(pause_ * 2, rests_.longest);
  unanswered_ = 0;
  rest(pause_, verdict.reason, false);
}

ChannelLane::State ChannelLane::state() const {
  const std::lock_guard lock(mutex_);
  return {in_flight_, std::max<std::size_t>(channel_.window(), 1), std::max<Millis>(rests_until_ - clock_.steady(), 0),
          reason_, broken_};
}

}  // namespace loft::push
