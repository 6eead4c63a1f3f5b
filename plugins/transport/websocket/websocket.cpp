#include "websocket.hpp"

#include "connection.hpp"
#include "handshake.hpp"

namespace loft::websocket {

namespace {

/// For a listener that was configured wrongly: takes nothing, ends at once.
class Refused final : public Protocol {
 public:
  explicit Refused(Link& link) { link.close(CloseHow::flush); }
  std::size_t on_bytes(Bytes bytes) override { return bytes.size(); }
  void on_deadline() override {}
  void on_closed(CloseReason) override {}
  void drain() override {}
};

}  // namespace

void WebSocket::options(OptionTable& table) {
  table.list(
      "origins", settings_.origins,
      "Web origins that may connect, such as https://app.example. Empty allows all; with `identity.trust_header`, "
      "pages of this machine only. Clients that are no browser send none and always pass.");
  table.size("max_message", settings_.max_message, "Largest message a client may send, all fragments together.")
      .range(125, 1 << 30);
  table.integer("max_fragments", settings_.max_fragments, "Most fragments one message may come in.")
      .range(1, 1'000'000);
  table.duration("ping_interval", settings_.ping_interval, "Time between pings to a client; 0 sends none.");
  table.duration("idle_timeout", settings_.idle_timeout,
                 "A client from which nothing comes for this long, not even a pong, is closed; 0 never.");
  table.duration("close_timeout", settings_.close_timeout, "How long the client's answer to a close frame is awaited.")
      .range(1, 600'000);
}

Result<void> WebSocket::configure() {
  if (settings_.idle_timeout > 0 && settings_.ping_interval >= settings_.idle_timeout) {
    return Error{
        Code::invalid, "ping_interval",
        "ping_interval (" + OptionTable::duration_text(settings_.ping_interval) +
            ") must be shorter than idle_timeout (" + OptionTable::duration_text(settings_.idle_timeout) +
            "): quiet clients would be closed before they are asked. Lower ping_interval or raise idle_timeout."};
  }
  for (const auto& origin : settings_.origins) {
    const auto scheme = origin.find("://");
    if (scheme == std::string::npos || scheme == 0 || origin.find('/', scheme + 3) != std::string::npos) {
      return Error{Code::invalid, "origins",
                   "'" + origin + "' is not an origin: write scheme, host and port only, such as https://app.example"};
    }
  }
  return {};
}

void WebSocket::setup(Host& host) {
  settings_.log = &host.log();
  settings_.only_local_pages = host.trusts_user_header();
  settings_.violations = &host.metrics().counter("websocket_violations_total",
                                                 "WebSocket connections closed because the client broke the protocol");
}

std::unique_ptr<Protocol> WebSocket::serve(Link& link, Endpoint&) {
  if (settings_.log != nullptr) {
    settings_.log->error(
        "a WebSocket begins with an HTTP request: give this listener the transport 'http', which hands "
        "upgrades over to 'websocket'");
  }
  return std::make_unique<Refused>(link);
}

std::unique_ptr<Protocol> WebSocket::adopt(Link& link, const HttpExchange& request, Endpoint& endpoint) {
  if (!endpoint.has_socket(request.path())) {
    link.write(refusal(404, "Not Found", "there is no WebSocket at this path"));
    return nullptr;
  }
  auto answer = answer_upgrade(request, settings_.origins, settings_.only_local_pages);
  if (answer.accepted) {
    const auto admission = endpoint.admit(request);
    if (admission.refused != 0) answer = refuse_upgrade(admission.refused);
    if (!admission.subprotocol.empty()) name_subprotocol(answer, admission.subprotocol);
  }
  link.write(answer.response);
  if (!answer.accepted) return nullptr;
  auto connection = std::make_unique<Connection>(link, settings_);
  connection->open(endpoint, {.path = request.path(),
                              .query = request.query(),
                              .request = &request,
                              .remote_address = request.remote_address(),
                              .from_loopback = request.from_loopback()});
  return connection;
}

}  // namespace loft::websocket
