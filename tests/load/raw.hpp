// What the raw references and storage_rate share: their words, the rows they write, and what they print.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace loft::load {

/// As plugins/storage/common/sent_count.hpp has it; load_reference compares what is written.
inline constexpr std::size_t sent_block = 256;

/// What may be asked of a program beside the numbers that all of them have: a word that takes a value goes to `take`,
/// which answers whether it knows it.
struct Arguments {
  std::map<std::string, std::uint64_t, std::less<>> numbers{{"batch", 100}, {"rows", 100'000}, {"conversations", 200},
                                                            {"users", 200}, {"content", 140},  {"writers", 1}};
  bool client_ids = false;
  bool in_order = false;  ///< batches of several writers end in the order in which they were begun

  std::uint64_t operator[](std::string_view name) const { return numbers.find(name)->second; }

  /// Ends the program with 2 when a word is wrong. `own` names the words of this program, for the help.
  Arguments(int count, char** words, const std::string& own,
            const std::function<bool(const std::string& word, const std::string& value)>& take) {
    const std::string program = std::string_view(words[0]).substr(std::string_view(words[0]).rfind('/') + 1).data();
    const auto usage = [&](const std::string& what) {
      std::fprintf(
          stderr,
          "%s: %s\nusage: %s [--batch N] [--rows M] [--client-ids] [--conversations C] [--users U] "
          "[--content BYTES] [--writers W] [--in-order] %s\nnumbers are 1 or more; what is written to must be empty\n",
          program.c_str(), what.c_str(), program.c_str(), own.c_str());
      std::exit(2);
    };
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      if (word == "--client-ids") {
        client_ids = true;
        continue;
      }
      if (word == "--in-order") {
        in_order = true;
        continue;
      }
      if (i + 1 == count || !word.starts_with("--")) usage(word + " is unknown or lacks its value");
      const std::string value = words[++i];
      if (take(word, value)) continue;
      const auto number = numbers.find(word.substr(2));
      if (number == numbers.end()) usage(word + " is unknown");
      char* end = nullptr;
      number->second = std::strtoull(value.c_str(), &end, 10);
      if (*end != '\0' || number->second == 0) usage(word + " takes a number of 1 or more, not " + value);
    }
  }
};

/// The rows of one batch of messages, in numbers. A writer has conversations of its own.
class Rows {
 public:
  struct Message {
    std::uint64_t id, conversation, seq, sender;
    std::uint64_t key[3];  ///< hash and digest of its client id
  };
  struct Head {
    std::uint64_t conversation, expected, head, last;
  };
  /// How many messages a sender has in the block of a log that ends with `upto`.
  struct Sent {
    std::uint64_t conversation, sender, upto, sent;
  };

  explicit Rows(const Arguments& a, std::uint64_t writer = 0)
      : writers_(a["writers"]),
        writer_(writer),
        users_(a["users"]),
        content_("{\"text\":\"" + std::string(std::max<std::uint64_t>(a["content"], 12) - 11, 'x') + "\"}"),
        log_((a["conversations"] + writers_ - 1 - writer) / writers_),
        random_(writer + 1) {}

  void next(std::uint64_t count) {
    ++round_;
    messages_.clear();
    heads_.clear();
    sent_.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto at = random_() % log_.size();
      auto& log = log_[at];
      // Ids of several writers never meet.
      id_ += (1 + random_() % 64) * writers_;
      if (std::exchange(log.round, round_) != round_) {
        log.place = heads_.size();
        heads_.push_back({id_of(at), log.head, 0, 0});
      }
      heads_[log.place].head = ++log.head;
      heads_[log.place].last = id_ + writer_;
      messages_.push_back({id_ + writer_,
                           id_of(at),
                           log.head,
                           (random_() % users_ + 1) << 20,
                           {random_() >> 1, random_() >> 1, random_() >> 1}});
      log.senders.push_back(messages_.back().sender);
      if (log.senders.size() == sent_block) count_senders(log, messages_.back());
    }
  }

  const std::vector<Message>& messages() const { return messages_; }
  const std::vector<Head>& heads() const { return heads_; }
  const std::vector<Sent>& sent() const { return sent_; }
  std::uint64_t last() const { return id_ + writer_; }
  const std::string& content() const { return content_; }
  std::uint64_t writer() const { return writer_; }

 private:
  struct Log {
    std::uint64_t head = 0, round = 0;
    std::size_t place = 0;
    std::vector<std::uint64_t> senders;  ///< of the messages since the last whole block
  };
  void count_senders(Log& log, const Message& last) {
    std::sort(log.senders.begin(), log.senders.end());
    for (auto from = log.senders.begin(); from != log.senders.end();) {
      const auto to = std::upper_bound(from, log.senders.end(), *from);
      sent_.push_back({last.conversation, *from, last.seq, static_cast<std::uint64_t>(to - from)});
      from = to;
    }
    log.senders.clear();
  }
  std::uint64_t id_of(std::uint64_t at) const { return (at * writers_ + writer_ + 1) << 20; }

  std::uint64_t writers_, writer_, users_;
  std::string content_;
  std::vector<Log> log_;
  std::uint64_t round_ = 0;
  std::uint64_t id_ = std::uint64_t{50} << 40;
  std::mt19937_64 random_;
  std::vector<Message> messages_;
  std::vector<Head> heads_;
  std::vector<Sent> sent_;
};

/// Has batches end in the order in which they were begun. Thread role: any.
class Order {
 public:
  std::uint64_t begin() { return begun_++; }
  /// Until all that were begun before have ended.
  void wait(std::uint64_t ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ == ticket; });
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ++ended_;
    changed_.notify_all();
  }

 private:
  std::atomic<std::uint64_t> begun_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t ended_ = 0;
};

inline double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Has each writer write its share in batches, all at once, and prints one line of JSON. `writers[i](count)` writes a
/// batch of that many rows.
inline void measure(const Arguments& a, std::string_view way,
                    const std::vector<std::function<void(std::uint64_t)>>& writers) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::vector<double>> times(writers.size());
  const auto share = a["rows"] / writers.size();
  const auto write = [&](std::size_t i) {
    for (std::uint64_t done = 0; done < share;) {
      const auto count = std::min(a["batch"], share - done);
      const auto begin = Clock::now();
      writers[i](count);
      times[i].push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      done += count;
    }
  };
  const auto cpu = cpu_seconds();
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < writers.size(); ++i) threads.emplace_back(write, i);
  write(0);
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> wall = Clock::now() - start;
  const auto used = cpu_seconds() - cpu;
  std::vector<double> all;
  for (const auto& each : times) all.insert(all.end(), each.begin(), each.end());
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  const auto rows = static_cast<double>(share * writers.size());
  std::printf(
      "{\"way\":\"%s\",\"writers\":%zu,\"batch\":%llu,\"rows\":%.0f,\"client_ids\":%s,\"rows_per_second\":%.0f,"
      "\"cpu_us_per_row\":%.3f,\"batch_p50_us\":%.1f}\n",
      std::string(way).c_str(), writers.size(), static_cast<unsigned long long>(a["batch"]), rows,
      a.client_ids ? "true" : "false", rows / wall.count(), used * 1e6 / rows, *middle);
}

}  // namespace loft::load
