#include "endpoint/peer.hpp"

#include <algorithm>

namespace loft {
namespace {

/// The wall clock may jump, the channel's does not: so often the rest of a token's time is looked at again.
constexpr Millis look_again = 3'600'000;

}  // namespace

void PeerSession::on_message(MessageView message) {
  try {
    conversant_->on_message(message);
  } catch (const std::exception& e) {
    fail(e.what());
  }
}

void PeerSession::on_login_deadline() {
  try {
    if (until_ != 0) {
      if (logged_in()) return services_.clock.now() < until_ ? await_expiry() : expire("the token has expired");
      until_ = 0;  // of a session that is gone
    } else if (!logged_in()) {
      conversant_->on_login_deadline();
    }
  } catch (const std::exception& e) {
    fail(e.what());
  }
}

void PeerSession::on_closed() {
  end_session();
  conversant_->on_closed();
}

void PeerSession::fail(const char* what) {
  services_.log.error("a contract's handler threw", {{"what", what}});
  channel_.close(CloseMeaning::failure, "internal error");
}

// A session that is there goes on until the new one begins: its answers still come, and no message falls between the
// two.
void PeerSession::login(UserRef user, SessionPolicy policy, Done<Login> done) {
  close(opening_);
  opening_ = std::make_unique<Session>();
  opening_->link = &link_;
  opening_->caller.contract = &contract_;
  opening_->caller.thread = thread_;
  opening_->caller.service = policy.service;
  opening_->follow(policy);
  services_.core.sessions().add(*opening_);
  link_.hold();
  services_.core.open_session(*opening_, std::move(user),
                              [this, until = policy.until, done = std::move(done)](Result<Login> login) mutable {
                                auto opened = std::move(opening_);
                                end_session();
                                if (login) {
                                  session_ = std::move(opened);
                                  until_ = until;
                                  if (until_ != 0) await_expiry();
                                } else {
                                  close(opened);
                                }
                                done(std::move(login));
                              });
}

void PeerSession::close(std::unique_ptr<Session>& session) {
  if (session == nullptr) return;
  services_.core.close_session(*session);
  session.reset();
}

void PeerSession::end_session() {
  close(opening_);
  close(session_);
  while (link_.holds > 0) link_.release();
}

void PeerSession::login_deadline(Millis in) {
  if (logged_in()) return;
  until_ = 0;
  channel_.login_deadline(in);
}

// A connection has either a login to wait for or a session that ends, so one deadline of the channel serves both.
void PeerSession::await_expiry() {
  channel_.login_deadline(std::clamp<Millis>(until_ - services_.clock.now(), 1, look_again));
}

void PeerSession::expire(std::string_view why) {
  until_ = 0;
  conversant_->on_expired();
  channel_.close(CloseMeaning::policy, why);
  // Now, not when the peer has said goodbye: what is sent meanwhile would reach nobody and count as delivered.
  end_session();
}

void PeerSession::Link::hold() {
  ++holds;
  peer.channel_.hold();
}

void PeerSession::Link::release() {
  if (holds == 0) return;
  --holds;
  peer.channel_.release();
}

void PeerSession::Link::replaced() {
  if (peer.opening_ != nullptr) return;  // by the next one on the same connection
  peer.conversant_->on_replaced();
  peer.channel_.close(CloseMeaning::replaced, "logged in elsewhere");
}

}  // namespace loft
