#include "push/lane.hpp"

#include <algorithm>
#include <utility>

namespace loft::push {
namespace {

/// Our own words begin with `push.`.
bool is_providers(const PushVerdict& verdict) { return !verdict.reason.starts_with("push."); }

}  // namespace

ChannelLane::ChannelLane(std::string word, std::string plugin, Push& channel, const Rests& rests, const Clock& clock,
                         Logger& log, Meters& meters)
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
  return reason_.empty() ? window : 1;
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

Millis ChannelLane::rests() const {
  const std::lock_guard lock(mutex_);
  return std::max<Millis>(rests_until_ - clock_.steady(), 0);
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

bool ChannelLane::answered(const PushVerdict& verdict, std::uint64_t whom) {
  using Kind = PushVerdict::Kind;
  const std::lock_guard lock(mutex_);
  if (verdict.kind == Kind::broken) return refuses_us(verdict), false;
  if (verdict.kind == Kind::retry) return failed(verdict, whom);
  if (verdict.kind == Kind::accepted || is_providers(verdict)) works();  // a channel refuses without asking, too
  return true;
}

Millis ChannelLane::failing() const {
  const std::lock_guard lock(mutex_);
  return failing_now();
}

Millis ChannelLane::failing_now() const {
  return failing_since_ ? std::max<Millis>(clock_.steady() - *failing_since_, 1) : 0;
}

void ChannelLane::works() {
  if (clock_.steady() < rests_until_) return;  // it was under way before the provider failed
  if (!reason_.empty()) log_.info("a push channel works again", {{"channel", word_}, {"after_ms", failing_now()}});
  reason_.clear();
  broken_ = told_broken_ = false;
  pause_ = 0;
  failures_ = 0;
  failed_for_.clear();
  failing_since_.reset();
  resting_gauge_.set(0);
}

void ChannelLane::refuses_us(const PushVerdict& verdict) {
  const auto now = clock_.steady();
  ++failures_;
  if (!failing_since_) failing_since_ = now;
  if (broken_ && now < rests_until_) return;  // those that were under way together say it one after the other
  const bool tell = !std::exchange(told_broken_, true) || now - told_ >= rests_.reminder;
  if (tell) {
    told_ = now;
    log_.error(
        "a push channel is not trusted by its provider and rests; check its credentials, then see `loft check "
        "--online push`",
        {{"channel", word_}, {"reason", verdict.reason}, {"rests_ms", rests_.broken}, {"since_ms", failing_now()}});
  }
  rest(rests_.broken, verdict.reason, true);
}

/// Nothing came, or the provider says that it cannot now.
bool ChannelLane::failed(const PushVerdict& verdict, std::uint64_t whom) {
  const auto now = clock_.steady();
  const bool own = failures_ == 0;
  ++failures_;
  if (!failing_since_) failing_since_ = now;
  if (failed_for_.size() < rests_.devices) failed_for_.insert(whom);
  if (now < rests_until_) return own;
  const bool providers = !is_providers(verdict) || failed_for_.size() >= rests_.devices;
  if (reason_.empty() && (failures_ < rests_.patience || !providers)) return own;  // else it was a probe
  const bool begins = reason_.empty();
  if (begins || now - told_ >= rests_.reminder) {
    told_ = now;
    log_.warn(begins ? "a push provider fails; its channel rests, and what is owed waits"
                     : "a push provider still fails; its channel rests, and what is owed waits",
              {{"channel", word_}, {"reason", verdict.reason}, {"since_ms", failing_now()}});
  }
  pause_ = pause_ == 0 ? rests_.first : std::min(pause_ * 2, rests_.longest);
  rest(std::max(pause_, std::min(verdict.retry_after, rests_.longest_asked)), verdict.reason, false);
  return own;
}

void ChannelLane::rest(Millis time, const std::string& reason, bool broken) {
  rests_until_ = clock_.steady() + time;
  reason_ = reason.empty() ? "push.unreachable" : reason;
  broken_ = broken;
  resting_gauge_.set(1);
}

ChannelLane::State ChannelLane::state() const {
  const std::lock_guard lock(mutex_);
  return {in_flight_, std::max<std::size_t>(channel_.window(), 1), std::max<Millis>(rests_until_ - clock_.steady(), 0),
          reason_, broken_};
}

}  // namespace loft::push
