// Google's token endpoint and Firebase Cloud Messaging, as their documents describe them to servers.
#pragma once

#include <map>
#include <string>

#include "simulate/call.hpp"
#include "simulate/faults.hpp"
#include "simulate/push_file.hpp"

namespace loft::simulate {

struct GoogleRules {
  std::string project = "loft-simulated";
  std::string client_email, key_id;
  std::string public_key;  ///< PEM
  std::string token_uri;   ///< set once the port is known
  std::int64_t token_seconds = 3599;
  Millis slow = 5'000;
  Millis token_slow = 0;  ///< so long an access token takes
  std::string retry_after = "1";
};

/// Thread role: the one thread of the simulation. What it is given outlives it.
class GoogleSide {
 public:
  GoogleSide(GoogleRules& rules, Faults& faults, PushFile& file) : rules_(rules), faults_(faults), file_(file) {}

  Reply answer(const Call& call);

 private:
  Reply give_token(const Call& call);
  Reply send(const Call& call);
  Reply fault(const Fault& fault) const;
  bool is_authorized(const Call& call) const;

  const GoogleRules& rules_;
  Faults& faults_;
  PushFile& file_;
  std::map<std::string, Millis> tokens_;  ///< until when they are good
  std::uint64_t tokens_given_ = 0, messages_ = 0;
};

}  // namespace loft::simulate
