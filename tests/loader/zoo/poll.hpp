// Events of a third party: the header is all that the plugin and its users share.
#pragma once

#include <string>

#include <loft/bus.hpp>

namespace acme {

struct ClosePoll : loft::Proposal {
  std::string question;
  int votes = 0;
};

struct PollClosed : loft::Fact {
  std::string question;
};

}  // namespace acme
