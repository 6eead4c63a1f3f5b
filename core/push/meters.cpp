#include "push/meters.hpp"

#include <algorithm>

namespace loft::push {
namespace {

constexpr std::size_t most_reasons = 100;

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::string labelled(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + '"';
}

}  // namespace

std::string_view name(PushVerdict::Kind kind) noexcept {
  constexpr std::string_view names[] = {"accepted", "retry", "dead_token", "refused", "broken"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(PushState state) noexcept {
  constexpr std::string_view names[] = {"owed", "delivered", "silenced", "dead"};
  return names[static_cast<std::size_t>(state)];
}

Meters::Meters(Metrics& metrics)
    : metrics_(metrics),
      owed_(metrics.counter("push_owed_total", "Pushes that were stored to be sent.")),
      behind_(metrics.gauge("push_behind_ms", "How old the message was that push looked at last.")) {
  for (const auto state : {PushState::owed, PushState::delivered, PushState::silenced, PushState::dead}) queue(state);
  // Families that are shown before anything happens.
  ended(PushState::delivered, "");
  delayed("push.busy");
  passed_over("push.online");
}

std::string Meters::label(std::string_view reason) {
  if (reason.empty()) return "none";
  if (!is_word(reason)) return "other";
  const std::lock_guard lock(mutex_);
  if (reasons_.find(reason) != reasons_.end()) return std::string(reason);
  if (reasons_.size() >= most_reasons) return "other";
  return *reasons_.emplace(reason).first;
}

Metric& Meters::counter(std::string_view name, std::string_view help, const std::string& labels) {
  return metrics_.counter(name, help, labels);
}

Metric& Meters::passed_over(std::string_view reason) {
  return counter("push_passed_over_total", "Recipients of messages to whom no push was owed.",
                 labelled("reason", label(reason)));
}

void Meters::answered(std::string_view channel, PushVerdict::Kind kind, std::string_view reason) {
  counter("push_answers_total", "What providers said of notifications.",
          labelled("channel", channel) + "," + labelled("result", name(kind)) + "," +
              labelled("reason", label(kind == PushVerdict::Kind::accepted ? std::string_view() : reason)))
      .add();
}

Metric& Meters::ended(PushState state, std::string_view reason) {
  return counter("push_finished_total", "Pushes that came to their end.",
                 labelled("state", name(state)) + "," + labelled("reason", label(reason)));
}

Metric& Meters::delayed(std::string_view reason) {
  return counter("push_put_off_total", "Pushes that are to be tried later.", labelled("reason", label(reason)));
}

Metric& Meters::in_flight(std::string_view channel) {
  return metrics_.gauge("push_in_flight", "Notifications that a provider has not answered yet.",
                        labelled("channel", channel));
}

Metric& Meters::resting(std::string_view channel) {
  return metrics_.gauge("push_channel_resting", "1 while a channel rests, because its provider fails or refuses us.",
                        labelled("channel", channel));
}

Metric& Meters::queue(PushState state) {
  return metrics_.gauge("push_queue", "Pushes in the ledger.", labelled("state", name(state)));
}

}  // namespace loft::push
