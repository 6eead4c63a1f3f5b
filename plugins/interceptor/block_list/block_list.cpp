#include "block_list/block_list.hpp"

#include <stdexcept>

namespace loft::block_list {
namespace {

// A list is one value of the store; this many fit with the longest names and numbers.
constexpr double most_blocked = 700;

// Where facts come from that no I/O thread is the cause of.
constexpr unsigned no_thread = ~0u;

}  // namespace

void BlockListPlugin::options(OptionTable& table) {
  table.choice("on_direct", on_direct_, {"refuse", "drop_silently"},
               "What becomes of a message to somebody who has blocked its sender: refuse says so to the sender; "
               "drop_silently takes it, and the receiver never sees it.");
  table.choice("in_groups", in_groups_, {"withhold", "deliver"},
               "What becomes of a blocked user's messages in groups: withhold does not push them to whom has blocked "
               "the user (the group's history has them), deliver does.");
  table.integer("limit", limit_, "So many users can one user block.").range(1, most_blocked);
}

void BlockListPlugin::setup(Host& host) {
  bus_ = &host.bus();
  messaging_ = &host.messaging();
  log_ = &host.log();
  editor_.emplace(table_, host.key_values(), *messaging_, limit_);
  services_.emplace(Services{table_, *editor_, host.users(), host.identity(), limit_});
  refused_ =
      &host.metrics().counter("blocked_refused_total", "Messages refused because the receiver blocks the sender.");
  withheld_ = &host.metrics().counter("blocked_withheld_total",
                                      "Pushes withheld from a session because its user blocks the sender.");
  bus_->intercept<SubmitMessage>(Stage::policy, [this](SubmitMessage& event) { return submit(event); });
  bus_->intercept<DeliverTo>(Stage::policy, [this](DeliverTo& event) { return deliver(event); });
  bus_->observe<MessageStored>([this](const MessageStored& event) { stored(event.record); });
  bus_->observe<ConversationCreated>([this](const ConversationCreated& event) { table_.learn(*event.conversation); });
}

void BlockListPlugin::start() {
  if (const auto loaded = editor_->load(); !loaded) {
    throw std::runtime_error("the block lists cannot be read: " + loaded.error().reason +
                             (loaded.error().detail.empty() ? "" : ", " + loaded.error().detail));
  }
}

Verdict BlockListPlugin::submit(const SubmitMessage& event) const {
  if (on_direct_ != OnDirect::refuse || !table_.may_be_blocked(event.caller.user)) return Verdict::pass();
  const auto receiver = table_.receiver(event.submission.to, event.caller.user);
  if (receiver == UserId::none || !table_.blocks(receiver, event.caller.user)) return Verdict::pass();
  refused_->add();
  return Verdict::refuse(Code::forbidden, "user.blocked", "the receiver takes no messages from you");
}

Verdict BlockListPlugin::deliver(const DeliverTo& event) const {
  const auto& record = *event.record;
  if (!table_.blocks(event.recipient, record.message->sender)) return Verdict::pass();
  if (record.conversation->kind != ConversationKind::direct && in_groups_ == InGroups::deliver) return Verdict::pass();
  withheld_->add();
  return Verdict::refuse(Code::forbidden, "user.blocked");
}

// What was taken all the same, because it is to be dropped or because its conversation was not known to be that of the
// two, leaves the receiver's lists and counts.
void BlockListPlugin::stored(const MessageRecord& record) {
  if (record.conversation->kind != ConversationKind::direct || record.peer == nullptr) return;
  if (!table_.blocks(record.peer->id, record.message->sender)) return;
  table_.learn(*record.conversation);
  const auto thread = bus_->origin();
  const auto receiver = record.peer->id;
  const auto message = record.message->id;
  if (thread != no_thread) return hide(receiver, message, thread);
  bus_->post(0, [this, receiver, message] { hide(receiver, message, 0); });
}

void BlockListPlugin::hide(UserId user, MessageId message, unsigned thread) {
  MarkAct act;
  act.mark = MarkId::hidden;
  act.messages = {message};
  Caller caller;
  caller.user = user;
  caller.contract = this;
  caller.thread = thread;
  messaging_->mark(caller, std::move(act), [this, user](Result<Marked> hidden) {
    if (hidden) return;
    log_->warn("a message of a blocked user could not be hidden from the receiver",
               {{"receiver", raw(user)}, {"reason", hidden.error().reason}});
  });
}

}  // namespace loft::block_list
