#include "session.hpp"

#include <utility>

#include <loft/contract_tools.hpp>

namespace loft::flix {

Session::Session(const Shared& shared, Peer& peer, phoenix::Version version, std::optional<Claims> proof)
    : shared_(shared), peer_(peer), socket_(version, *this), proof_(std::move(proof)) {
  peer_.login_deadline(shared_.settings.join_timeout);
}

Session::~Session() { forget_user(); }

void Session::forget_user() {
  if (user_ != UserId::none) shared_.joined.remove(std::exchange(user_, UserId::none));
}

void Session::on_login_deadline() {
  if (!peer_.logged_in()) peer_.close(CloseMeaning::policy, "no channel was joined in time");
}

// With `phx_error` the client joins again, with a token that is good by then; `phx_close` would keep it away.
void Session::on_expired() {
  socket_.fail_all("{\"reason\":\"token expired\"}");
  forget_user();
}

void Session::join(const Frame& frame) {
  joining_ = Address(frame);
  asked_ = frame.topic;
  if (!missing(frame.payload) && !frame.payload.is(json::Type::object)) {
    return refuse_join(failure::parameter("payload must be an object"));
  }
  const auto [token] = pick<1>(frame.payload, {"token"});
  if (!missing(token) && !token.is(json::Type::string)) {
    return refuse_join({Code::unauthenticated, "token.malformed", {}});
  }
  if (missing(token) && !proof_) return refuse_join(failure::no_token());
  // What came with the socket was good when it was opened; since then it may have expired.
  if (missing(token) && proof_->believed_until != 0 && proof_->believed_until <= shared_.host->clock().now()) {
    return refuse_join({Code::unauthenticated, "token.expired", {}});
  }
  const auto claims = missing(token) ? Result<Claims>(*proof_) : shared_.verify(token.text().value_or(std::string()));
  if (!claims) return refuse_join(claims.error());
  if (!peer_.logged_in()) return log_in(*claims);
  // A socket is one user's.
  if (asked_ != topic_) return refuse_join(failure::wrong_topic(asked_));
  peer_.hold();
  auto found = [this, claims = *claims](const Result<std::shared_ptr<const User>>& user) {
    peer_.release();
    if (!user) return refuse_join(user.error());
    if ((*user)->id != peer_.caller().user) return refuse_join(failure::wrong_topic(asked_));
    log_in(claims);
  };
  shared_.host->users().find(peer_.caller(), claims->user(), std::move(found));
}

void Session::log_in(const Claims& claims) {
  SessionPolicy policy;
  policy.variant = static_cast<Variant>(socket_.version());
  policy.interests.recalls = true;
  policy.interests.receipts = true;
  policy.interests.signals = true;
  policy.mark_on_push = {MarkId::delivered};
  peer_.login(claims, std::move(policy), [this](Result<Login> result) { joined(std::move(result)); });
}

void Session::joined(Result<Login> result) {
  if (!result) {
    forget_user();
    return refuse_join(result.error());
  }
  const auto& user = *result->user;
  if (asked_ != "user:" + user.uuid) {
    peer_.logout();
    peer_.login_deadline(shared_.settings.join_timeout);
    return refuse_join(failure::wrong_topic(asked_));
  }
  forget_user();
  user_ = user.id;
  shared_.joined.add(user);
  topic_ = asked_;
  socket_.accept(topic_, joining_);
}

void Session::refuse_join(const Error& error) {
  std::string response;
  append_response(response, error, Act::join);
  socket_.refuse(asked_, joining_, response);
}

void Session::left(Bytes) {
  forget_user();
  peer_.logout();
  peer_.login_deadline(shared_.settings.join_timeout);
}

void Session::refuse(const Address& to, const Error& error, Act act) {
  auto& out = scratch();
  phoenix::begin_reply(out, socket_.version(), to, topic_, false);
  append_response(out, error, act);
  phoenix::end_reply(out, socket_.version(), to);
  peer_.send(Bytes(out));
}

std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer, const Opening& opening) {
  auto version = phoenix::Version::v1;
  std::optional<Claims> proof;
  if (opening.request != nullptr) {
    const auto vsn = opening.request->query_value("vsn").value_or(std::string());
    version = phoenix::version_of(vsn).value_or(version);
    if (const auto token = socket_token(*opening.request)) {
      if (auto claims = shared.verify(*token)) proof = std::move(*claims);
    }
  }
  return std::make_unique<Session>(shared, peer, version, std::move(proof));
}

}  // namespace loft::flix
