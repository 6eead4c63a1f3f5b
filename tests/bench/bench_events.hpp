#pragma once

#include <cstdint>

#include <loft/bus.hpp>

namespace loft::bench {

struct Tick : Fact {
  std::uint64_t* sum = nullptr;
};

struct Ask : Proposal {
  std::uint64_t* sum = nullptr;
};

}  // namespace loft::bench
