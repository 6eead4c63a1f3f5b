#include "netherlink/contract.hpp"

#include <utility>

#include <loft/contract_tools.hpp>
#include <loft/token_options.hpp>

#include "netherlink/errors.hpp"

namespace loft::netherlink {
namespace {

/// Minutes east of UTC of `Z`, `+08:00` and the like.
std::optional<int> parse_offset(std::string_view text) noexcept {
  if (text == "Z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  for (const auto at : {1, 2, 4, 5}) {
    if (text[static_cast<std::size_t>(at)] < '0' || text[static_cast<std::size_t>(at)] > '9') return std::nullopt;
  }
  const int minutes = ((text[1] - '0') * 10 + (text[2] - '0')) * 60 + (text[4] - '0') * 10 + (text[5] - '0');
  if (text[4] > '5' || minutes > 14 * 60) return std::nullopt;
  return text[0] == '-' ? -minutes : minutes;
}

/// `payload=` of the socket's address, which outranks the option.
PayloadEncoding encoding_of(std::string_view query, PayloadEncoding usual) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair == "payload=string") return PayloadEncoding::string;
    if (pair == "payload=object") return PayloadEncoding::object;
  }
  return usual;
}

}  // namespace

InboxQuery Shared::unsynced() const {
  InboxQuery query;
  query.lacking = synced;
  return query;
}

MarkAct Shared::mark_synced(std::vector<MessageId> messages) const {
  MarkAct act;
  act.mark = synced;
  act.also = MarkId::delivered;
  act.messages = std::move(messages);
  return act;
}

void NetherLink::options(OptionTable& table) {
  auto& settings = shared_.settings;
  token_options(table, settings.tokens);
  table.boolean("auto_sync", settings.auto_sync,
                "Push what was missed, up to 100 messages, right after login_success; off for clients that always send "
                "sync_offline_messages.");
  table.choice("payload_encoding", settings.payload_encoding, {"object", "string"},
               "How the payload of frames leaves: as a JSON object, or as a string that holds its JSON text. A "
               "connection may choose for itself with ?payload=string or ?payload=object.");
  table.duration("login_timeout", settings.login_timeout,
                 "A WebSocket that has not logged in after this time is closed; 0 waits for ever.");
  table.boolean("recall_frames", settings.recall_frames,
                "Tell live sessions of recalled messages with a frame that the contract does not have, "
                "message_recalled.");
  table.boolean("register_frames", settings.register_frames,
                "Tell a client that logs in which of its devices must be registered again, because their push provider "
                "has given them up, with a frame that the contract does not have, push_register.");
  table.boolean("error_details", settings.error_details,
                "Add a member detail to errors that says in English which field is wrong; for development.");
  table.text("time_offset", settings.time_offset,
             "The offset from UTC that times are written with: Z, or like +08:00.");
  table.text("locale", settings.locale, "Language of the text that stands for messages this contract cannot show.");
  table.text("recalled_text", settings.recalled_text, "What is shown in the place of a recalled message.");
}

Result<void> NetherLink::configure() {
  const auto minutes = parse_offset(shared_.settings.time_offset);
  if (!minutes) {
    return Error{Code::invalid, "time_offset",
                 "time_offset is \"" + shared_.settings.time_offset +
                     "\"; write Z, or a sign, hours and minutes such as \"+08:00\", up to 14:00"};
  }
  offset_minutes_ = *minutes;
  return {};
}

void NetherLink::setup(Host& host) {
  shared_.host = &host;
  shared_.lost_devices.emplace(host.bus());
  MarkSpec synced{"netherlink.synced"};
  synced.implied_by_read = true;
  synced.timed = true;
  shared_.synced = host.messaging().define_mark(synced);
  shared_.cleared = host.messaging().define_mark(MarkSpec{"netherlink.cleared"});
  shared_.wire.begin(host.domains(), shared_.settings.locale, shared_.settings.recalled_text, offset_minutes_);
}

void NetherLink::routes(Routes& routes) {
  routes.socket("/ws", [this](Peer& peer, const Opening& opening) {
    return make_session(shared_, peer, encoding_of(opening.query, shared_.settings.payload_encoding));
  });
  http_routes(shared_, routes);
}

namespace {

/// A frame around the payload that `write(out)` appends.
template <class F>
void frame(std::string& out, std::string_view type, Variant variant, F write) {
  if (static_cast<PayloadEncoding>(variant) == PayloadEncoding::string) {
    auto& payload = scratch();
    write(payload);
    return append_frame(out, type, payload, true);
  }
  out += "{\"type\":\"";
  out += type;
  out += "\",\"payload\":";
  write(out);
  out += '}';
}

}  // namespace

/// What members hear of an action (docs/contracts/netherlink.md). Signals of other contracts have no form here.
void NetherLink::encode_action(const Delivery& delivery, Variant variant, std::string& out) const {
  const auto& signal = *delivery.signal;
  if (delivery.actor == nullptr || !shared_.host->domains().has_action(signal.name)) return;
  frame(out, signal.name, variant, [&](std::string& payload) {
    json::Writer(payload)
        .object()
        .key("message_id")
        .number(raw(signal.message))
        .key("from")
        .string(delivery.actor->handle);
    payload += ",\"event\":";
    payload += signal.data;
    payload += '}';
  });
}

void NetherLink::encode(const Delivery& delivery, Variant variant, Encoded& out) const {
  if (delivery.kind == Delivery::Kind::signal) return encode_action(delivery, variant, out.bytes);
  const bool is_recall = delivery.kind == Delivery::Kind::recalled;
  if (!is_recall && delivery.kind != Delivery::Kind::message) return;
  const auto& record = *delivery.record;
  out.bytes.reserve(320 + record.message->content.size());
  frame(out.bytes, is_recall ? "message_recalled" : "chat", variant, [&](std::string& payload) {
    if (is_recall)
      shared_.wire.recalled(payload, record);
    else
      shared_.wire.live(payload, record, Wire::Live::news);
  });
}

}  // namespace loft::netherlink
