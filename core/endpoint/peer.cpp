#include "endpoint/peer.hpp"

#include "net/engine.hpp"

namespace loft {

void PeerSession::on_message(MessageView message) {
  try {
    conversant_->on_message(message);
  } catch (const std::exception& e) {
    fail(e.what());
  }
}

void PeerSession::on_login_deadline() {
  if (!logged_in()) conversant_->on_login_deadline();
}

void PeerSession::on_closed() {
  end_session();
  conversant_->on_closed();
}

void PeerSession::fail(const char* what) {
  log_.error("a contract's handler threw", {{"what", what}});
  channel_.close(CloseMeaning::failure, "internal error");
}

void PeerSession::login(UserRef user, SessionPolicy policy, Done<Login> done) {
  end_session();
  session_ = std::make_unique<Session>();
  session_->link = &link_;
  session_->caller.contract = &contract_;
  session_->caller.thread = net::Engine::current_thread();
  session_->interests = policy.interests;
  session_->variant = policy.variant;
  session_->single = policy.single;
  for (const auto mark : policy.mark_on_push) session_->marks_on_push |= 1u << static_cast<unsigned>(mark);
  core_.sessions().add(*session_);
  link_.hold();
  core_.open_session(*session_, std::move(user), [this, done = std::move(done)](Result<Login> login) mutable {
    if (login) {
      link_.release();
    } else {
      end_session();
    }
    done(std::move(login));
  });
}

void PeerSession::end_session() {
  if (session_ == nullptr) return;
  core_.close_session(*session_);
  session_.reset();
  while (link_.holds > 0) link_.release();
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
  peer.conversant_->on_replaced();
  peer.channel_.close(CloseMeaning::replaced, "logged in elsewhere");
}

}  // namespace loft
