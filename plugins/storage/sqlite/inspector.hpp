// Reads through the whole database after an unclean stop, in the background.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "connection.hpp"

namespace loft::storage {

class Inspector {
 public:
  ~Inspector() { stop(); }

  /// `finished` hears the damage, empty for none, on the inspector's thread; not when it was stopped.
  void start(std::string path, Tuning tuning, std::function<void(const std::string& damage)> finished);
  /// Ends at once, wherever it is.
  void stop() noexcept;
  bool running() const noexcept { return running_; }

 private:
  void run(const std::string& path, const Tuning& tuning, const std::function<void(const std::string&)>& finished);
  std::string check(Connection& db);

  std::thread thread_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace loft::storage
