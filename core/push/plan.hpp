// What became of one push on each of its user's devices, and what befell it besides: the text in `OwedPush::plan`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>

namespace loft::push {

struct Outcome {
  enum class State : std::uint8_t {
    open,      ///< to be tried, or tried again
    accepted,  ///< the provider took it
    refused,   ///< the provider will never take it
    dead,      ///< the provider does not know the device any more
    silenced,  ///< a plugin refused it, or nobody needed it any more, or its channel is off
    spent,     ///< out of attempts, or of time
    rerouted,  ///< a plugin sent it to another channel, which is the reason
    covered,   ///< the user was told in another way: by mail, while the channel failed
  };
  std::uint64_t device = 0;  ///< 0: the user's mail address
  std::string channel;
  State state = State::open;
  std::uint32_t tries = 0;    ///< that count against `push.attempts`
  std::uint32_t excused = 0;  ///< while the provider failed for others as well
  Millis due = 0;             ///< since 1970: not to be tried before
  Millis last = 0;            ///< since 1970: the latest answer; 0: none
  std::string reason;         ///< of the latest answer, or why it waits; empty: all is well

  bool is_open() const noexcept { return state == State::open; }
};

std::string_view name(Outcome::State state) noexcept;

/// What befell a push besides the answers of providers: it was put off, it went on to the mail, it was replayed. What
/// comes again is the same one.
struct Happening {
  std::string what;
  std::string detail;
  Millis first = 0;  ///< since 1970
  Millis last = 0;
  std::uint64_t times = 0;
};

struct Plan {
  /// A push has so many at the most; the one that was last heard of longest ago goes first.
  static constexpr std::size_t most_happenings = 32;

  std::vector<Outcome> outcomes;
  std::vector<Happening> history;

  /// It happens at `at`, once or once more.
  void note(std::string_view what, std::string_view detail, Millis at);

  /// That of a device; made where there is none.
  Outcome& of(std::uint64_t device, std::string_view channel);
  const Outcome* find(std::uint64_t device, std::string_view channel) const noexcept;
  bool has(Outcome::State state) const noexcept;
  /// The open device that is to be tried first; null: none is open.
  const Outcome* next() const noexcept;
  /// Takes over what the other one knows more.
  void learn(const Plan& other);

  std::string encode() const;
  /// What cannot be read (a newer host wrote it) is an empty plan: every device is tried.
  static Plan decode(std::string_view text);
};

}  // namespace loft::push
