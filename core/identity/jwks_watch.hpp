// Keys that issuers publish at a URL: asked for at start, again and again, and sooner when a token names one that is
// not known yet. The last good set is used for as long as its issuer does not answer.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <loft/log.hpp>
#include <loft/metrics.hpp>

#include "identity/fetch.hpp"
#include "identity/key_ring.hpp"

namespace loft::identity {

struct PublishedKeys {
  std::string url;
  FetchOptions fetch;
  std::optional<Algorithm> algorithm;
  Millis refresh = 10 * 60'000;
  Millis refresh_unknown = 30'000;
  std::size_t source = 0;  ///< in the ring
};

/// Has a thread of its own, which does all the waiting. Thread role: control, unless said otherwise.
class JwksWatch {
 public:
  /// `ring`, `log` and `metrics` outlive it.
  JwksWatch(std::vector<PublishedKeys> sources, KeyRing& ring, Logger& log, Metrics& metrics);
  ~JwksWatch();

  /// A token names a key that nobody knows: asks again, where the last time is not too near. Thread role: any; quick.
  void unknown();

  struct State {
    std::string text;    ///< `ok`, or what is wrong with which URL
    bool usable = true;  ///< every source has had keys
  };
  /// Thread role: any.
  State state() const;

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Source {
    PublishedKeys what;
    Moment due;
    Moment asked;  ///< when the latest attempt ended
    bool was_asked = false;
    bool has_keys = false;
    std::size_t keys = 0;
    std::string failure;  ///< of the latest attempt; empty: it went well
    std::vector<std::string> left_out;
    Metric* fetched = nullptr;
    Metric* failed = nullptr;
  };

  void run();
  void ask(Source& source);
  void note(Source& source, const Result<KeySet>& set);

  KeyRing& ring_;
  Logger& log_;
  Metric& keys_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Source> sources_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace loft::identity
