#include "contract.hpp"

#include <stdexcept>

#include <loft/contract_tools.hpp>
#include <loft/token_options.hpp>

#include "errors.hpp"
#include "fields.hpp"
#include "http.hpp"

namespace loft::im {
namespace {

bool is_named(const Claims& claims, std::string_view name) {
  if (claims.named) {
    const auto& ref = *claims.named;
    return ref.by == UserRef::By::id ? name == std::to_string(ref.number) : name == ref.text;
  }
  return (!claims.handle.empty() && name == claims.handle) || (!claims.subject.empty() && name == claims.subject) ||
         (claims.user_id != 0 && name == std::to_string(claims.user_id));
}

}  // namespace

Millis Shared::now() const noexcept { return host->clock().now(); }
Messaging& Shared::messaging() const noexcept { return host->messaging(); }

// Without a cursor the mark says what is new to this contract's clients; with one the client says it itself.
InboxQuery Shared::offline(std::optional<MessageId> after, std::size_t limit) const {
  InboxQuery query;
  query.with_recalled = true;
  if (!after) query.lacking = fetched;
  query.after = after.value_or(MessageId::none);
  query.limit = limit;
  query.mark_returned = fetched;
  return query;
}

Result<Proven> prove(const Shared& shared, std::string named, std::string_view token) {
  if (shared.settings.auth == Auth::trusted_header) {
    if (named.empty()) return failure::no_user();
    return Proven{UserRef::handle_or_id(std::move(named)).or_create()};
  }
  const auto claims = shared.host->identity().verify(token, shared.settings.token);
  if (!claims) return claims.error();
  if (!named.empty() && !is_named(*claims, named)) return failure::wrong_user();
  return Proven{claims->user(), claims->believed_until, claims->service};
}

void ImContract::options(OptionTable& table) {
  auto& settings = shared_.settings;
  table.choice("auth", settings.auth, {"trusted_header", "token"},
               "Who is believed: trusted_header takes X-User-ID and the user_id of login as they come (hosts on "
               "loopback only), token asks for a token of the host.");
  token_options(table, settings.token);
  table.duration("login_timeout", settings.login_timeout,
                 "A WebSocket that has not logged in after this time is closed; 0 waits for ever.");
  table.boolean("register_frames", settings.register_frames,
                "Tell a client that logs in which of its devices must be registered again, because their push provider "
                "has given them up, with a frame that the contract does not have, push_register.");
  table.text("locale", settings.locale, "Language of the text that stands for messages this contract cannot show.");
  table.text("recalled_text", settings.recalled_text, "What is shown in the place of a recalled message.");
}

void ImContract::setup(Host& host) {
  if (shared_.settings.auth == Auth::trusted_header && !host.trusts_user_header()) {
    throw std::runtime_error(
        "auth: trusted_header believes whoever says X-User-ID, which `identity.trust_header: true` must allow (and "
        "only does while every listener is on 127.0.0.1 or ::1); set `auth: token` for this contract instead");
  }
  shared_.host = &host;
  shared_.lost_devices.emplace(host.bus());
  shared_.fetched = host.messaging().define_mark({"im.fetched", false});
  shared_.wire.begin(host.domains(), shared_.settings.locale, shared_.settings.recalled_text);
}

void ImContract::routes(Routes& routes) {
  routes.socket("/ws", [this](Peer& peer, const Opening&) { return make_session(shared_, peer); });
  message_routes(shared_, routes);
  group_routes(shared_, routes);
  routes.otherwise([](const HttpExchangePtr& exchange, unsigned status) { reply(*exchange, http_refusal(status)); });
}

/// What members hear of an action (docs/contracts/im.md). Signals of other contracts have no form here.
void ImContract::encode_action(const Delivery& delivery, std::string& out) const {
  const auto& signal = *delivery.signal;
  if (delivery.actor == nullptr || !shared_.host->domains().has_action(signal.name)) return;
  out += "{\"type\":\"";
  out += signal.name;
  out += "\",\"data\":{\"message_id\":\"";
  append_message_id(out, signal.message);
  out += "\",\"user_id\":";
  json::append_string(out, delivery.actor->handle);
  if (delivery.conversation->kind == ConversationKind::group) {
    out += ",\"group_id\":";
    append_group_id(out, *delivery.conversation);
  }
  out += ",\"event\":";
  out += signal.data;
  out += '}';
  append_stamp(out, shared_.now());
}

void ImContract::encode(const Delivery& delivery, Variant, Encoded& out) const {
  if (delivery.kind == Delivery::Kind::signal) return encode_action(delivery, out.bytes);
  if (delivery.kind != Delivery::Kind::message) return;
  const auto& record = *delivery.record;
  const bool is_group = record.conversation->kind == ConversationKind::group;
  out.bytes.reserve(320 + record.message->content.size());
  out.bytes += is_group ? "{\"type\":\"new_group_message\",\"data\":" : "{\"type\":\"new_message\",\"data\":";
  shared_.wire.pushed(out, record);
  out.bytes += ",\"timestamp\":";
  append_millis(out.bytes, shared_.now());
  out.bytes += ",\"message_id\":\"";
  append_message_id(out.bytes, record.message->id);
  out.bytes += "\"}";
}

}  // namespace loft::im
