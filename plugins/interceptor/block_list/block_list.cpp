#include "block_list/block_list.hpp"

#include <stdexcept>

namespace loft::block_list {
namespace {

// A list is one value of the store, and who reads it has each user on it looked up.
constexpr double most_blocked = 700;

}  // namespace

void BlockListPlugin::options(OptionTable& table) {
  table.choice("in_groups", in_groups_, {"withhold", "deliver"},
               "What becomes of a blocked user's messages in groups: withhold does not push them to whom has blocked "
               "the user (the group's history has them), deliver does.");
  table.integer("limit", limit_, "So many users can one user block.").range(1, most_blocked);
  table.text(
      "on_direct", on_direct_,
      "Is there no more, and refused with what to do: a message to somebody who has blocked its sender is always "
      "refused.");
}

Result<void> BlockListPlugin::configure() {
  if (on_direct_.empty()) return {};
  return Error{Code::invalid, "on_direct",
               "there is no choice any more: a message to somebody who has blocked its sender is refused, and "
               "'drop_silently' is gone because it kept such messages and showed them for moments; remove this option"};
}

void BlockListPlugin::setup(Host& host) {
  editor_.emplace(table_, host.key_values(), limit_);
  services_.emplace(Services{table_, *editor_, host.users(), host.identity(), limit_});
  refused_ =
      &host.metrics().counter("blocked_refused_total", "Messages refused because the receiver blocks the sender.");
  withheld_ = &host.metrics().counter("blocked_withheld_total",
                                      "Pushes withheld from a session because its user blocks the sender.");
  auto& bus = host.bus();
  bus.intercept<WriteToUser>(Stage::policy, [this](const WriteToUser& event) { return write(event); });
  bus.intercept<DeliverTo>(Stage::policy, [this](const DeliverTo& event) { return deliver(event); });
  bus.intercept<EraseUser>(Stage::policy, [this](EraseUser& event) { return erase(event); });
  bus.intercept<ExportUser>(Stage::policy, [this](ExportUser& event) { return tell(event); });
}

void BlockListPlugin::start() {
  if (const auto loaded = editor_->load(); !loaded) {
    throw std::runtime_error("the block lists cannot be read: " + loaded.error().reason +
                             (loaded.error().detail.empty() ? "" : ", " + loaded.error().detail));
  }
}

Verdict BlockListPlugin::write(const WriteToUser& event) const {
  if (!table_.blocks(event.receiver, event.caller.user)) return Verdict::pass();
  refused_->add();
  return Verdict::refuse(Code::forbidden, "user.blocked", "the receiver takes no messages from you");
}

// The user's own list. Where others have blocked the user, that is theirs to keep: it holds a number and no name.
Verdict BlockListPlugin::erase(EraseUser& event) {
  const auto list = table_.find(event.user);
  event.removed("interceptor.block_list blocked users", list != nullptr ? list->blocked.size() : 0);
  if (event.dry_run) return Verdict::pass();
  const auto forgotten = editor_->forget(event.user);
  return forgotten ? Verdict::pass() : Verdict(forgotten.error());
}

Verdict BlockListPlugin::tell(ExportUser& event) const {
  const auto list = table_.find(event.user);
  if (list == nullptr) return Verdict::pass();
  for (const auto one : list->blocked) {
    event.add("interceptor.block_list.blocked", "{\"uid\":" + std::to_string(raw(one)) + "}");
  }
  return Verdict::pass();
}

// A direct message comes here where its sender was blocked after it was stored.
Verdict BlockListPlugin::deliver(const DeliverTo& event) const {
  const auto& record = *event.record;
  if (!table_.blocks(event.recipient, record.message->sender)) return Verdict::pass();
  if (record.conversation->kind != ConversationKind::direct && in_groups_ == InGroups::deliver) return Verdict::pass();
  withheld_->add();
  return Verdict::refuse(Code::forbidden, "user.blocked");
}

}  // namespace loft::block_list
