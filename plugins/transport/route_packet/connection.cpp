#include "connection.hpp"

#include <algorithm>
#include <exception>
#include <string>

namespace loft::route_packet {

Connection::Connection(Link& link, const Settings& settings)
    : link_(link), settings_(settings), heard_at_(link.clock().steady()), sent_at_(heard_at_) {
  rearm();
}

void Connection::open(Endpoint& endpoint) {
  guarded([&] {
    conversant_ =
        endpoint.open(*this, {.remote_address = link_.remote_address(), .from_loopback = link_.from_loopback()});
  });
  if (conversant_ != nullptr || finished_) return;
  if (settings_.log != nullptr) {
    settings_.log->error("no contract of this listener speaks packets: give it one that does, such as carrypigeon");
  }
  finish();
}

std::size_t Connection::on_bytes(Bytes bytes) {
  if (finished_) return bytes.size();
  parsing_ = true;
  std::size_t used = 0;
  while (!finished_ && holds_ == 0 && link_.pressure() == Pressure::none) {
    Bytes payload;
    const auto cut = cut_frame(bytes.substr(used), payload);
    if (cut == Cut::incomplete) break;
    if (cut == Cut::broken) {
      fail("a length of 0");
      break;
    }
    used += length_size + payload.size();
    heard_at_ = link_.clock().steady();
    take(payload);
  }
  parsing_ = false;
  if (finished_) return bytes.size();
  if (holds_ > 0 && !paused_) {
    paused_ = true;
    link_.pause_reads(true);
  }
  return used;
}

void Connection::take(Bytes payload) {
  const auto opened = codec_.open(payload);
  if (opened.kind == PlainCodec::Kind::message && conversant_ != nullptr) {
    guarded([&] { conversant_->on_message(opened.message); });
  }
}

/// Foreign code below: a failure of it ends this connection, and no other.
template <class F>
void Connection::guarded(F&& call) noexcept {
  try {
    call();
    return;
  } catch (const std::exception& error) {
    if (settings_.log != nullptr)
      settings_.log->error("a contract threw; the connection closes", {{"error", error.what()}});
  } catch (...) {
    if (settings_.log != nullptr) settings_.log->error("a contract threw; the connection closes");
  }
  finish();
}

void Connection::send(Slices message) {
  if (finished_) return;
  std::size_t size = codec_.overhead();
  for (const auto piece : message) size += piece.size();
  if (size > max_payload || size == 0) {  // a length that does not fit would be read as another one; 0 means the end
    if (settings_.dropped != nullptr) settings_.dropped->add();
    if (settings_.log != nullptr) {
      settings_.log->error("a packet was dropped: it does not fit its frame; the contract must trim its answers",
                           {{"size", size}, {"limit", max_payload}});
    }
    return;
  }
  thread_local std::string frame;
  frame.clear();
  codec_.seal(message, size, frame);
  link_.write(frame);
  sent_at_ = link_.clock().steady();
}

void Connection::hold() {
  ++holds_;
  if (parsing_ || paused_ || finished_) return;
  paused_ = true;
  link_.pause_reads(true);
}

void Connection::release() {
  if (holds_ == 0 || --holds_ > 0 || !paused_ || finished_) return;
  paused_ = false;
  heard_at_ = link_.clock().steady();  // the silence was ours
  rearm();
  link_.pause_reads(false);
}

/// The protocol has no goodbye: what was written is sent, then the connection ends.
void Connection::close(CloseMeaning, std::string_view) { finish(); }

void Connection::drain() { finish(); }

void Connection::fail(const char* why) {
  if (settings_.violations != nullptr) settings_.violations->add();
  if (settings_.log != nullptr && settings_.log->enabled(LogLevel::debug)) {
    settings_.log->debug("the peer broke the protocol", {{"why", why}, {"peer", link_.remote_address()}});
  }
  finish();
}

void Connection::finish() {
  if (finished_) return;
  finished_ = true;
  link_.close(CloseHow::flush);
}

void Connection::login_deadline(Millis in) {
  login_at_ = in > 0 ? link_.clock().steady() + in : 0;
  rearm();
}

/// Sets the link's deadline to the nearest of ours. Traffic only moves the times; the deadline then finds that it is
/// too early, which costs less than a new one per packet.
void Connection::rearm() {
  if (finished_) return;
  const auto now = link_.clock().steady();
  Millis nearest = login_at_;
  const auto consider = [&](Millis at) {
    if (nearest == 0 || at < nearest) nearest = at;
  };
  if (settings_.heartbeat > 0) consider(sent_at_ + settings_.heartbeat);
  if (settings_.idle_timeout > 0 && !paused_) consider(heard_at_ + settings_.idle_timeout);
  link_.deadline(nearest == 0 ? 0 : std::max<Millis>(nearest - now, 1));
}

void Connection::on_deadline() {
  if (finished_) return;
  const auto now = link_.clock().steady();
  if (login_at_ != 0 && now >= login_at_) {
    login_at_ = 0;
    guarded([&] {
      if (conversant_ != nullptr) conversant_->on_login_deadline();
    });
    if (finished_) return;
  }
  if (settings_.idle_timeout > 0 && !paused_ && now >= heard_at_ + settings_.idle_timeout) return finish();
  if (settings_.heartbeat > 0 && now >= sent_at_ + settings_.heartbeat) {
    const Bytes nothing("{}");
    send(Slices(&nothing, 1));
  }
  rearm();
}

void Connection::on_closed(CloseReason) {
  finished_ = true;
  guarded([&] {
    if (conversant_ != nullptr) conversant_->on_closed();
  });
}

}  // namespace loft::route_packet
