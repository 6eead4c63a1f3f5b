// The contract plugin of document 003, "IM".
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <loft/contract.hpp>
#include <loft/push_devices.hpp>

#include "wire.hpp"

namespace loft::im {

/// Who is believed to be who.
enum class Auth : std::uint8_t {
  trusted_header,  ///< whatever `X-User-ID` or `login` say; on a loopback host only
  token,           ///< what a token proves
};

struct Settings {
  Auth auth = Auth::trusted_header;
  Millis login_timeout = 30'000;
  TokenRules token;
  bool register_frames = true;
  std::string locale = "zh-CN";
  std::string recalled_text = "此消息已被撤回";
};

/// What sessions and HTTP handlers share; constant once `setup` is over.
struct Shared {
  Settings settings;
  Host* host = nullptr;
  Wire wire;
  MarkId fetched = MarkId::delivered;  ///< `im.fetched`, given by the host in `setup`
  std::optional<Proposer<ListLostDevices>> lost_devices;
  mutable std::atomic<std::uint64_t> connections = 0;  ///< WebSockets that are open, logged in or not

  Millis now() const noexcept;
  Messaging& messaging() const noexcept;
  InboxQuery offline(std::optional<MessageId> after, std::size_t limit) const;
};

class ImContract final : public Contract {
 public:
  void options(OptionTable& table) override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  void encode(const Delivery& delivery, Variant variant, Encoded& out) const override;

 private:
  void encode_action(const Delivery& delivery, std::string& out) const;

  Shared shared_;
};

/// Who calls, and for how long that is proved.
struct Proven {
  UserRef user;
  Millis until = 0;      ///< since 1970; 0: for ever
  bool service = false;  ///< as Caller::service
};

/// The user that an HTTP request or a login names, proved as the settings ask. `named` may be empty over HTTP with a
/// token.
Result<Proven> prove(const Shared& shared, std::string named, std::string_view token);

std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer);

void message_routes(const Shared& shared, Routes& routes);
void group_routes(const Shared& shared, Routes& routes);

}  // namespace loft::im
