// Acts that move a mark in all of a user's conversations, on their way to the committer's queue.
#include <algorithm>

#include "messaging/ask.hpp"
#include "messaging/place.hpp"

namespace loft {
namespace {

const Error no_hiding{Code::invalid, "mark.hidden_having", "what has another mark cannot be hidden by that"};

}  // namespace

void Core::mark_everywhere(const Caller& caller, const MarkAct& act, Done<Marked> done) {
  // A set of marks takes in own messages between those of others, which nobody notices but who hides them.
  if (act.having && (act.mark == MarkId::hidden || act.also == MarkId::hidden)) {
    return refuse(caller, std::move(done), no_hiding);
  }
  auto entry = std::make_shared<MarkEntry>();
  entry->actor = directory_.cached(caller.user);
  entry->mark = act.mark;
  entry->also = act.also;
  entry->everywhere = true;
  entry->having = act.having;
  entry->set_before = act.set_before;
  auto before = std::make_shared<Place>(act.having ? id::last_at(act.set_before - 1) : 0);
  bool complete = true;
  {
    // What comes after this moment is not meant.
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller.user);
    if (view == nullptr) return refuse(caller, std::move(done), {Code::unavailable, "view.busy", "try again later"});
    for (const auto& [id, mine] : view->entries) {
      auto& conversation = *state_.touch(mine.conversation);
      if (conversation.head <= mine.joined_seq) continue;
      MarkSpan span;
      span.in = &conversation;
      span.up_to = conversation.head;
      span.up_to_id = conversation.last;
      if (act.having) {
        const auto old = before->in(conversation);
        complete = complete && old;
        span.old = old.value_or(0);
      }
      entry->spans.push_back(span);
    }
  }
  std::sort(entry->spans.begin(), entry->spans.end(),
            [](const MarkSpan& a, const MarkSpan& b) { return a.up_to_id < b.up_to_id; });
  if (complete) return enqueue_marks(caller, std::move(*entry), std::move(done));
  in_pool<bool>(
      caller, [this, before] { return before->learn(storage_); },
      [this, caller, entry, before, done = std::move(done)](Result<bool> learnt) mutable {
        if (!learnt) return refuse(caller, std::move(done), std::move(learnt.error()));
        {
          std::lock_guard lock(state_.mutex);
          for (auto& span : entry->spans) span.old = before->in(*span.in).value_or(span.old);
        }
        enqueue_marks(caller, std::move(*entry), std::move(done));
      });
}

}  // namespace loft
