// One page of a channel's messages: which of them it consists of, and in which form they fit one packet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <loft/messaging.hpp>

#include "carrypigeon/settings.hpp"

namespace loft::carrypigeon {

/// Clients go on with the time of the last message they have, or with the moment before it. So that neither of them
/// stays where it is or leaves anything out, a page
/// - ends between two milliseconds, never inside one, and goes beyond `count` for that;
/// - where it begins with messages of `until` itself, which who goes on with that time has seen, goes on to the
///   millisecond before, unless just one message was asked for;
/// - shows messages in short where those it must have do not fit together; more than those are left to the next page.
class ListPage {
 public:
  /// `until`: 0 means now.
  ListPage(ConversationRef in, Millis until, std::size_t count) : in_(std::move(in)), until_(until), count_(count) {}

  /// What to ask the host for next.
  HistoryQuery query() const;
  /// Takes the answer. False: there is more to ask for.
  bool take(Page page);

  /// `{"count":…,"messages":[…]}` in the packet begun in `out`. Returns the messages that are in it.
  std::vector<MessageRecord> append(std::string& out, const Services& services) const;

 private:
  Millis time(std::size_t i) const { return messages_[i].message->time(); }
  /// Where the millisecond ends that has the message `i`.
  std::size_t end_of(std::size_t i) const;
  /// How many messages the page should have; none: more must be known to say so.
  std::optional<std::size_t> wanted() const;
  /// How many it must have, of `wanted`, so that whoever goes on gets on.
  std::size_t needed(std::size_t wanted, std::size_t room) const;

  ConversationRef in_;
  Millis until_;
  std::size_t count_;
  std::vector<MessageRecord> messages_;  ///< newest first
  bool more_ = true;
};

}  // namespace loft::carrypigeon
