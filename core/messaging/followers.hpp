// Runs the followers: each reads the committed order at its own pace, behind the message path.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <loft/bus.hpp>
#include <loft/log.hpp>
#include <loft/storage.hpp>

namespace loft {

class Followers {
 public:
  struct Row {
    FollowerSpec spec;
    FollowerFn consume;
  };

  /// `stable` gives the position up to which the order is complete. Thread role of all: control.
  Followers(std::vector<Row> rows, Storage& storage, Function<Position()> stable, Logger& log);
  ~Followers();

  void start();
  /// Waits for calls that are running. Idempotent.
  void stop();

 private:
  void run(Row& row);
  bool pause(std::chrono::milliseconds time);
  bool step(Row& row, Position& at);
  Position stable();

  std::vector<Row> rows_;
  Storage& storage_;
  Function<Position()> stable_;
  std::mutex stable_mutex_;
  Logger& log_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace loft
