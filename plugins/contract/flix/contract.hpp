// The contract plugin of document 001, "Flix".
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include <loft/contract.hpp>

#include "phoenix.hpp"
#include "wire.hpp"

namespace loft::flix {

struct Settings {
  Millis join_timeout = 60'000;
  Millis recall_window = 120'000;
  std::string locale = "zh-CN";
  std::string recalled_text = "此消息已被撤回";
};

/// The uuids of users who have joined: what is pushed may name its reader before it is known which session reads it.
/// Thread role: any.
class Joined {
 public:
  void add(const User& user);
  void remove(UserId user);
  /// Empty: has not joined.
  std::string uuid(UserId user) const;

 private:
  struct Entry {
    std::string uuid;
    unsigned sockets = 0;
  };
  mutable std::shared_mutex mutex_;
  std::unordered_map<UserId, Entry> users_;
};

/// What sockets and HTTP handlers share; constant once `setup` is over, `joined` apart.
struct Shared {
  Settings settings;
  TokenRules rules;
  Host* host = nullptr;
  Wire wire;
  mutable Joined joined;

  Messaging& messaging() const noexcept;
  Result<Claims> verify(std::string_view token) const;
};

class FlixContract final : public Contract {
 public:
  void options(OptionTable& table) override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  void encode(const Delivery& delivery, Variant variant, Encoded& out) const override;

 private:
  Shared shared_;
};

/// The token that a socket's request carries: `token` of the query, or in the subprotocol. Nullopt: none.
std::optional<std::string> socket_token(const HttpExchange& request);
/// What is said to the request for a socket.
Admission admit(const Shared& shared, const HttpExchange& request);

std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer, const Opening& opening);

void message_routes(const Shared& shared, Routes& routes);
void list_routes(const Shared& shared, Routes& routes);
void system_routes(const Shared& shared, Routes& routes);

/// Asks for everything behind `after` until a page has something to say and the millisecond of `after` is over: `write`
/// appends what it says and tells how much that was. `done` hears where to go on.
void sync_from(const Shared& shared, const Caller& caller, Position after, Function<std::size_t(const SyncPage&)> write,
               Done<Position> done);

}  // namespace loft::flix
