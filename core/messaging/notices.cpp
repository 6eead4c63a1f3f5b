// What the operator's backends say: system conversations and broadcasts, which are named by a topic.
#include <chrono>

#include "messaging/ask.hpp"
#include "messaging/notice_names.hpp"

namespace loft {
namespace {

const Error read_only{Code::forbidden, "conversation.read_only", "only a service writes to this conversation"};
const Error topic_invalid{Code::invalid, "topic.invalid", "a topic has 1 to 50 bytes of a-z, 0-9, `_`, `.` and `-`"};
constexpr auto longest_wait = std::chrono::seconds(30);

}  // namespace

std::optional<Error> Core::wrong_with_notice(const Caller& caller, const Submission& submission) {
  if (!caller.service) return read_only;
  if (!is_topic(submission.to.text)) return topic_invalid;
  return std::nullopt;
}

void Core::notify(const Caller& caller, Submission&& submission, Done<Accepted>&& done) {
  if (auto wrong = wrong_with_notice(caller, submission)) {
    return fail_submission(caller, std::move(done), std::move(*wrong));
  }
  const auto send = [this](const Caller& from, Submission&& notice, UserPtr reader, Done<Accepted>&& then) {
    auto more = notice_target(notice, std::move(reader));
    enqueue_submission(from, std::move(notice), nullptr, std::move(then), std::move(more));
  };
  if (submission.to.by == ConversationRef::By::broadcast) {
    return send(caller, std::move(submission), nullptr, std::move(done));
  }
  auto reader = submission.to.peer;
  if (submission.may_create_users) reader.create = true;
  with_user(
      caller, std::move(reader),
      [this, caller, send, submission = std::move(submission), done = std::move(done)](Result<UserPtr> user) mutable {
        if (!user) return fail_submission(caller, std::move(done), std::move(user.error()));
        send(caller, std::move(submission), std::move(*user), std::move(done));
      });
}

std::unique_ptr<SubmitEntry::More> Core::notice_target(Submission& submission, UserPtr reader) {
  auto more = std::make_unique<SubmitEntry::More>();
  more->topic = std::move(submission.to.text);
  submission.to = {};
  submission.to.by = ConversationRef::By::handle;
  submission.to.text = notice_handle(more->topic, reader != nullptr ? reader->id : UserId::none);
  more->reader = std::move(reader);
  return more;
}

// With the lock held; not while the storage is asked.
void Core::prepare_notice(Entry& entry, SubmitEntry& submit, std::unique_lock<std::mutex>& lock) {
  const auto& handle = submit.rest->to.text;
  submit.conversation = state_.find_handle(handle);
  if (submit.conversation != nullptr && submit.conversation->members_loaded) return;
  lock.unlock();
  auto stored = storage_.conversation_by_handle(handle);
  if (!stored) {
    entry.failed = std::make_unique<Error>(std::move(stored.error()));
  } else if (*stored) {
    auto adopted = adopt(std::move(**stored), true);
    if (adopted)
      submit.conversation = *adopted;
    else
      entry.failed = std::make_unique<Error>(std::move(adopted.error()));
  }
  lock.lock();
}

// By way of an I/O thread, where interceptors expect to be called.
Result<Accepted> Core::submit_waiting(UserId sender, Submission submission) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<Accepted>> result;
  };
  auto answer = std::make_shared<Answer>();
  Caller service;
  service.user = sender;
  service.service = true;
  threads_.post(service.thread, [this, service, submission = std::move(submission), answer]() mutable {
    submit(service, std::move(submission), [answer](Result<Accepted> result) {
      const std::lock_guard lock(answer->mutex);
      answer->result = std::move(result);
      answer->came.notify_one();
    });
  });
  std::unique_lock lock(answer->mutex);
  if (!answer->came.wait_for(lock, longest_wait, [&] { return answer->result.has_value(); })) {
    return Error{Code::unavailable, "host.stopping", "the host did not answer"};
  }
  return std::move(*answer->result);
}

}  // namespace loft
