// Faults that are asked for: by the beginning of a device token, or by chance.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>

#include "simulate/call.hpp"

namespace loft::simulate {

struct Fault {
  enum class Kind : std::uint8_t { status, drop, goaway, slow, hang, freeze };
  Kind kind = Kind::status;
  unsigned status = 0;
  std::string reason;          ///< the provider's word; empty: the usual one of that status
  std::int64_t timestamp = 0;  ///< of a 410: milliseconds since 1970; 0: now
};

/// What a fault makes of an answer. `refuse`: the provider's own words for a status. With `slow` it is as it would be
/// without.
Reply played(const Fault& fault, const std::string& retry_after, const std::function<Reply()>& refuse);

/// Thread role: the one thread of the simulation.
class Faults {
 public:
  explicit Faults(std::uint64_t seed) : chance_(seed) {}

  /// `NAME=PERCENT`, NAME as in a token. Error: invalid, with the detail for the operator.
  Result<void> add_chance(std::string_view text);

  /// What is to happen to a request for that device token. Tokens begin with `NAME-` or `NAMExCOUNT-`, the latter for
  /// only so many times; NAME is `drop`, `goaway`, `slow`, `hang`, `freeze`, `STATUS`, `410tMILLIS` or
  /// `STATUS-REASON`.
  std::optional<Fault> at(const std::string& token);

  /// Whether the token asks for a fault: such a one may have any form.
  static bool is_asked(std::string_view token);

 private:
  struct Asked {
    Fault fault;
    std::uint64_t times = 0;  ///< 0: always
  };
  struct Chance {
    Fault fault;
    double share;
  };
  static std::optional<Asked> parse(std::string_view token);

  std::mt19937_64 chance_;
  std::vector<Chance> chances_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace loft::simulate
