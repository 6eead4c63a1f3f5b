// A domain with an action, `acme.poll.vote`, for tests of contracts: what a client's vote is answered with, and what
// the others hear.
#pragma once

#include <string>

#include <loft/contract.hpp>

namespace loft::tests {

/// A bench over a ContractHost. Votes are answered by `acts().settle()`.
template <class Bench>
struct Voting : Bench {
  Voting() {
    this->host.previews.actions = {"acme.poll.vote"};
    acts().rule = [](const auto&) { return std::string(R"({"votes":3})"); };
  }
  auto& acts() { return this->host.previews.acts; }

  /// What is pushed when `actor` has voted on that message; `name`: of another signal.
  Encoded heard(const User& actor, const Conversation& in, MessageId message, Variant variant = 0,
                std::string name = "acme.poll.vote") const {
    Signal signal;
    signal.name = std::move(name);
    signal.data = R"({"votes":3})";
    signal.message = message;
    Delivery delivery;
    delivery.kind = Delivery::Kind::signal;
    delivery.signal = &signal;
    delivery.actor = &actor;
    delivery.conversation = &in;
    Encoded out;
    this->contract.encode(delivery, variant, out);
    return out;
  }
};

}  // namespace loft::tests
