// A round of one lane: entries of some conversations, which is committed beside rounds of others.
#pragma once

#include <vector>

#include "messaging/sequencer.hpp"

namespace loft {

struct Core::LaneRound {
  LaneRound(Core& core, State& state, std::size_t number, std::vector<Entry> taken)
      : lane(number), entries(std::move(taken)), sequencer(core, state) {}

  std::size_t lane;
  std::vector<Entry> entries;
  Sequencer sequencer;
  Batch batch;          ///< of `sequencer`
  Position upto = 0;    ///< its last id
  bool stores = false;  ///< false: there is nothing to store, it only waits for its turn to be answered
};

}  // namespace loft
