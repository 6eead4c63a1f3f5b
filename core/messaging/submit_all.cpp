// Several submissions that are sent together or not at all: asked about one by one, found together, queued as one.
#include "messaging/ask.hpp"
#include "messaging/domain_table.hpp"

namespace loft {

struct Core::AskedAll {
  Caller caller;
  std::vector<Submission> submissions;
  Done<std::vector<Accepted>> done;
  std::size_t awaited = 0;     ///< answers of interceptors
  std::size_t refused_at = 0;  ///< with `refusal`: of which of them it is
  std::optional<Error> refusal;

  void refuse(std::size_t index, Error error) {
    if (refusal && refused_at < index) return;
    refused_at = index;
    refusal = std::move(error);
  }
};

// Interceptors that wait are asked about all at once; whoever answers first, the refusal of the first one counts.
void Core::submit_all(const Caller& caller, std::vector<Submission> submissions, Done<std::vector<Accepted>> done) {
  take_up(caller);
  const auto all = std::make_shared<AskedAll>();
  all->caller = caller;
  all->done = std::move(done);
  all->submissions = std::move(submissions);
  all->awaited = 1;  // until all are asked about
  const auto answered = [this, all] {
    if (--all->awaited == 0) find_all(all);
  };
  for (std::size_t i = 0; i < all->submissions.size() && !all->refusal; ++i) {
    ++all->awaited;
    consult(propose_submit_, SubmitMessage{{}, caller, std::move(all->submissions[i])},
            [this, all, i, answered](SubmitMessage& asked, Verdict verdict) {
              check_part(*all, i, asked, verdict);
              answered();
            });
  }
  answered();
}

void Core::check_part(AskedAll& all, std::size_t index, SubmitMessage& asked, const Verdict& verdict) {
  if (!verdict.passed()) return all.refuse(index, verdict.refusal());
  auto& submission = asked.submission;
  auto wrong = wrong_with_message(all.caller, submission);
  const auto by = submission.to.by;
  if (!wrong && (by == ConversationRef::By::system || by == ConversationRef::By::broadcast)) {
    wrong = wrong_with_notice(all.caller, submission);
  }
  if (!wrong && domains_.asks_sending(submission.domain)) {
    wrong = Error{Code::invalid, "domain.alone", "messages of " + submission.domain + " are sent one at a time"};
  }
  if (wrong) return all.refuse(index, std::move(*wrong));
  all.submissions[index] = std::move(submission);
}

namespace {

/// Whom a submission names: the other one of a direct conversation, or who reads.
UserRef* named_user(Submission& submission) {
  const auto by = submission.to.by;
  return by == ConversationRef::By::direct || by == ConversationRef::By::system ? &submission.to.peer : nullptr;
}

std::size_t bytes_of(const std::vector<Submission>& submissions) {
  std::size_t bytes = sizeof(Entry);
  for (const auto& one : submissions) bytes += one.content.size() + one.extras.size() + sizeof(Entry);
  return bytes;
}

}  // namespace

void Core::find_all(const std::shared_ptr<AskedAll>& all) {
  if (all->refusal) return fail_asked(*all, std::move(*all->refusal));
  if (!has_room(all->submissions.size(), bytes_of(all->submissions))) {
    overloaded_(Overloaded{{}, "commit queue"});
    return fail_asked(*all, queue_full);
  }
  std::vector<UserRef> refs{UserRef::of(all->caller.user)};
  for (auto& submission : all->submissions) {
    if (auto* user = named_user(submission)) {
      if (submission.may_create_users) user->create = true;
      refs.push_back(*user);
    }
  }
  with_users(all->caller, std::move(refs), [this, all](Result<std::vector<UserPtr>> users) {
    if (!users) return fail_asked(*all, std::move(users.error()));
    enqueue_all(*all, std::move(*users));
  });
}

void Core::enqueue_all(AskedAll& all, std::vector<UserPtr> users) {
  const auto bytes = bytes_of(all.submissions);
  SubmitAllEntry entry;
  entry.count = all.submissions.size();
  entry.done = std::move(all.done);
  entry.parts.reserve(entry.count);
  auto user = users.begin() + 1;
  for (auto& submission : all.submissions) {
    const auto by = submission.to.by;
    UserPtr named = named_user(submission) != nullptr ? std::move(*user++) : nullptr;
    std::unique_ptr<SubmitEntry::More> more;
    if (by == ConversationRef::By::system || by == ConversationRef::By::broadcast) {
      more = notice_target(submission, std::move(named));
    }
    entry.parts.push_back(entry_of(users.front(), std::move(submission), std::move(named), std::move(more)));
  }
  enqueue(all.caller.thread, Entry{all.caller, std::move(entry), bytes, {}});
}

// As `fail_submission`.
void Core::fail_asked(AskedAll& all, Error error) {
  if (all.caller.session == 0 && is_full()) return refuse(all.caller, std::move(all.done), std::move(error));
  SubmitAllEntry entry;
  entry.count = all.submissions.size();
  entry.refused = std::move(error);
  entry.done = std::move(all.done);
  enqueue(all.caller.thread, Entry{all.caller, std::move(entry), 0, {}});
}

bool Core::has_room(std::size_t entries, std::size_t bytes) const noexcept {
  const auto room = options_.queue_entries + exempt_waiting_.load(std::memory_order_relaxed);
  return waiting_.load(std::memory_order_relaxed) + entries <= room &&
         waiting_bytes_.load(std::memory_order_relaxed) + bytes <= options_.queue_bytes;
}

void Core::answer_all(const Caller& caller, SubmitAllEntry& all, std::shared_ptr<Result<std::vector<Accepted>>> answer,
                      Outbound& out) {
  out.reply(caller, [this, caller, done = std::move(all.done), answer = std::move(answer)]() mutable {
    if (let_go(caller.thread, caller.session) && done) done(std::move(*answer));
  });
}

}  // namespace loft
