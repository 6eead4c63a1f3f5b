// Lanes: where the storage has several writers and much waits, conversations are dealt out over them, so that their
// rounds are written beside each other. A round of a lane is drafted and becomes true on the committer's thread, as any
// other; only the storage works on it elsewhere. What makes that sound:
//
// - A conversation belongs to one lane, and of each lane one round is under way. So what is drafted stands on what is
//   in memory, though the rounds before it are not true yet.
// - Only what concerns one conversation that is in memory goes into a lane, and no client id that is under way. All
//   else waits for a round of all, and what came after it waits with it.
// - Rounds end, in the storage and here, in the order in which they were drafted: positions stay one order.
// - Of one session nothing is taken behind an entry that waits for its lane: answers keep their order.
// - A round of a lane knows only the good way. When one is not stored, its entries and those of the rounds behind it
//   go back to where they came from and are done in a round of all (committer.cpp), which learns and asks.
#include <algorithm>

#include <boost/unordered/unordered_flat_set.hpp>

#include "messaging/commit_lanes.hpp"
#include "messaging/lane_round.hpp"

namespace loft {
namespace {

/// Only the end of a round makes more of them possible.
constexpr std::size_t never = ~std::size_t{0};
/// After a round that could not be written beside others the next ones are not tried, milliseconds.
constexpr Millis lanes_rest = 10'000;

std::uint64_t session_of(const Caller& caller) noexcept { return caller.session << 8 | caller.thread; }

/// The only conversation that an act concerns; none: there are several.
ConversationId lone_conversation(const MarkEntry& mark) {
  auto found = ConversationId::none;
  const auto add = [&](ConversationId id) {
    if (found != ConversationId::none && found != id) return false;
    found = id;
    return true;
  };
  for (const auto& target : mark.targets) {
    if (!add(target.conversation)) return ConversationId::none;
  }
  for (const auto& span : mark.spans) {
    if (!add(span.in->id())) return ConversationId::none;
  }
  return found;
}

const std::optional<ClientKey>& key_of(const Entry& entry) noexcept {
  static constexpr std::optional<ClientKey> none;
  const auto* submit = std::get_if<SubmitEntry>(&entry.what);
  return submit != nullptr ? submit->key() : none;
}

}  // namespace

void Core::take_waiting() {
  std::lock_guard lock(queue_mutex_);
  if (backlog_.empty()) return backlog_.swap(queue_);
  std::move(queue_.begin(), queue_.end(), std::back_inserter(backlog_));
  queue_.clear();
}

// With the committer's role. Returns with nothing under way, when what waits is for a round of all.
void Core::commit_in_lanes() {
  if (clock_.steady() < lanes_rest_until_) return;
  all_due_ = false;
  for (;;) {
    take_waiting();
    const auto missing = fill_lanes();
    if (under_way_.empty()) return;
    {
      std::unique_lock lock(queue_mutex_);
      worth_waking_ = missing;
      queue_filled_.wait(lock, [&] { return has_first_ended() || queue_.size() >= worth_waking_; });
      worth_waking_ = 1;
    }
    while (has_first_ended()) {
      if (!end_first()) return;
    }
    if (is_lane_free(0)) forget_client_keys();  // it has the writer of that lane
  }
}

bool Core::is_lane_free(std::size_t lane) const {
  return std::none_of(under_way_.begin(), under_way_.end(), [&](const auto& round) { return round->lane == lane; });
}

/// Begins what can go now, and returns how many more entries are worth another look. Whoever is first in the queue is
/// passed over only while its lane or its client id is under way: when that has ended and too little waits beside it,
/// no round begins before all have ended, and then one of all.
std::size_t Core::fill_lanes() {
  if (all_due_ || clock_.steady() >= next_eviction_ || !has_ids()) return never;
  while (under_way_.size() < lanes_->count()) {
    if (backlog_.size() < options_.lane_entries) return options_.lane_entries - backlog_.size();
    LaneOf first;
    {
      std::lock_guard lock(state_.mutex);
      first = lane_of(backlog_.front());
    }
    if (first.kind == LaneOf::Kind::all) return never;
    auto lane = first.lane;
    while (!is_lane_free(lane)) lane = (lane + 1) % lanes_->count();
    // A round is to be worth its transaction: beside a large one, and where one of all would take more.
    const auto others = under_way_.empty() ? std::min(backlog_.size(), options_.batch_entries) / (2 * lanes_->count())
                                           : under_way_.back()->entries.size() / 2;
    const auto enough = std::max(options_.lane_entries, others);
    const auto chosen = choose(lane);
    if (chosen.size() < enough) return enough - chosen.size();
    if (!begin_lane_round(lane, take_chosen(chosen))) {
      all_due_ = true;
      return never;
    }
  }
  return never;
}

Core::LaneOf Core::lane_of(const Entry& entry) const {
  using Kind = LaneOf::Kind;
  const ConversationState* conversation = nullptr;
  const UserView* view = nullptr;
  bool marks = false;
  if (const auto* submit = std::get_if<SubmitEntry>(&entry.what)) {
    if (submit->rest != nullptr && submit->rest->refused) return {Kind::any};
    if (submit->rest != nullptr && !submit->rest->state.empty()) return {Kind::all};
    if (submit->peer != nullptr) {
      conversation = state_.find_pair(std::minmax(submit->sender->id, submit->peer->id));
    } else if (submit->rest->topic.empty()) {
      const auto& to = submit->rest->to;
      if (to.by == ConversationRef::By::id)
        conversation = state_.find(static_cast<ConversationId>(to.number));
      else if (to.by == ConversationRef::By::handle || to.by == ConversationRef::By::handle_or_id)
        conversation = state_.find_handle(to.text);
    }
  } else if (const auto* recall = std::get_if<Boxed<RecallEntry>>(&entry.what)) {
    conversation = state_.find((**recall).record.message->conversation);
  } else if (const auto* proven = std::get_if<ProvenEntry>(&entry.what)) {
    conversation = state_.find(proven->conversation);
    view = state_.view(proven->user);
    marks = true;
  } else if (const auto* mark = std::get_if<Boxed<MarkEntry>>(&entry.what); mark != nullptr && !(**mark).everywhere) {
    conversation = state_.find(lone_conversation(**mark));
    view = state_.view((**mark).actor->id);
    marks = true;
  }
  if (conversation == nullptr || !conversation->members_loaded || (marks && view == nullptr)) return {};
  // A mark in a broadcast may make a row of its member.
  const auto kind = conversation->info->kind;
  if (kind != ConversationKind::direct && kind != ConversationKind::group) return {};
  return {Kind::one, (raw(conversation->id()) * 0x9E3779B97F4A7C15ull >> 32) % lanes_->count()};
}

bool Core::is_key_under_way(const Entry& entry) const {
  const auto& key = key_of(entry);
  return key && std::any_of(under_way_.begin(), under_way_.end(),
                            [&](const auto& round) { return round->sequencer.has_key(*key); });
}

/// What of the backlog goes into a round of a lane.
std::vector<std::uint32_t> Core::choose(std::size_t lane) {
  std::vector<std::uint32_t> chosen;
  boost::unordered_flat_set<std::uint64_t> waiting;  // sessions
  std::lock_guard lock(state_.mutex);
  for (std::size_t i = 0; i < backlog_.size() && chosen.size() < options_.batch_entries; ++i) {
    const auto& entry = backlog_[i];
    const auto session = session_of(entry.caller);
    const bool has_session = entry.caller.session != 0;
    const auto place = lane_of(entry);
    if (place.kind == LaneOf::Kind::all) break;
    const bool goes = (place.kind == LaneOf::Kind::any || place.lane == lane) &&
                      !(has_session && waiting.contains(session)) && !is_key_under_way(entry);
    if (goes)
      chosen.push_back(static_cast<std::uint32_t>(i));
    else if (has_session)
      waiting.insert(session);
  }
  return chosen;
}

std::vector<Entry> Core::take_chosen(const std::vector<std::uint32_t>& chosen) {
  std::vector<Entry> taken;
  taken.reserve(chosen.size());
  auto next = chosen.begin();
  auto kept = backlog_.begin();
  for (std::size_t i = 0; i < backlog_.size(); ++i) {
    if (next != chosen.end() && *next == i) {
      taken.push_back(std::move(backlog_[i]));
      ++next;
      continue;
    }
    if (&*kept != &backlog_[i]) *kept = std::move(backlog_[i]);
    ++kept;
  }
  backlog_.erase(kept, backlog_.end());
  return taken;
}

/// False: it cannot be done in a lane, and its entries are the first of the backlog again.
bool Core::begin_lane_round(std::size_t lane, std::vector<Entry> entries) {
  auto round = std::make_unique<LaneRound>(*this, state_, lane, std::move(entries));
  prepare(round->entries);
  ask_receivers(round->entries);
  auto& sequencer = round->sequencer;
  sequencer.reserve(round->entries.size());
  {
    std::unique_lock lock(state_.mutex);
    for (auto& entry : round->entries) sequencer.take(entry, lock);
  }
  // Only the storage knows whether some of them are repeats, and it is asked when nothing else is under way.
  if (!sequencer.doubtful().empty()) {
    backlog_.insert(backlog_.begin(), std::make_move_iterator(round->entries.begin()),
                    std::make_move_iterator(round->entries.end()));
    return false;
  }
  round->stores = !sequencer.changes_nothing();
  if (round->stores) give_position();
  round->upto = ids_.last();
  if (round->stores) {
    round->batch = sequencer.batch();
    lanes_->begin(lane, round->batch);
  }
  under_way_.push_back(std::move(round));
  return true;
}

bool Core::has_first_ended() const {
  return !under_way_.empty() && (!under_way_.front()->stores || lanes_->has_oldest_ended());
}

/// False: it is not stored, and nothing is under way any more.
bool Core::end_first() {
  auto& round = *under_way_.front();
  if (round.stores) {
    auto end = lanes_->end_oldest();
    commit_took_ = static_cast<std::size_t>(end.took);
    if (!end.stored()) {
      give_back(std::move(end));
      return false;
    }
  }
  Outbound out(threads_.count());
  carry_out(round.sequencer, round.entries, round.upto, out, lane_rounds_total_);
  hand_back(out);
  answered(round.entries);
  under_way_.pop_front();
  return true;
}

/// The first round under way is not stored, or nobody knows: those behind it are not.
void Core::give_back(CommitLanes::End end) {
  const auto failed = std::move(under_way_.front());
  under_way_.pop_front();
  const bool in_doubt = end.had_turn && !end.result;
  if (!end.had_turn && (!end.result || end.result->empty())) {
    log_.warn("a batch could not be written beside others; one writer works alone for a while",
              {{"reason", end.result ? "it waited too long for its turn" : end.result.error().reason},
               {"milliseconds", lanes_rest}});
    lanes_rest_until_ = clock_.steady() + lanes_rest;
  }
  std::vector<Entry> again;
  const auto add = [&](LaneRound& round) {
    std::move(round.entries.begin(), round.entries.end(), std::back_inserter(again));
  };
  if (!in_doubt) {
    if (end.result) learn(*end.result, failed->sequencer);
    add(*failed);
  }
  for (; !under_way_.empty(); under_way_.pop_front()) {
    if (under_way_.front()->stores) lanes_->end_oldest();
    add(*under_way_.front());
  }
  backlog_.insert(backlog_.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
  if (!in_doubt) return;
  Outbound out(threads_.count());
  bool told = false;
  auto& entries = failed->entries;
  if (survives(failed->sequencer, entries, failed->upto, end.result.error(), end.took, out, told))
    carry_out(failed->sequencer, entries, failed->upto, out, lane_rounds_total_);
  hand_back(out);
  if (!told) answered(entries);
}

}  // namespace loft
