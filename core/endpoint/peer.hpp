// The host's side of one connection that speaks to a contract: stands between the transport's channel, the contract's
// conversant and the session.
#pragma once

#include <memory>

#include <loft/contract.hpp>
#include <loft/log.hpp>

#include "endpoint/peer_services.hpp"
#include "messaging/core.hpp"

namespace loft {

class PeerSession final : public Conversant, public Peer {
 public:
  /// Everything outlives it. `thread` is the connection's I/O thread.
  PeerSession(const PeerServices& services, Channel& channel, const Contract& contract, unsigned thread,
              bool from_loopback)
      : services_(services), channel_(channel), contract_(contract), thread_(thread), from_loopback_(from_loopback) {}
  ~PeerSession() override { end_session(); }

  void attach(std::unique_ptr<Conversant> conversant) { conversant_ = std::move(conversant); }

  // ---- Conversant, for the transport
  void on_message(MessageView message) override;
  void on_login_deadline() override;
  void on_closed() override;

  // ---- Peer, for the contract
  void login(UserRef user, SessionPolicy policy, Done<Login> done) override;
  void logout() override { end_session(); }
  bool logged_in() const noexcept override { return session_ != nullptr && session_->active; }
  const Caller& caller() const noexcept override { return session_->caller; }
  const User& user() const noexcept override { return *session_->user; }
  void send(Slices message) override { channel_.send(message); }
  void hold() override { channel_.hold(); }
  void release() override { channel_.release(); }
  void login_deadline(Millis in) override;
  void close(CloseMeaning meaning, std::string_view text) override { channel_.close(meaning, text); }
  bool from_loopback() const noexcept override { return from_loopback_; }

 private:
  /// The session's side: its holds are counted apart, so that they end with it.
  struct Link final : SessionLink {
    explicit Link(PeerSession& peer) : peer(peer) {}
    void send(Slices message) override { peer.channel_.send(message); }
    void hold() override;
    void release() override;
    std::uint64_t written() const noexcept override { return peer.channel_.written(); }
    std::uint64_t proven() noexcept override { return peer.channel_.proven(); }
    void replaced() override;
    void revoked() override { peer.expire("the user is erased"); }

    PeerSession& peer;
    unsigned holds = 0;
  };

  void close(std::unique_ptr<Session>& session);
  void end_session();
  void await_expiry();
  void expire(std::string_view why);
  void fail(const char* what);

  const PeerServices& services_;
  Channel& channel_;
  const Contract& contract_;
  unsigned thread_;
  bool from_loopback_;
  std::unique_ptr<Conversant> conversant_;
  Link link_{*this};
  std::unique_ptr<Session> session_;
  std::unique_ptr<Session> opening_;  ///< takes the place of `session_` when its login is committed
  Millis until_ = 0;  ///< since 1970: the channel's deadline is the session's end; 0: it is the contract's
};

}  // namespace loft
