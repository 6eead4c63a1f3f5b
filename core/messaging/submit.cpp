// Everything that changes something, on its way from a contract to the committer's queue.
#include <algorithm>

#include <loft/json.hpp>

#include "messaging/ask.hpp"
#include "messaging/content_digest.hpp"
#include "messaging/domain_actions.hpp"
#include "messaging/hash.hpp"

namespace loft {
namespace {

constexpr std::size_t client_id_bytes = 128;
constexpr std::size_t extras_bytes = 4 << 10;
constexpr std::size_t reason_bytes = 1 << 10;

std::optional<Error> wrong_with_extras(const std::string& extras) {
  if (extras.size() > extras_bytes) return Error{Code::too_large, "extras.too_large", "extras have at most 4 KiB"};
  const auto object = json::parse(extras);
  if (object && object->is(json::Type::object)) return std::nullopt;
  return Error{Code::invalid, "extras.invalid", "extras are a JSON object, or empty"};
}

}  // namespace

void Core::take_up(const Caller& caller) {
  auto* session = sessions_.find(caller.thread, caller.session);
  if (session == nullptr || ++session->in_flight < options_.window || session->held) return;
  session->held = true;
  session->link->hold();
}

bool Core::let_go(unsigned thread, std::uint64_t id) {
  auto* session = sessions_.find(thread, id);
  if (session == nullptr) return id == 0;
  --session->in_flight;
  if (session->held && session->in_flight <= options_.window / 2) {
    session->held = false;
    session->link->release();
  }
  return true;
}

void Core::submit(const Caller& caller, Submission submission, Done<Accepted> done) {
  submit(caller, std::move(submission), nullptr, std::move(done));
}

void Core::submit(const Caller& caller, Submission&& submission, std::unique_ptr<SubmitEntry::More> more,
                  Done<Accepted>&& done) {
  take_up(caller);
  if (!propose_submit_.has_interceptors()) {
    return check_submission(caller, std::move(submission), std::move(more), std::move(done));
  }
  consult(propose_submit_, SubmitMessage{{}, caller, std::move(submission)},
          [this, more = std::move(more), done = std::move(done)](SubmitMessage& asked, Verdict verdict) mutable {
            if (!verdict.passed())
              fail_submission(asked.caller, std::move(done), verdict.refusal());
            else
              check_submission(asked.caller, std::move(asked.submission), std::move(more), std::move(done));
          });
}

// A refusal goes through the queue, so that its answer does not overtake those of earlier submissions.
void Core::fail_submission(const Caller& caller, Done<Accepted>&& done, Error error) {
  // A session's window bounds how many of its refusals wait; nothing does so for callers without one.
  if (caller.session == 0 && is_full()) return refuse(caller, std::move(done), std::move(error));
  SubmitEntry entry;
  entry.more().refused = std::move(error);
  entry.done = std::move(done);
  enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
}

std::optional<Error> Core::wrong_with_message(const Caller& caller, Submission& submission) const {
  const auto* row = domains_.find(submission.domain);
  if (row == nullptr) return Error{Code::invalid, "domain.unknown", "unknown message domain"};
  if (row->spec->service_only && !caller.service) {
    return Error{Code::forbidden, "domain.service_only", submission.domain + " is written by services only"};
  }
  const auto limit = std::min(options_.content_bytes, row->spec->max_bytes);
  if (submission.content.size() > limit) {
    return Error{Code::too_large, "content.too_large", "content is limited to " + std::to_string(limit) + " bytes"};
  }
  if (submission.client_id.size() > client_id_bytes) {
    return Error{Code::invalid, "client_id.too_long", "a client id has at most 128 bytes"};
  }
  if (!submission.extras.empty()) {
    if (auto wrong = wrong_with_extras(submission.extras)) return wrong;
  }
  std::string normal;
  try {
    if (auto checked = row->check(submission.content, normal); !checked) return std::move(checked.error());
  } catch (const std::exception& e) {
    log_.error("a domain's check threw", {{"domain", submission.domain}, {"what", e.what()}});
    return Error{Code::internal, "domain.failed", {}};
  } catch (...) {
    log_.error("a domain's check threw", {{"domain", submission.domain}, {"what", "unknown exception"}});
    return Error{Code::internal, "domain.failed", {}};
  }
  if (!normal.empty()) submission.content = std::move(normal);
  return std::nullopt;
}

void Core::check_submission(const Caller& caller, Submission&& submission, std::unique_ptr<SubmitEntry::More> more,
                            Done<Accepted>&& done) {
  if (full()) return fail_submission(caller, std::move(done), queue_full);
  if (auto wrong = wrong_with_message(caller, submission)) {
    return fail_submission(caller, std::move(done), std::move(*wrong));
  }
  if (submission.to.by == ConversationRef::By::system || submission.to.by == ConversationRef::By::broadcast) {
    return notify(caller, std::move(submission), std::move(done));
  }
  if (submission.to.by != ConversationRef::By::direct) {
    return enqueue_submission(caller, std::move(submission), nullptr, std::move(done), std::move(more));
  }
  auto peer = submission.to.peer;
  if (submission.may_create_users) peer.create = true;
  if (auto known = directory_.cached(peer); known != nullptr && !is_erased(*known)) {
    return enqueue_submission(caller, std::move(submission), std::move(known), std::move(done), std::move(more));
  }
  with_user(caller, std::move(peer),
            [this, caller, submission = std::move(submission), more = std::move(more),
             done = std::move(done)](Result<UserPtr> user) mutable {
              if (!user)
                fail_submission(caller, std::move(done), std::move(user.error()));
              else
                enqueue_submission(caller, std::move(submission), std::move(*user), std::move(done), std::move(more));
            });
}

void Core::enqueue_submission(const Caller& caller, Submission&& submission, UserPtr peer, Done<Accepted>&& done,
                              std::unique_ptr<SubmitEntry::More> more) {
  const auto* session = sessions_.find(caller.thread, caller.session);
  auto sender = session != nullptr && session->user != nullptr ? session->user : directory_.cached(caller.user);
  if (sender == nullptr) {
    return with_actor(caller, [this, caller, submission = std::move(submission), peer = std::move(peer),
                               done = std::move(done), more = std::move(more)](Result<UserPtr> found) mutable {
      if (!found) return fail_submission(caller, std::move(done), std::move(found.error()));
      // Once more, with the sender held in memory.
      enqueue_submission(caller, std::move(submission), std::move(peer), std::move(done), std::move(more));
    });
  }
  if (more == nullptr && domains_.asks_sending(submission.domain)) {
    return actions_->send(caller, std::move(sender), std::move(submission), std::move(peer), std::move(done));
  }
  const auto bytes = submission.content.size() + submission.extras.size() + sizeof(Entry);
  auto entry = entry_of(std::move(sender), std::move(submission), std::move(peer), std::move(more));
  entry.done = std::move(done);
  enqueue(caller.thread, Entry{caller, std::move(entry), bytes, {}});
}

SubmitEntry Core::entry_of(UserPtr sender, Submission&& submission, UserPtr peer,
                           std::unique_ptr<SubmitEntry::More> more) {
  SubmitEntry entry;
  entry.rest = std::move(more);
  if (!submission.client_id.empty()) {
    entry.more().key = client_key(sender->id, submission.client_id);
    if (entry.more().said == 0) entry.more().said = content_digest(submission.domain, submission.content);
  }
  if (peer == nullptr) entry.more().to = std::move(submission.to);
  entry.sender = std::move(sender);
  entry.peer = std::move(peer);
  entry.message = std::make_shared<Message>();
  entry.message->domain = std::move(submission.domain);
  entry.message->content = std::move(submission.content);
  entry.message->extras = std::move(submission.extras);
  return entry;
}

void Core::recall(const Caller& from, Recall recall, Done<Recalled> done) {
  if (turned_away(from, done)) return;
  if (recall.reason.size() > reason_bytes) {
    return refuse(from, std::move(done),
                  {Code::too_large, "recall.reason_too_long", "the reason of a recall has at most 1 KiB"});
  }
  consult(propose_recall_, RecallMessage{{}, from, recall},
          [this, done = std::move(done)](RecallMessage& asked, Verdict verdict) mutable {
            const auto caller = asked.caller;
            if (!verdict.passed()) return refuse(caller, std::move(done), verdict.refusal());
            with_actor(
                caller, [this, caller, wanted = asked.recall, done = std::move(done)](Result<UserPtr> actor) mutable {
                  if (!actor) return refuse(caller, std::move(done), std::move(actor.error()));
                  find_message(caller, wanted.message,
                               [this, caller, wanted, actor = std::move(*actor),
                                done = std::move(done)](Result<MessageRecord> record) mutable {
                                 if (!record) return refuse(caller, std::move(done), std::move(record.error()));
                                 RecallEntry entry{std::move(actor), wanted, std::move(*record), std::move(done)};
                                 enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
                               });
                });
          });
}

void Core::change_membership(const Caller& caller, MembershipAct act, Done<MemberRecord> done) {
  if (turned_away(caller, done)) return;
  consult(propose_membership_, ChangeMembership{{}, caller, std::move(act)},
          [this, done = std::move(done)](ChangeMembership& asked, Verdict verdict) mutable {
            if (!verdict.passed()) return refuse(asked.caller, std::move(done), verdict.refusal());
            apply_membership(asked.caller, std::move(asked.act), std::move(done));
          });
}

void Core::apply_membership(const Caller& caller, MembershipAct act, Done<MemberRecord> done) {
  using Kind = MembershipAct::Kind;
  const bool own = act.kind == Kind::join || act.kind == Kind::leave;
  std::vector<UserRef> refs{UserRef::of(caller.user)};
  if (!own) refs.push_back(act.subject);
  with_users(caller, std::move(refs),
             [this, caller, act = std::move(act), done = std::move(done)](Result<std::vector<UserPtr>> users) mutable {
               if (!users) return refuse(caller, std::move(done), std::move(users.error()));
               auto ref = act.in;
               with_conversation(
                   caller, std::move(ref), true,
                   [this, caller, act = std::move(act), users = std::move(*users),
                    done = std::move(done)](Result<ConversationState*> found) mutable {
                     if (!found) return refuse(caller, std::move(done), std::move(found.error()));
                     MembershipEntry entry{users.front(), std::move(act), users.back(), *found, std::move(done)};
                     enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
                   });
             });
}

// ---- marks

void Core::mark(const Caller& from, MarkAct act, Done<Marked> done) {
  if (turned_away(from, done)) return;
  consult(propose_mark_, AdvanceMark{{}, from, std::move(act)},
          [this, done = std::move(done)](AdvanceMark& asked, Verdict verdict) mutable {
            const auto caller = asked.caller;
            if (!verdict.passed()) return refuse(caller, std::move(done), verdict.refusal());
            with_view(caller, [this, caller, wanted = std::move(asked.act),
                               done = std::move(done)](Result<void> ready) mutable {
              if (!ready) return refuse(caller, std::move(done), std::move(ready.error()));
              if (wanted.everywhere)
                mark_everywhere(caller, wanted, std::move(done));
              else if (wanted.in)
                mark_up_to(caller, std::move(wanted), std::move(done));
              else
                mark_messages(caller, std::move(wanted), std::move(done));
            });
          });
}

void Core::mark_messages(const Caller& caller, MarkAct act, Done<Marked> done) {
  MarkEntry entry;
  entry.actor = directory_.cached(caller.user);
  entry.mark = act.mark;
  entry.also = act.also;
  entry.strict = act.strict;
  std::vector<MessageId> missing;
  {
    std::lock_guard lock(state_.mutex);
    for (const auto id : act.messages) {
      const auto* record = state_.recent_record(id);
      if (record == nullptr) {
        missing.push_back(id);
      } else if (auto problem = add_target(entry, *record->message)) {
        return refuse(caller, std::move(done), std::move(*problem));
      }
    }
  }
  if (missing.empty()) return enqueue_marks(caller, std::move(entry), std::move(done));
  in_pool<std::vector<Message>>(
      caller, [this, missing] { return storage_.messages(missing); },
      [this, caller, entry = std::move(entry), wanted = missing.size(),
       done = std::move(done)](Result<std::vector<Message>> found) mutable {
        if (!found) return refuse(caller, std::move(done), std::move(found.error()));
        if (entry.strict && found->size() < wanted) {
          return refuse(caller, std::move(done), {Code::not_found, "message.unknown", "no such message"});
        }
        for (const auto& message : *found) {
          if (auto problem = add_target(entry, message)) return refuse(caller, std::move(done), std::move(*problem));
        }
        enqueue_marks(caller, std::move(entry), std::move(done));
      });
}

void Core::enqueue_marks(const Caller& caller, MarkEntry entry, Done<Marked> done) {
  entry.done = std::move(done);
  enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
}

std::optional<Error> Core::add_target(MarkEntry& entry, const Message& message) const {
  if (message.sender == entry.actor->id) {
    if (entry.strict) return Error{Code::forbidden, "mark.own_message", "only a recipient may confirm a message"};
    if (entry.mark != MarkId::hidden) return std::nullopt;
  }
  entry.targets.push_back({message.conversation, message.seq, message.id});
  return std::nullopt;
}

void Core::mark_up_to(const Caller& caller, MarkAct act, Done<Marked> done) {
  auto ref = *act.in;
  with_conversation(
      caller, std::move(ref), true,
      [this, caller, act = std::move(act), done = std::move(done)](Result<ConversationState*> found) mutable {
        if (!found) return refuse(caller, std::move(done), std::move(found.error()));
        MarkEntry entry;
        entry.actor = directory_.cached(caller.user);
        entry.mark = act.mark;
        entry.also = act.also;
        MarkSpan span;
        span.in = *found;
        span.up_to_time = act.up_to_time;
        const Position upto = act.up_to != MessageId::none ? raw(act.up_to) : id::last_at(act.up_to_time);
        bool whole = false;
        {
          // What comes after this moment is not meant.
          std::lock_guard lock(state_.mutex);
          whole = upto >= raw(span.in->last);
          span.up_to = span.in->head;
          span.up_to_id = span.in->last;
        }
        entry.spans.push_back(span);
        if (whole) return enqueue_marks(caller, std::move(entry), std::move(done));
        const auto conversation = span.in->id();
        in_pool<MarkTarget>(
            caller, [this, conversation, upto] { return message_at(conversation, upto); },
            [this, caller, entry = std::move(entry), done = std::move(done)](Result<MarkTarget> target) mutable {
              if (!target) return refuse(caller, std::move(done), std::move(target.error()));
              entry.spans.front().up_to = target->seq;
              entry.spans.front().up_to_id = target->id;
              enqueue_marks(caller, std::move(entry), std::move(done));
            });
      });
}

Result<MarkTarget> Core::message_at(ConversationId conversation, Position position) {
  const auto seq = storage_.seq_at(conversation, position);
  if (!seq) return seq.error();
  MarkTarget target{conversation, *seq, MessageId::none};
  if (*seq == 0) return target;
  const auto message = storage_.log(conversation, *seq, *seq, 1, false);
  if (!message) return message.error();
  if (!message->empty()) target.id = message->front().id;
  return target;
}

}  // namespace loft
