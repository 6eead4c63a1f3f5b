#include "messaging/domain_actions.hpp"

#include <algorithm>

#include <loft/json.hpp>

#include "messaging/ask.hpp"
#include "messaging/content_digest.hpp"

namespace loft {
namespace {

constexpr std::size_t answer_bytes = 32 << 10;  // it must fit the packets of every contract

StateLanes::Key lane_of(const DomainTable::Row& row, const Conversation& conversation) {
  if (conversation.kind == ConversationKind::direct) return {row.space, raw(conversation.low), raw(conversation.high)};
  return {row.space, 0, raw(conversation.id)};
}

StateLanes::Key lane_of(const DomainTable::Row& row, UserId a, UserId b) {
  const auto [low, high] = std::minmax(a, b);
  return {row.space, raw(low), raw(high)};
}

bool is_object(std::string_view text) {
  const auto value = json::parse(text);
  return value && value->is(json::Type::object);
}

}  // namespace

template <class F>
Result<void> DomainActions::guarded(std::string_view domain, F call) const {
  std::string what = "unknown exception";
  try {
    return call();
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  core_.log_.error("a domain's handler threw", {{"domain", domain}, {"what", what}});
  return Error{Code::internal, "domain.failed", {}};
}

/// An action on its way.
struct DomainActions::Asked {
  Caller caller;
  ActionRequest request;
  Done<std::string> done;
  const DomainTable::ActionRow* row = nullptr;
  UserPtr actor;
};

class DomainActions::ActJob final : public StateLanes::Job {
 public:
  ActJob(DomainActions& all, std::shared_ptr<Asked> asked, MessageRecord record)
      : all_(all), asked_(std::move(asked)), record_(std::move(record)) {}

  Result<ConversationId> conversation() override { return record_.conversation->id; }

  Result<void> run(PluginState& state) override {
    const auto& row = *asked_->row;
    Action action{
        *asked_->actor, *record_.message, *record_.conversation, asked_->request.arguments, state, {}, {}, {}};
    auto ran = all_.guarded(row.domain->spec->name,
                            [&] { return row.domain->plugin->act(row.domain->index, row.index, action); });
    if (!ran) return ran;
    for (const auto* text : {&action.answer, &action.told}) {
      if (text->empty() || (text->size() <= answer_bytes && is_object(*text))) continue;
      all_.core_.log_.error("an action's answer is no JSON object of at most 32 KiB",
                            {{"action", asked_->request.name}});
      return Error{Code::internal, "domain.failed", {}};
    }
    answer_ = action.answer.empty() ? "{}" : std::move(action.answer);
    told_ = std::move(action.told);
    reply_ = std::move(action.reply);
    return {};
  }

  bool has_message() const noexcept override { return reply_.has_value(); }

  void commit(std::string space, std::vector<KeyChange> changes, StateLanes::Ended ended) override {
    auto more = std::make_unique<SubmitEntry::More>();
    more->space = std::move(space);
    more->state = std::move(changes);
    Submission submission;
    submission.to = ConversationRef::of(record_.conversation->id);
    submission.domain = std::move(reply_->domain);
    submission.content = std::move(reply_->content);
    auto caller = asked_->caller;
    caller.session = 0;  // it is not one of those that the session has sent
    all_.run_for(caller, [&core = all_.core_, caller, submission = std::move(submission), more = std::move(more),
                          ended = std::move(ended)]() mutable {
      core.submit(caller, std::move(submission), std::move(more),
                  [ended = std::move(ended)](Result<Accepted> stored) mutable {
                    ended(stored ? std::nullopt : std::optional(std::move(stored.error())));
                  });
    });
  }

  void answer(std::optional<Error> refused) override {
    all_.run_for(asked_->caller, [&all = all_, asked = asked_, record = std::move(record_), told = std::move(told_),
                                  answer = std::move(answer_), refused = std::move(refused)]() mutable {
      if (refused) {
        all.answer(asked, std::move(*refused));
      } else {
        all.actions_total_.add();
        all.done_(ActionDone{{}, asked->actor, record, asked->request, told});
        all.answer(asked, std::move(answer));
        if (!told.empty()) {
          Signal signal{ConversationRef::of(record.conversation->id), asked->request.name, std::move(told)};
          signal.message = record.message->id;
          all.core_.signal(asked->caller, std::move(signal));
        }
      }
      all.core_.release(asked->caller);
    });
  }

 private:
  DomainActions& all_;
  std::shared_ptr<Asked> asked_;
  MessageRecord record_;
  std::string answer_, told_;
  std::optional<Action::Reply> reply_;
};

class DomainActions::SendJob final : public StateLanes::Job {
 public:
  SendJob(DomainActions& all, const DomainTable::Row& row, Caller caller, UserPtr sender, Submission submission,
          UserPtr peer, Done<Accepted> done)
      : all_(all),
        row_(row),
        caller_(caller),
        sender_(std::move(sender)),
        submission_(std::move(submission)),
        peer_(std::move(peer)),
        done_(std::move(done)) {}

  Result<ConversationId> conversation() override {
    auto found = all_.core_.resolve(
        sender_->id, peer_ != nullptr ? ConversationRef::direct(UserRef::of(peer_->id)) : submission_.to, false);
    if (!found && found.error().code == Code::not_found) return ConversationId::none;
    if (!found) return found.error();
    const std::lock_guard lock(all_.core_.state_.mutex);
    conversation_ = (**found).info;
    return conversation_->id;
  }

  Result<void> run(PluginState& state) override {
    content_ = submission_.content;
    Sending sending{*sender_, conversation_.get(), content_, state};
    auto ran = all_.guarded(row_.spec->name, [&] { return row_.plugin->sending(row_.index, sending); });
    if (!ran || content_ == submission_.content) return ran;
    auto changed = submission_;
    changed.content = content_;
    if (auto wrong = all_.core_.wrong_with_message(caller_, changed)) return std::move(*wrong);
    content_ = std::move(changed.content);
    return {};
  }

  bool has_message() const noexcept override { return true; }

  void commit(std::string space, std::vector<KeyChange> changes, StateLanes::Ended ended) override {
    auto more = as_it_came();
    more->space = std::move(space);
    more->state = std::move(changes);
    submission_.content = std::move(content_);
    auto& core = all_.core_;
    all_.run_for(caller_, [&core, caller = caller_, submission = std::move(submission_), peer = std::move(peer_),
                           more = std::move(more), done = std::move(done_), ended = std::move(ended)]() mutable {
      core.enqueue_submission(
          caller, std::move(submission), std::move(peer),
          [ended = std::move(ended), done = std::move(done)](Result<Accepted> stored) mutable {
            ended(stored ? std::nullopt : std::optional(stored.error()));
            done(std::move(stored));
          },
          std::move(more));
      core.release(caller);
    });
  }

  void answer(std::optional<Error> refused) override {
    if (!done_) return;  // `commit` has it
    auto more = as_it_came();
    more->unwelcome = std::move(refused);
    all_.run_for(caller_, [&core = all_.core_, caller = caller_, submission = std::move(submission_),
                           peer = std::move(peer_), more = std::move(more), done = std::move(done_)]() mutable {
      if (submission.client_id.empty())
        core.fail_submission(caller, std::move(done), std::move(*more->unwelcome));
      else
        core.enqueue_submission(caller, std::move(submission), std::move(peer), std::move(done), std::move(more));
      core.release(caller);
    });
  }

 private:
  /// A repeat is known by what the client has sent, whatever became of it.
  std::unique_ptr<SubmitEntry::More> as_it_came() const {
    auto more = std::make_unique<SubmitEntry::More>();
    if (!submission_.client_id.empty()) more->said = content_digest(submission_.domain, submission_.content);
    return more;
  }

  DomainActions& all_;
  const DomainTable::Row& row_;
  const Caller caller_;
  const UserPtr sender_;
  Submission submission_;
  UserPtr peer_;
  Done<Accepted> done_;
  std::shared_ptr<const Conversation> conversation_;
  std::string content_;
};

DomainActions::DomainActions(Core& core)
    : core_(core),
      table_(core.domains_),
      lanes_(std::make_shared<StateLanes>(
          core.storage_, core.threads_,
          [&core](std::string space, ConversationId conversation, std::vector<KeyChange> changes,
                  StateLanes::Ended ended) {
            std::size_t bytes = sizeof(Entry);
            for (auto& change : changes) {
              change.key = state_key(conversation, change.key);
              bytes += sizeof(KeyChange) + change.key.size() + (change.value ? change.value->size() : 0);
            }
            KeyValueEntry entry{
                std::move(space), std::move(changes), {}, [ended = std::move(ended)](Result<bool> stored) mutable {
                  ended(stored ? std::nullopt : std::optional(std::move(stored.error())));
                }};
            Caller nobody;
            nobody.thread = ~0u;  // answered on the committer's thread
            core.enqueue(nobody.thread, Entry{nobody, std::move(entry), bytes, {}});
          })),
      propose_(core.bus_),
      done_(core.bus_),
      actions_total_(core.actions_metric_) {}

DomainActions::~DomainActions() { lanes_->abandon(); }

bool DomainActions::known(std::string_view name) const noexcept { return table_.find(name) != nullptr; }

void DomainActions::preview(std::string_view name, Bytes content, Locale locale, std::string& out) const {
  table_.preview(name, content, locale, out);
}

void DomainActions::search_text(std::string_view name, Bytes content, std::string& out) const {
  if (const auto* row = table_.find(name)) row->plugin->search_text(row->index, content, out);
}

bool DomainActions::has_action(std::string_view name) const noexcept { return table_.find_action(name) != nullptr; }

void DomainActions::act(const Caller& caller, ActionRequest request, Done<std::string> done) {
  if (core_.turned_away(caller, done)) return;
  core_.consult(propose_, PerformAction{{}, caller, std::move(request)},
                [this, done = std::move(done)](PerformAction& asked, Verdict verdict) mutable {
                  if (!verdict.passed()) return core_.refuse(asked.caller, std::move(done), verdict.refusal());
                  auto all = std::make_shared<Asked>();
                  all->caller = asked.caller;
                  all->request = std::move(asked.request);
                  all->done = std::move(done);
                  find(std::move(all));
                });
}

std::optional<Error> DomainActions::wrong_with(const DomainTable::ActionRow& row, const ActionRequest& request) const {
  if (request.arguments.size() > row.spec->max_bytes) {
    return Error{
        Code::too_large, "action.too_large",
        "the arguments of " + request.name + " are limited to " + std::to_string(row.spec->max_bytes) + " bytes"};
  }
  if (!is_object(request.arguments)) return Error{Code::invalid, "action.invalid", "arguments are a JSON object"};
  auto fits = row.schema->check(request.arguments);
  if (!fits) return Error{Code::invalid, "action.invalid", std::move(fits.error().detail)};
  return std::nullopt;
}

void DomainActions::find(std::shared_ptr<Asked> asked) {
  const auto refuse = [&](Error error) { core_.refuse(asked->caller, std::move(asked->done), std::move(error)); };
  asked->row = table_.find_action(asked->request.name);
  if (asked->row == nullptr) return refuse({Code::invalid, "action.unknown", "no domain has such an action"});
  if (asked->request.arguments.empty()) asked->request.arguments = "{}";
  if (auto wrong = wrong_with(*asked->row, asked->request)) return refuse(std::move(*wrong));
  const auto caller = asked->caller;
  const auto message = asked->request.message;
  core_.with_actor(caller, [this, asked = std::move(asked), caller, message](Result<UserPtr> actor) mutable {
    if (!actor) return core_.refuse(caller, std::move(asked->done), std::move(actor.error()));
    asked->actor = std::move(*actor);
    core_.find_message(caller, message, [this, asked = std::move(asked)](Result<MessageRecord> record) mutable {
      if (!record) return core_.refuse(asked->caller, std::move(asked->done), std::move(record.error()));
      add(std::move(asked), std::move(*record));
    });
  });
}

void DomainActions::add(std::shared_ptr<Asked> asked, MessageRecord record) {
  const auto refuse = [&](Error error) { core_.refuse(asked->caller, std::move(asked->done), std::move(error)); };
  const auto& domain = *asked->row->domain;
  if (record.message->domain != domain.spec->name) {
    return refuse({Code::invalid, "action.elsewhere", "the message is of domain " + record.message->domain});
  }
  if (record.is_recalled()) return refuse({Code::conflict, "message.recalled", "the message is recalled"});
  const auto lane = lane_of(domain, *record.conversation);
  core_.hold(asked->caller);
  lanes_->add(lane, std::make_unique<ActJob>(*this, std::move(asked), std::move(record)));
}

void DomainActions::run_for(const Caller& caller, Function<void()> work) {
  if (caller.thread >= core_.threads_.count()) return work();
  core_.threads_.post(caller.thread, std::move(work));
}

void DomainActions::answer(const std::shared_ptr<Asked>& asked, Result<std::string> result) {
  if (!core_.is_gone(asked->caller)) core_.guarded([&] { asked->done(std::move(result)); });
}

void DomainActions::send(const Caller& caller, UserPtr sender, Submission&& submission, UserPtr peer,
                         Done<Accepted>&& done) {
  const auto& row = *table_.find(submission.domain);
  if (peer != nullptr) {
    const auto lane = lane_of(row, sender->id, peer->id);
    core_.hold(caller);
    return lanes_->add(lane, std::make_unique<SendJob>(*this, row, caller, std::move(sender), std::move(submission),
                                                       std::move(peer), std::move(done)));
  }
  auto to = submission.to;
  core_.with_conversation(caller, std::move(to), true,
                          [this, caller, sender = std::move(sender), submission = std::move(submission),
                           done = std::move(done)](Result<ConversationState*> found) mutable {
                            if (!found) return core_.fail_submission(caller, std::move(done), std::move(found.error()));
                            send_in(**found, caller, std::move(sender), std::move(submission), std::move(done));
                          });
}

void DomainActions::send_in(ConversationState& conversation, const Caller& caller, UserPtr sender,
                            Submission&& submission, Done<Accepted>&& done) {
  std::shared_ptr<const Conversation> info;
  bool is_member = false;
  {
    const std::lock_guard lock(core_.state_.mutex);
    info = conversation.info;
    is_member = conversation.is_direct() ? conversation.has_direct_member(sender->id)
                                         : conversation.member(sender->id) != nullptr;
  }
  const auto& row = *table_.find(submission.domain);
  // Who is none is refused by the committer, and learns nothing of the state before.
  if (!is_member) {
    return core_.enqueue_submission(caller, std::move(submission), nullptr, std::move(done),
                                    std::make_unique<SubmitEntry::More>());
  }
  core_.hold(caller);
  lanes_->add(lane_of(row, *info), std::make_unique<SendJob>(*this, row, caller, std::move(sender),
                                                             std::move(submission), nullptr, std::move(done)));
}

}  // namespace loft
