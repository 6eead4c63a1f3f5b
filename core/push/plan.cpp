#include "push/plan.hpp"

#include <algorithm>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

namespace loft::push {
namespace {

constexpr std::string_view names[] = {"open",     "accepted", "refused",  "dead",
                                      "silenced", "spent",    "rerouted", "covered"};

}  // namespace

std::string_view name(Outcome::State state) noexcept { return names[static_cast<std::size_t>(state)]; }

Outcome& Plan::of(std::uint64_t device, std::string_view channel) {
  if (const auto* known = find(device, channel)) return outcomes[static_cast<std::size_t>(known - outcomes.data())];
  auto& made = outcomes.emplace_back();
  made.device = device;
  made.channel = channel;
  return made;
}

bool Plan::has(Outcome::State state) const noexcept {
  return std::any_of(outcomes.begin(), outcomes.end(), [&](const Outcome& each) { return each.state == state; });
}

const Outcome* Plan::find(std::uint64_t device, std::string_view channel) const noexcept {
  for (const auto& outcome : outcomes) {
    if (outcome.device == device && outcome.channel == channel) return &outcome;
  }
  return nullptr;
}

const Outcome* Plan::next() const noexcept {
  const Outcome* first = nullptr;
  for (const auto& each : outcomes) {
    if (each.device != 0 && each.is_open() && (first == nullptr || each.due < first->due)) first = &each;
  }
  return first;
}

void Plan::learn(const Plan& other) {
  for (const auto& each : other.outcomes) {
    auto& mine = of(each.device, each.channel);
    if (mine.is_open() && (!each.is_open() || each.last >= mine.last)) mine = each;
  }
}

std::string Plan::encode() const {
  std::string out;
  if (outcomes.empty()) return out;
  json::Writer w(out);
  w.array();
  for (const auto& each : outcomes) {
    w.object().key("device").number(each.device).key("channel").string(each.channel);
    w.key("state").string(name(each.state)).key("tries").number(each.tries);
    if (each.excused != 0) w.key("excused").number(each.excused);
    if (each.due != 0) w.key("due").number(each.due);
    w.key("last").number(each.last).key("reason").string(each.reason).end_object();
  }
  w.end_array();
  return out;
}

Plan Plan::decode(std::string_view text) {
  Plan plan;
  const auto parsed = json::parse(text);
  if (!parsed) return plan;
  parsed->elements([&](const json::Value& each) {
    const auto [device, channel, state, tries, excused, due, last, reason] =
        pick<8>(each, {"device", "channel", "state", "tries", "excused", "due", "last", "reason"});
    const auto word = own_text(state);
    const auto found = std::find(std::begin(names), std::end(names), word);
    if (!device.integer() || found == std::end(names)) return true;
    auto& outcome = plan.outcomes.emplace_back();
    outcome.device = static_cast<std::uint64_t>(*device.integer());
    outcome.channel = own_text(channel);
    outcome.state = static_cast<Outcome::State>(found - std::begin(names));
    outcome.tries = static_cast<std::uint32_t>(tries.integer().value_or(0));
    outcome.excused = static_cast<std::uint32_t>(excused.integer().value_or(0));
    outcome.due = due.integer().value_or(0);
    outcome.last = last.integer().value_or(0);
    outcome.reason = own_text(reason);
    return true;
  });
  return plan;
}

}  // namespace loft::push
