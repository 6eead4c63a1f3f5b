// What an operator asks of push, over the control socket: JSON in, JSON out. Never a whole token.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <loft/plugin.hpp>
#include <loft/storage.hpp>

#include "push/core_world.hpp"
#include "push/devices.hpp"
#include "push/lane.hpp"
#include "push/trace.hpp"

namespace loft::json {
class Value;
}

namespace loft::push {

/// Pushes of a state are counted so far, for metrics and `status`: a number that is as high means as many or more.
inline constexpr std::uint64_t most_counted = 1'000'000;

/// Thread role: any that may wait, one call at a time. Errors of all: invalid `control.arguments`; not_found
/// `user.unknown`, `message.unknown`, `push.unknown`; unavailable `push.no_ledger`; the storage's.
class Operator {
 public:
  struct Parts {
    const Settings& settings;
    PushLedger* ledger;  ///< null: everything is answered with `push.no_ledger`
    Storage& storage;
    CoreWorld& world;
    Devices& devices;
    std::vector<std::unique_ptr<ChannelLane>>& lanes;
    Trace& trace;
    const Clock& clock;
    std::function<void()> poke;  ///< something is due
  };
  explicit Operator(Parts parts) : p_(std::move(parts)) {}

  std::vector<std::pair<std::string, CommandHandler>> commands();

  /// `{}`.
  Result<std::string> status();
  /// `{"state":"dead","user":"bob","limit":50,"after":{"message":1,"uid":2}}`, all optional.
  Result<std::string> list(const json::Value& arguments);
  /// `{"message":1,"user":"bob"}`: what became of one push, in time order.
  Result<std::string> why(const json::Value& arguments);
  /// `{"message":1,"user":"bob"}`, or `{"all":true,"reason":"push.attempts"}` for dead letters: works on a page, and
  /// says `more`. `by`, at most 64 bytes, is who asks for it; the story of each push keeps it.
  Result<std::string> replay(const json::Value& arguments);
  /// `{"message":1,"user":"bob"}`: what would be sent now, and to whom.
  Result<std::string> dry_run(const json::Value& arguments);
  /// `{"act":"add","user":"bob","channel":"apns","token":"…","platform":"ios","app":"","locale":"","client":""}`,
  /// `{"act":"list","user":"bob"}`, `{"act":"remove","user":"bob","id":7}`.
  Result<std::string> device(const json::Value& arguments);
  /// `{"user":"bob","address":"bob@example.org"}`; an empty address removes it, without one it is only said.
  Result<std::string> email(const json::Value& arguments);
  /// `{"user":"bob","conversation":1,"until":0}`, `{"user":"bob","conversation":1,"off":true}`, `{"user":"bob"}` lists.
  Result<std::string> mute(const json::Value& arguments);

 private:
  struct Named {
    UserId user = UserId::none;
    std::string handle;
    MessageId message = MessageId::none;
  };
  Result<UserId> user_of(const json::Value& value, std::string* handle = nullptr);
  Result<Named> named(const json::Value& arguments);
  std::string handle_of(UserId user);
  Result<Position> looked_at(Position newest);
  Result<std::pair<Millis, std::string>> unowed(const Named& which, const Message& message);

  const Parts p_;
};

}  // namespace loft::push
