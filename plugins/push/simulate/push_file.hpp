// What the simulated providers accepted, one JSON object a line.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

namespace loft::simulate {

/// Thread role: the one thread of the simulation. Each line is in the file when its push is answered.
class PushFile {
 public:
  /// Appends. Throws std::runtime_error.
  explicit PushFile(const std::string& path) : out_(path, std::ios::app) {
    if (!out_) throw std::runtime_error(path + " cannot be written");
  }
  void write(const std::string& json) { out_ << json << '\n' << std::flush; }

 private:
  std::ofstream out_;
};

}  // namespace loft::simulate
