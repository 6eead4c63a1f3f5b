#include "connection.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "response.hpp"
#include "text.hpp"

namespace loft::http {

Connection::Connection(Link& link, Endpoint& endpoint, const Settings& settings)
    : link_(link), endpoint_(endpoint), settings_(settings), since_(link.clock().steady()) {
  // A new connection owes its first request soon; only one that had an answer may be idle for long.
  due_in(settings.header_timeout);
}

Connection::~Connection() {
  if (exchange_ != nullptr) exchange_->detach();
}

std::size_t Connection::on_bytes(Bytes bytes) {
  if (state_ == State::finished) return bytes.size();
  if (state_ == State::in_flight) return 0;
  in_read_ = true;
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::finished && state_ != State::in_flight && !handed_over_) {
    if (state_ == State::between && link_.pressure() != Pressure::none) break;
    const auto before = state_;
    const auto size = step(bytes.substr(used));
    used += size;
    if (size == 0 && state_ == before) break;
  }
  in_read_ = false;
  if (handed_over_) return used;
  if (state_ == State::finished) return bytes.size();
  if (state_ == State::in_flight) {
    // Paused also when nothing more has come: the end of the peer's stream must not overtake the answer that it waits
    // for.
    due_ = 0;
    paused_ = true;
    link_.pause_reads(true);
  } else if (state_ == State::between && due_ == 0) {
    since_ = link_.clock().steady();
    due_in(settings_.idle_timeout);
  }
  return used;
}

std::size_t Connection::step(Bytes bytes) {
  if (state_ == State::body) return read_body(bytes);
  if (state_ == State::between) {
    // An empty line before a request is passed over (RFC 9112 §2.2).
    if (bytes.starts_with("\r\n")) return 2;
    if (bytes == "\r") return 0;
    exchange_ = std::make_shared<Exchange>(*this, link_.remote_address(), link_.from_loopback());
    parser_ = std::make_unique<RequestParser>(settings_, exchange_->request());
    state_ = State::head;
    due_ = 0;
  }
  return read_head(bytes);
}

std::size_t Connection::read_head(Bytes bytes) {
  const auto step = parser_->head(bytes);
  if (step.state == RequestParser::State::refused) {
    refuse(step.refusal);
    return step.used;
  }
  if (step.state == RequestParser::State::more) {
    if (due_ == 0) {
      since_ = link_.clock().steady();
      due_in(settings_.header_timeout);
    }
    return 0;
  }
  due_ = 0;
  const auto& request = exchange_->request();
  if (!request.has_body) {
    carry_out();
    return step.used;
  }
  if (!greet_body()) return step.used;
  state_ = State::body;
  since_ = link_.clock().steady();
  due_in(settings_.body_timeout);
  return step.used;
}

/// Answers an expectation; false when it cannot be met.
bool Connection::greet_body() {
  const auto& request = exchange_->request();
  const auto expectation = request.header("Expect");
  if (expectation.empty() || !request.is_11) return true;
  if (!same(expectation, "100-continue")) {
    refuse({417, "only the expectation '100-continue' is known"});
    return false;
  }
  link_.write("HTTP/1.1 100 Continue\r\n\r\n");
  return true;
}

std::size_t Connection::read_body(Bytes bytes) {
  const auto step = parser_->body(bytes);
  if (step.state == RequestParser::State::refused) {
    refuse(step.refusal);
  } else if (step.state == RequestParser::State::complete) {
    carry_out();
  }
  return step.used;
}

void Connection::carry_out() {
  parser_.reset();
  state_ = State::in_flight;
  due_ = 0;
  ++served_;
  if (settings_.requests != nullptr) settings_.requests->add();
  const auto& request = exchange_->request();
  if (const auto expectation = request.header("Expect");
      !request.has_body && request.is_11 && !expectation.empty() && !same(expectation, "100-continue")) {
    return refuse({417, "only the expectation '100-continue' is known"});
  }
  try {
    if (request.is_11 && request.method == HttpMethod::get && has_token(request.header("Upgrade"), "websocket") &&
        upgrade()) {
      return;
    }
    const auto exchange = exchange_;  // an answer at once lets go of ours
    endpoint_.exchange(exchange);
    return;
  } catch (const std::exception& error) {
    if (settings_.log != nullptr)
      settings_.log->error("a route threw; the connection closes", {{"error", error.what()}});
  } catch (...) {
    if (settings_.log != nullptr) settings_.log->error("a route threw; the connection closes");
  }
  if (state_ == State::in_flight) {
    refuse({500, "internal error"});
  } else {
    finish();
  }
}

