// Reads on their way from a contract: answered from memory at once where that is possible, else by a Reader on the
// pool.
#include <memory>

#include "messaging/ask.hpp"
#include "messaging/reader.hpp"

namespace loft {

void Core::message(const Caller& from, MessageId id, Done<MessageRecord> done) {
  consult(propose_read_, ReadMessages{{}, from},
          [this, id, done = std::move(done)](ReadMessages& asked, Verdict verdict) mutable {
            const auto caller = asked.caller;
            if (!verdict.passed()) return done(verdict.refusal());
            find_message(caller, id, [this, caller, done = std::move(done)](Result<MessageRecord> record) mutable {
              if (!record) return done(std::move(record));
              bool known = false;
              {
                std::lock_guard lock(state_.mutex);
                known = Reader::show(*this, caller.user, *record);
              }
              if (known) return done(std::move(record));
              in_pool<MessageRecord>(
                  caller,
                  [this, caller, record = std::move(*record)]() mutable {
                    return Reader(*this, caller).shown(std::move(record));
                  },
                  std::move(done));
            });
          });
}

void Core::history(const Caller& caller, HistoryQuery query, Done<Page> done) {
  auto ref = query.in;
  read_conversation<Page>(caller, std::move(ref), true, std::move(done),
                          [query = std::move(query)](Reader& reader, ConversationState& conversation) {
                            return reader.history(query, conversation);
                          });
}

void Core::inbox(const Caller& from, InboxQuery query, Done<Page> done) {
  with_reader<Page>(
      from, std::move(done), [this, query = std::move(query)](const Caller& caller, Done<Page> answer) mutable {
        if (!query.in) return read_inbox(caller, std::move(query), nullptr, std::move(answer));
        auto ref = *query.in;
        with_conversation(caller, std::move(ref), false,
                          [this, caller, query = std::move(query),
                           answer = std::move(answer)](Result<ConversationState*> found) mutable {
                            if (!found && found.error().code != Code::not_found)
                              return answer(std::move(found.error()));
                            read_inbox(caller, std::move(query), found ? *found : nullptr, std::move(answer));
                          });
      });
}

void Core::read_inbox(const Caller& caller, InboxQuery query, ConversationState* in, Done<Page> done) {
  const auto mark = query.mark_returned;
  in_pool<Page>(
      caller, [this, caller, query = std::move(query), in] { return Reader(*this, caller).inbox(query, in); },
      [this, caller, mark, done = std::move(done)](Result<Page> page) mutable {
        if (!page || !mark || page->messages.empty()) return done(std::move(page));
        MarkEntry entry;
        entry.actor = directory_.cached(caller.user);
        entry.mark = *mark;
        entry.also = MarkId::delivered;
        for (const auto& record : page->messages) {
          entry.targets.push_back({record.message->conversation, record.message->seq, record.message->id});
        }
        entry.done = [page = std::move(page), done = std::move(done)](Result<Marked> marked) mutable {
          if (!marked) return done(std::move(marked.error()));
          done(std::move(page));
        };
        enqueue(caller.thread, Entry{caller, std::move(entry), 0, {}});
      });
}

void Core::sync(const Caller& from, SyncQuery query, Done<SyncPage> done) {
  read_view<SyncPage>(from, std::move(done), [query](Reader& reader) { return reader.sync(query); });
}

/// Asks whether the caller may read, and has its view brought into memory before `then(caller, done)`.
template <class T, class F>
void Core::with_reader(const Caller& from, Done<T> done, F then) {
  consult(propose_read_, ReadMessages{{}, from},
          [this, done = std::move(done), then = std::move(then)](ReadMessages& asked, Verdict verdict) mutable {
            const auto caller = asked.caller;
            if (!verdict.passed()) return done(verdict.refusal());
            with_view(caller, [caller, done = std::move(done), then = std::move(then)](Result<void> ready) mutable {
              if (!ready) return done(std::move(ready.error()));
              then(caller, std::move(done));
            });
          });
}

template <class T, class F>
void Core::read_view(const Caller& from, Done<T> done, F read) {
  with_reader<T>(from, std::move(done), [this, read](const Caller& caller, Done<T> answer) {
    in_pool<T>(
        caller,
        [this, caller, read] {
          Reader reader(*this, caller);
          return read(reader);
        },
        std::move(answer));
  });
}

void Core::unread(const Caller& from, UnreadQuery query, Done<std::uint64_t> done) {
  if (query.in) {
    auto ref = *query.in;
    return read_conversation<std::uint64_t>(
        from, std::move(ref), true, std::move(done),
        [query](Reader& reader, ConversationState& conversation) { return reader.unread(query, &conversation); });
  }
  read_view<std::uint64_t>(from, std::move(done), [query](Reader& reader) { return reader.unread(query, nullptr); });
}

void Core::conversations(const Caller& from, ConversationQuery query, Done<std::vector<ConversationRecord>> done) {
  read_view<std::vector<ConversationRecord>>(from, std::move(done),
                                             [query](Reader& reader) { return reader.conversations(query); });
}

void Core::conversation(const Caller& from, ConversationRef ref, bool must_be_member, Done<ConversationRecord> done) {
  read_conversation<ConversationRecord>(
      from, std::move(ref), must_be_member, std::move(done),
      [](Reader& reader, ConversationState& conversation) { return reader.conversation(conversation); });
}

void Core::members(const Caller& from, ConversationRef ref, bool must_be_member, Done<std::vector<MemberRecord>> done) {
  read_conversation<std::vector<MemberRecord>>(
      from, std::move(ref), must_be_member, std::move(done),
      [](Reader& reader, ConversationState& conversation) { return reader.members(conversation); });
}

void Core::mark_state(const Caller& caller, ConversationRef ref, MarkId mark, Done<MarkState> done) {
  read_conversation<MarkState>(
      caller, std::move(ref), true, std::move(done),
      [mark](Reader& reader, ConversationState& conversation) { return reader.mark_state(conversation, mark); });
}

template <class T, class F>
void Core::read_conversation(const Caller& from, ConversationRef ref, bool must_be_member, Done<T> done, F read) {
  with_reader<T>(from, std::move(done),
                 [this, ref = std::move(ref), must_be_member, read](const Caller& caller, Done<T> answer) mutable {
                   look_at<T>(caller, std::move(ref), must_be_member, std::move(answer), read);
                 });
}

template <class T, class F>
void Core::look_at(const Caller& caller, ConversationRef ref, bool must_be_member, Done<T> done, F read) {
  with_conversation(
      caller, std::move(ref), true,
      [this, caller, must_be_member, done = std::move(done), read](Result<ConversationState*> found) mutable {
        if (!found) return done(std::move(found.error()));
        in_pool<T>(
            caller,
            [this, caller, must_be_member, conversation = *found, read]() mutable -> Result<T> {
              {
                std::lock_guard lock(state_.mutex);
                const bool is_member = conversation->sees(caller.user);
                // Others may know of a group, but not of what is between two or for one.
                if (!is_member && conversation->info->kind != ConversationKind::group) {
                  return Error{Code::not_found, "conversation.unknown", "no such conversation"};
                }
                if (!is_member && must_be_member) {
                  return Error{Code::forbidden, "member.none", "not a member of this conversation"};
                }
              }
              Reader reader(*this, caller);
              return read(reader, *conversation);
            },
            std::move(done));
      });
}

}  // namespace loft
