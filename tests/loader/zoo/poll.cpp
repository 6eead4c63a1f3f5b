// Handles events that the core does not know, and publishes one.
#include "poll.hpp"

#include <optional>
#include <stdexcept>

#include "zoo.hpp"

namespace {

class Poll final : public loft::Plugin {
 public:
  void setup(loft::Host& host) override {
    closed_.emplace(host.bus());
    host.bus().intercept<acme::ClosePoll>(loft::Stage::rewrite, [](acme::ClosePoll& poll) {
      poll.question += '?';
      return loft::Verdict::pass();
    });
    host.bus().intercept<acme::ClosePoll>(loft::Stage::policy, [this](acme::ClosePoll& poll) {
      if (poll.votes < 0) throw std::out_of_range("votes below zero");
      if (poll.votes == 0) return loft::Verdict::refuse(loft::Code::conflict, "poll.empty");
      acme::PollClosed fact;
      fact.question = poll.question;
      (*closed_)(fact);
      return loft::Verdict::pass();
    });
  }

 private:
  std::optional<loft::Publisher<acme::PollClosed>> closed_;
};

}  // namespace

LOFT_PLUGIN(Poll, ZOO_ID, "1", "Events of a third party")
