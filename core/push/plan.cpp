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
  for (const auto& each : other.history) {
    const auto mine = std::find_if(history.begin(), history.end(), [&](const Happening& one) {
      return one.what == each.what && one.detail == each.detail;
    });
    if (mine != history.end()) {
      if (each.last > mine->last) *mine = each;
    } else if (history.size() < most_happenings) {
      history.push_back(each);
    }
  }
}

void Plan::note(std::string_view what, std::string_view detail, Millis at) {
  for (auto& each : history) {
    if (each.what != what || each.detail != detail) continue;
    each.last = at;
    ++each.times;
    return;
  }
  if (history.size() >= most_happenings) {
    history.erase(std::min_element(history.begin(), history.end(),
                                   [](const Happening& a, const Happening& b) { return a.last < b.last; }));
  }
  history.push_back({std::string(what), std::string(detail), at, at, 1});
}

std::string Plan::encode() const {
  std::string out;
  if (outcomes.empty() && history.empty()) return out;
  json::Writer w(out);
  if (!history.empty()) {
    w.object().key("history").array();
    for (const auto& each : history) {
      w.object().key("what").string(each.what).key("detail").string(each.detail);
      w.key("first").number(each.first).key("last").number(each.last).key("times").number(each.times).end_object();
    }
    w.end_array().key("outcomes");
  }
  w.array();
  for (const auto& each : outcomes) {
    w.object().key("device").number(each.device).key("channel").string(each.channel);
    w.key("state").string(name(each.state)).key("tries").number(each.tries);
    if (each.excused != 0) w.key("excused").number(each.excused);
    if (each.due != 0) w.key("due").number(each.due);
    w.key("last").number(each.last).key("reason").string(each.reason).end_object();
  }
  w.end_array();
  if (!history.empty()) w.end_object();
  return out;
}

Plan Plan::decode(std::string_view text) {
  Plan plan;
  const auto parsed = json::parse(text);
  if (!parsed) return plan;
  const auto [history, outcomes] = pick<2>(*parsed, {"history", "outcomes"});
  history.elements([&](const json::Value& each) {
    const auto [what, detail, first, last, times] = pick<5>(each, {"what", "detail", "first", "last", "times"});
    if (plan.history.size() == most_happenings) return false;
    plan.history.push_back({own_text(what), own_text(detail), first.integer().value_or(0), last.integer().value_or(0),
                            static_cast<std::uint64_t>(times.integer().value_or(1))});
    return true;
  });
  // One without a history is a list.
  const auto& list = parsed->is(json::Type::object) ? outcomes : *parsed;
  list.elements([&](const json::Value& each) {
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
