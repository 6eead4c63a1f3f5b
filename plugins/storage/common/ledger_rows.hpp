// From a row of the push ledger to what it stands for, see rows.hpp.
#pragma once

#include <loft/push_ledger.hpp>

#include "fields.hpp"

namespace loft::storage::reads {

template <class Row>
OwedPush push_of(const Row& row) {
  const Fields f(row, row_rules::push_queue);
  OwedPush push;
  push.message = f.template as<MessageId>(0);
  push.user = f.template as<UserId>(1);
  push.conversation = f.template as<ConversationId>(2);
  push.state = f.template as<PushState>(3);
  push.attempts = f.template as<std::uint32_t>(4);
  push.created = f.template as<Millis>(5);
  push.due = f.template as<Millis>(6);
  push.expires = f.template as<Millis>(7);
  push.finished = f.template as<Millis>(8);
  push.reason = f.text(9);
  push.plan = f.text(10);
  return push;
}

template <class Row>
PushAttempt attempt_of(const Row& row) {
  const Fields f(row, row_rules::push_log);
  PushAttempt attempt;
  attempt.id = f.number(0);
  attempt.user = f.text(1);
  attempt.message = f.template as<MessageId>(2);
  attempt.type = f.text(3);
  attempt.status = f.text(4);
  attempt.error = f.text(5);
  attempt.time = static_cast<Millis>(row.number(6));  // NULL, which others may have written, is 0
  return attempt;
}

template <class Row>
Device device_of(const Row& row) {
  const Fields f(row, row_rules::device);
  Device device;
  device.id = f.number(0);
  device.user = f.template as<UserId>(1);
  device.channel = f.text(2);
  device.token = f.text(3);
  device.platform = f.text(4);
  device.client = f.text(5);
  device.app = f.text(6);
  device.locale = f.text(7);
  device.registered = f.template as<Millis>(8);
  device.last_success = f.template as<Millis>(9);
  device.failed = f.template as<Millis>(10);
  device.failure = f.text(11);
  return device;
}

}  // namespace loft::storage::reads
