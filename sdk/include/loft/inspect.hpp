// What the host says of itself, for the plugin that serves the internal listener.
#pragma once

#include <string>
#include <vector>

namespace loft {

/// Thread role: any; quick. Lifetime: the host's.
class Inspector {
 public:
  virtual ~Inspector() = default;

  /// Prometheus text exposition, format 0.0.4.
  virtual std::string metrics() const = 0;

  /// Whether the I/O threads' loops have turned lately.
  virtual bool alive() const = 0;

  /// One part of readiness. `state` is `ok` or says what is wrong.
  struct Part {
    std::string name;
    std::string state;
    bool ready = true;  ///< false: the host as a whole is not ready
  };
  virtual std::vector<Part> readiness() const = 0;
};

}  // namespace loft
