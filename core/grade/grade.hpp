// `loft plugins check`: grades one plugin file without a server around it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <loft/clock.hpp>

namespace loft::grade {

/// What one look came to.
struct Finding {
  enum class Kind : std::uint8_t {
    good,
    bad,
    passed_over,  ///< could not be looked at; the detail says why
  };
  std::string check;  ///< `gate`, `life cycle`, …; with the case's or the option's name behind a colon
  Kind kind = Kind::good;
  std::string detail;  ///< what was seen or measured; of a bad one also what mends it
};
using Findings = std::vector<Finding>;

struct Request {
  std::string file;          ///< of the plugin
  std::string cases;         ///< a file of cases for its domains; empty: none
  unsigned cycles = 1000;    ///< lives in the leak check
  Millis patience = 60'000;  ///< for each check
};

/// Every check in a process of its own, so that a crash or a hang is a finding. Thread role: the only thread.
Findings grade(const Request& request);

/// Runs `look` in a process of its own; what it returns, or that it crashed, threw or did not end.
Findings apart(const std::string& check, Millis patience, const std::function<Findings()>& look);

}  // namespace loft::grade