/// True when the request is dealt with: the connection speaks another protocol now, or the upgrade was refused.
bool Connection::upgrade() {
  auto* const transport = endpoint_.websocket();
  if (transport == nullptr || !endpoint_.has_socket(exchange_->path())) return false;
  if (draining_) {
    refuse({503, "the host stops"});
    return true;
  }
  link_.deadline(0);
  armed_ = 0;
  auto next = transport->adopt(link_, *exchange_, endpoint_);
  exchange_->detach();
  exchange_.reset();
  if (next != nullptr) {
    handed_over_ = true;
    link_.hand_over(std::move(next));
  } else {
    state_ = State::between;
  }
  return true;
}

void Connection::answer(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more) {
  if (state_ != State::in_flight || exchange_ == nullptr) return;
  if (status < 200 || status > 999) status = 500;
  const auto& request = exchange_->request();
  const bool keep = request.keep_alive && !draining_ && !refusing_ && !asks_to_close(more) &&
                    (settings_.max_requests == 0 || served_ < settings_.max_requests);
  thread_local std::string head;
  head.clear();
  const auto dropped = append_head(
      head,
      {.status = status, .type = type, .length = body.size(), .is_11 = request.is_11, .keep_alive = keep, .more = more},
      link_.clock().now());
  if (dropped > 0 && settings_.log != nullptr) {
    settings_.log->warn("headers that cannot stand in a response were left out", {{"count", dropped}});
  }
  const bool with_body = has_body(status) && request.method != HttpMethod::head;
  const std::array<Bytes, 2> pieces{head, with_body ? body : Bytes()};
  link_.write(pieces);
  exchange_.reset();
  if (!keep) return finish();
  state_ = State::between;
  if (in_read_) return;
  since_ = link_.clock().steady();
  due_in(settings_.idle_timeout);
  if (!paused_) return;
  paused_ = false;
  link_.pause_reads(false);
}

/// Answers with an error, in the form of the contract that the request is for, or else in the transport's; and closes.
void Connection::refuse(Refusal refusal) {
  if (settings_.refused != nullptr) settings_.refused->add();
  if (worded_by_contract(refusal.status)) return;
  const auto body = error_body(refusal.error);
  std::string head;
  append_head(head, {.status = refusal.status, .type = "application/json", .length = body.size(), .keep_alive = false},
              link_.clock().now());
  const bool with_body = exchange_ == nullptr || exchange_->request().method != HttpMethod::head;
  const std::array<Bytes, 2> pieces{head, with_body ? Bytes(body) : Bytes()};
  link_.write(pieces);
  finish();
}

/// Whether a contract has answered. One that only says it would, and does not, leaves the answer to the transport.
bool Connection::worded_by_contract(unsigned status) {
  if (exchange_ == nullptr || status == 500) return false;  // 500: it is the contract that failed
  state_ = State::in_flight;
  refusing_ = true;
  const auto exchange = exchange_;
  try {
    endpoint_.refuse(exchange, status);
  } catch (const std::exception& error) {
    if (settings_.log != nullptr) settings_.log->error("a route threw at a refusal", {{"error", error.what()}});
  } catch (...) {
    if (settings_.log != nullptr) settings_.log->error("a route threw at a refusal");
  }
  return state_ == State::finished;
}

void Connection::finish() {
  state_ = State::finished;
  due_ = 0;
  parser_.reset();
  if (exchange_ != nullptr) exchange_->detach();
  exchange_.reset();
  link_.close(CloseHow::flush);
}

/// The state's time is over `in` milliseconds after it began; 0: never. The link's deadline is only moved when it would
/// come too late: one that comes too early finds out and is set again.
void Connection::due_in(Millis in) {
  due_ = in > 0 ? since_ + in : 0;
  if (due_ == 0 || (armed_ != 0 && armed_ <= due_)) return;
  armed_ = due_;
  link_.deadline(std::max<Millis>(due_ - link_.clock().steady(), 1));
}

Millis Connection::body_due() const noexcept {
  const auto received = static_cast<Millis>(exchange_->request().body.size());
  const auto earned = settings_.body_rate > 0 ? received * 1000 / settings_.body_rate : 0;
  return since_ + settings_.body_timeout + earned;
}

void Connection::on_deadline() {
  armed_ = 0;
  if (due_ == 0 || state_ == State::finished) return;
  if (state_ == State::body) due_ = body_due();
  const auto now = link_.clock().steady();
  if (now < due_) {
    armed_ = due_;
    return link_.deadline(due_ - now);
  }
  switch (state_) {
    case State::head:
      return refuse({408, "the request did not come in time"});
    case State::body:
      return refuse({408, "the body did not come in time"});
    default:
      return finish();
  }
}

void Connection::drain() {
  draining_ = true;
  if (state_ == State::between) finish();
}

void Connection::on_closed(CloseReason) {
  state_ = State::finished;
  if (exchange_ != nullptr) exchange_->detach();
  exchange_.reset();
}

}  // namespace loft::http
