// Apple's push service, as its documents describe it to providers.
#pragma once

#include <string>
#include <vector>

#include "simulate/call.hpp"
#include "simulate/faults.hpp"
#include "simulate/push_file.hpp"

namespace loft::simulate {

struct ApnsRules {
  std::string key_id, team_id;
  std::vector<std::string> topics;  ///< bundle ids
  std::string public_key;           ///< PEM
  Millis slow = 5'000;
  std::string retry_after = "1";
};

/// Thread role: the one thread of the simulation. What it is given outlives it.
class ApnsSide {
 public:
  ApnsSide(ApnsRules rules, Faults& faults, PushFile& file) : rules_(std::move(rules)), faults_(faults), file_(file) {}

  Reply answer(const Call& call);

 private:
  Reply fault(const Fault& fault) const;
  std::string check_token(const Call& call) const;
  std::string check_headers(const Call& call) const;

  const ApnsRules rules_;
  Faults& faults_;
  PushFile& file_;
};

}  // namespace loft::simulate
