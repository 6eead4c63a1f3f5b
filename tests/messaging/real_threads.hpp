// Threads for messaging that are threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "messaging/core.hpp"

namespace loft::tests {

/// Real threads: each I/O thread runs its posts and then ends its turn.
class RealThreads final : public Threads {
 public:
  RealThreads(unsigned io, unsigned pool) : queues_(io + 1) {
    for (unsigned i = 0; i <= io; ++i) queues_[i] = std::make_unique<Queue>();
    io_ = io;
    pool_ = pool;
  }
  ~RealThreads() override { stop(); }

  void start(Core& core) {
    for (unsigned i = 0; i < io_; ++i)
      threads_.emplace_back([this, &core, i] { run(*queues_[i], [&core, i] { core.turn_end(i); }); });
    for (unsigned i = 0; i < pool_; ++i) threads_.emplace_back([this] { run(*queues_[io_], [] {}); });
  }
  void stop() {
    for (auto& queue : queues_) {
      {
        const std::lock_guard lock(queue->mutex);
        queue->stopping = true;
      }
      queue->filled.notify_all();
    }
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  unsigned count() const noexcept override { return io_; }
  void post(unsigned thread, Function<void()> work) override { give(*queues_.at(thread), std::move(work)); }
  bool run_blocking(Function<void()> work) override {
    give(*queues_[io_], std::move(work));
    return true;
  }

 private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<Function<void()>> work;
    bool stopping = false;
  };
  static void give(Queue& queue, Function<void()> work) {
    {
      const std::lock_guard lock(queue.mutex);
      queue.work.push_back(std::move(work));
    }
    queue.filled.notify_one();
  }
  template <class F>
  static void run(Queue& queue, F turn_end) {
    for (;;) {
      Function<void()> work;
      {
        std::unique_lock lock(queue.mutex);
        queue.filled.wait(lock, [&] { return queue.stopping || !queue.work.empty(); });
        if (queue.work.empty()) return;
        work = std::move(queue.work.front());
        queue.work.pop_front();
      }
      work();
      work = nullptr;
      turn_end();
    }
  }

  std::vector<std::unique_ptr<Queue>> queues_;
  std::vector<std::thread> threads_;
  unsigned io_ = 0, pool_ = 0;
};

}  // namespace loft::tests
