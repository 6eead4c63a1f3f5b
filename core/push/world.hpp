// What push asks of messaging. Everything here may wait. Thread role: push and follower, any number of calls at once.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/message.hpp>
#include <loft/push.hpp>

#include "messaging/reader.hpp"

namespace loft::push {

class World {
 public:
  virtual ~World() = default;

  /// Hands out the users who may see a message, but its sender, page by page, until `page` fails. Errors: the
  /// storage's; `page`'s.
  virtual Result<void> recipients(const Message& message, Function<Result<void>(std::vector<UserId> users)> page) = 0;
  /// Leaves those without a live session.
  virtual void leave_absent(std::vector<UserId>& users) = 0;
  /// Who wants no pushes of a conversation now, ascending.
  virtual Result<std::vector<UserId>> muted(ConversationId conversation) = 0;
  virtual Result<bool> is_muted(UserId user, ConversationId conversation) = 0;
  /// See Reader::standing.
  virtual Result<Standing> standing(UserId user, MessageId message, bool count) = 0;
  /// Errors: not_found `user.unknown`, also for one that is erased.
  virtual Result<std::shared_ptr<const User>> user(UserId user) = 0;
  virtual void preview(const Message& message, std::string_view locale, std::string& out) const = 0;

  /// When a mail went to the user; 0: long ago. Since 1970.
  virtual Result<Millis> mailed(UserId user) = 0;
  virtual Result<void> note_mail(UserId user, Millis at) = 0;
  /// Whether the mail server has said that there is no such address; of another address of the user's it says nothing.
  virtual Result<bool> is_mail_dead(UserId user, std::string_view address) = 0;
  virtual Result<void> note_mail_dead(UserId user, std::string_view address) = 0;
  /// The provider does not know the device any more: its client is to be told.
  virtual void note_lost(const Device& device) { static_cast<void>(device); }
};

}  // namespace loft::push
