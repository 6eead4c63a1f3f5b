#include "contract.hpp"

#include <mutex>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/token_options.hpp>

#include "errors.hpp"
#include "http.hpp"

namespace loft::flix {
namespace {

using phoenix::Version;

constexpr std::string_view socket_path = "/socket/websocket";

constexpr Variant variant(Version version) noexcept { return static_cast<Variant>(version); }

/// A broadcast of the event `name` on each viewer's own topic, around what `write` writes.
template <class F>
void broadcast(Encoded& out, Variant which, std::string_view name, F write) {
  const bool is_v2 = which == variant(Version::v2);
  out.bytes += is_v2 ? "[null,null,\"user:" : "{\"topic\":\"user:";
  out.splice(Encoded::Part::viewer_uuid);
  out.bytes += is_v2 ? "\",\"" : "\",\"event\":\"";
  out.bytes += name;
  out.bytes += is_v2 ? "\"," : "\",\"payload\":";
  write();
  out.bytes += is_v2 ? "]" : ",\"ref\":null}";
}

/// Of what the document knows.
template <class F>
void broadcast(Encoded& out, Variant which, F write) {
  broadcast(out, which, "event", std::move(write));
}

UserId other_of(const Conversation& conversation, UserId one) noexcept {
  return conversation.low == one ? conversation.high : conversation.low;
}

/// One round of `sync_from`. Owned by the answers that are on their way.
struct Syncing {
  const Shared& shared;
  Caller caller;
  Function<std::size_t(const SyncPage&)> write;
  Done<Position> done;
  Millis began = 0;  ///< the millisecond that is read on from
  int rounds = 0;
};

// A client that keeps milliseconds only begins its millisecond anew: an answer does not end within it, or it would be
// the same for ever. Whoever writes much and hears little has long stretches of nothing: they are passed over in larger
// steps, and not for ever, since the next request goes on from there.
void ask(const std::shared_ptr<Syncing>& syncing, Position after) {
  constexpr std::size_t first_limit = 100, next_limit = 1000;
  constexpr int most_rounds = 64;
  SyncQuery query;
  query.after = after;
  query.limit = syncing->rounds == 0 ? first_limit : next_limit;
  syncing->shared.messaging().sync(syncing->caller, query, [syncing](Result<SyncPage> page) {
    if (!page) return syncing->done(std::move(page.error()));
    const auto said = syncing->write(*page);
    const bool goes_on = said == 0 || id::time_of(page->next) == syncing->began;
    if (goes_on && page->more && ++syncing->rounds < most_rounds) return ask(syncing, page->next);
    syncing->done(page->next);
  });
}

}  // namespace

void Joined::add(const User& user) {
  const std::unique_lock lock(mutex_);
  auto& entry = users_[user.id];
  entry.uuid = user.uuid;
  ++entry.sockets;
}

void Joined::remove(UserId user) {
  const std::unique_lock lock(mutex_);
  const auto found = users_.find(user);
  if (found != users_.end() && --found->second.sockets == 0) users_.erase(found);
}

std::string Joined::uuid(UserId user) const {
  const std::shared_lock lock(mutex_);
  const auto found = users_.find(user);
  return found == users_.end() ? std::string() : found->second.uuid;
}

Messaging& Shared::messaging() const noexcept { return host->messaging(); }

Result<Claims> Shared::verify(std::string_view token) const { return host->identity().verify(token, rules); }

void FlixContract::options(OptionTable& table) {
  auto& settings = shared_.settings;
  table.duration("join_timeout", settings.join_timeout,
                 "A socket that has not joined a channel after this time is closed; 0 waits for ever.");
  table.duration("recall_window", settings.recall_window,
                 "So long after sending a message its sender may withdraw it; 0: for ever.");
  table.text("locale", settings.locale,
             "Language of previews, and of the text that stands for messages this contract cannot show.");
  table.text("recalled_text", settings.recalled_text, "What is shown in the place of a recalled message.");
  token_options(table, shared_.rules);
}

void FlixContract::setup(Host& host) {
  shared_.host = &host;
  shared_.wire.begin(host.domains(), shared_.settings.locale, shared_.settings.recalled_text);
}

void FlixContract::routes(Routes& routes) {
  routes.socket(
      std::string(socket_path),
      [this](Peer& peer, const Opening& opening) { return make_session(shared_, peer, opening); },
      [this](const HttpExchange& request) { return admit(shared_, request); });
  message_routes(shared_, routes);
  list_routes(shared_, routes);
  system_routes(shared_, routes);
  routes.otherwise([](const HttpExchangePtr& exchange, unsigned status) {
    const bool at_socket = status == 405 && exchange->path() == socket_path;
    reply(*exchange, at_socket ? failure::socket_method() : http_refusal(status));
  });
}

void FlixContract::encode(const Delivery& delivery, Variant which, Encoded& out) const {
  const auto reader = Reader::each(out);
  switch (delivery.kind) {
    case Delivery::Kind::message:
      out.bytes.reserve(1024 + delivery.record->message->content.size());
      return broadcast(out, which, [&] { shared_.wire.new_message(out.bytes, *delivery.record, reader); });
    case Delivery::Kind::recalled:
      return broadcast(out, which, [&] {
        shared_.wire.recalled(out.bytes, *delivery.record, delivery.record->message->recalled, reader);
      });
    case Delivery::Kind::receipt: {
      std::string mine, other;
      if (delivery.conversation->kind == ConversationKind::direct) {
        mine = shared_.joined.uuid(other_of(*delivery.conversation, delivery.subject->id));
        other = delivery.subject->uuid;
        if (mine.empty()) return;  // has left meanwhile
      }
      // Large groups keep no changes: the message's own position stands for the act.
      const auto position = delivery.position != 0 ? delivery.position : raw(delivery.newest);
      return broadcast(out, which, [&] {
        Wire::read(out.bytes, *delivery.conversation, delivery.newest, position, mine, other, reader.viewer);
      });
    }
    case Delivery::Kind::signal: {
      // What members hear of an action (docs/contracts/flix.md). Signals of other contracts have no form here.
      const auto& signal = *delivery.signal;
      if (delivery.actor == nullptr || !shared_.host->domains().has_action(signal.name)) return;
      return broadcast(out, which, signal.name, [&] {
        out.bytes += "{\"message_id\":\"";
        append_uuid(out.bytes, UuidKind::message, raw(signal.message));
        out.bytes.append("\",\"user_id\":\"").append(delivery.actor->uuid).append("\",\"event\":");
        out.bytes.append(signal.data) += '}';
      });
    }
    case Delivery::Kind::read:
    case Delivery::Kind::membership:
    case Delivery::Kind::created:
    case Delivery::Kind::updated:
      break;
  }
}

void sync_from(const Shared& shared, const Caller& caller, Position after, Function<std::size_t(const SyncPage&)> write,
               Done<Position> done) {
  const auto began = id::time_of(after + 1);
  ask(std::make_shared<Syncing>(Syncing{shared, caller, std::move(write), std::move(done), began, 0}), after);
}

}  // namespace loft::flix
