#include "carrypigeon/contract.hpp"

#include <memory>

#include <loft/token_options.hpp>

#include "carrypigeon/applications.hpp"
#include "carrypigeon/connection.hpp"
#include "carrypigeon/notifications.hpp"

namespace loft::carrypigeon {

void CarryPigeon::options(OptionTable& table) {
  table.duration("delete_window", settings_.delete_window,
                 "How long after sending a message may be deleted; 0 sets no limit.");
  table.duration("login_deadline", settings_.login_deadline,
                 "A connection without login is closed after this time; 0 lets it stay.");
  table.choice("channel_join", settings_.channel_join, {"free", "approval", "invite_only"},
               "Who may join the channels that are made through this contract by an own act.");
  token_options(table, settings_.token);
  table.text("locale", settings_.locale, "The language of previews in notifications.");
  table.text("websocket_path", settings_.websocket_path,
             "Where the same packets are served over WebSocket, one per text frame; empty: nowhere.");
  table.boolean("compat_business_codes", settings_.compat_business_codes,
                "What a user may not do is answered with code 100 instead of 300, as the original server does; only a "
                "missing login stays 300.");
}

Result<void> CarryPigeon::configure() {
  const auto& path = settings_.websocket_path;
  if (path.empty() || (path.starts_with('/') && path.find_first_of("?# ") == std::string::npos)) return {};
  return Error{Code::invalid, "websocket_path",
               "websocket_path '" + path + "' is no path: write one such as /cp, or leave it empty"};
}

void CarryPigeon::setup(Host& host) {
  services_.emplace(Services{host.messaging(), host.users(), host.identity(), host.domains(), host.key_values(),
                             host.clock(), settings_});
  auto& store = host.key_values();
  host.bus().intercept<EraseUser>(Stage::policy,
                                  [&store](EraseUser& event) { return erase_applications(store, event); });
  host.bus().intercept<ExportUser>(Stage::policy,
                                   [&store](ExportUser& event) { return tell_applications(store, event); });
}

void CarryPigeon::routes(Routes& routes) {
  const auto open = [this](Peer& peer, const Opening&) -> std::unique_ptr<Conversant> {
    return std::make_unique<Connection>(peer, *services_);
  };
  routes.packets(open);
  // The same packets, one per text frame: for browsers and for tests.
  if (!settings_.websocket_path.empty()) routes.socket(settings_.websocket_path, open);
}

void CarryPigeon::encode(const Delivery& delivery, Variant, Encoded& out) const {
  append_notification(out.bytes, delivery, *services_);
}

}  // namespace loft::carrypigeon
