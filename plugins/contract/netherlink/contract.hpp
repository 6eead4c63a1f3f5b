// The contract plugin of document 000, "NetherLink".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <loft/contract.hpp>
#include <loft/push_devices.hpp>

#include "netherlink/wire.hpp"

namespace loft::netherlink {

/// How `payload` leaves; both forms come in.
enum class PayloadEncoding : Variant {
  object,  ///< a JSON object
  string,  ///< a string that holds the JSON text of that object
};

struct Settings {
  bool auto_sync = true;
  PayloadEncoding payload_encoding = PayloadEncoding::object;
  Millis login_timeout = 10'000;
  bool recall_frames = true;
  bool register_frames = true;
  bool error_details = false;
  /// What clients see of it. Why the host itself is in trouble is the operator's business.
  std::string_view detail_of(const Error& error) const noexcept {
    return error_details && error.code != Code::internal ? std::string_view(error.detail) : std::string_view();
  }
  std::string time_offset = "+08:00";
  std::string locale = "zh-CN";
  std::string recalled_text = "此消息已被撤回";
  TokenRules tokens;
};

/// What sessions and HTTP handlers share; constant once `setup` is over.
struct Shared {
  Settings settings;
  Host* host = nullptr;
  Wire wire;
  MarkId synced = MarkId::delivered;   ///< `netherlink.synced`, given by the host in `setup`
  MarkId cleared = MarkId::delivered;  ///< `netherlink.cleared`, likewise
  std::optional<Proposer<ListLostDevices>> lost_devices;

  Messaging& messaging() const { return host->messaging(); }
  /// Whom a token names. Errors: as Identity::verify.
  Result<Claims> verify(std::string_view token) const { return host->identity().verify(token, settings.tokens); }
  /// What has not been synced. The limit and the rest are the caller's.
  InboxQuery unsynced() const;
  /// These have arrived: synced, and so delivered. `messages` must not be empty.
  MarkAct mark_synced(std::vector<MessageId> messages) const;
};

class NetherLink final : public Contract {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  void encode(const Delivery& delivery, Variant variant, Encoded& out) const override;

 private:
  void encode_action(const Delivery& delivery, Variant variant, std::string& out) const;

  Shared shared_;
  int offset_minutes_ = 480;
};

/// `shared` and `peer` outlive the session.
std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer, PayloadEncoding encoding);

void http_routes(const Shared& shared, Routes& routes);

}  // namespace loft::netherlink
