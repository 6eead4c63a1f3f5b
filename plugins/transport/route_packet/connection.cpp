#include "connection.hpp"

#include <algorithm>
#include <string>

#include <loft/utf8.hpp>

#include "codec.hpp"
#include "handshake.hpp"

namespace loft::route_packet {
namespace {

/// Each costs this side a multiplication on the curve.
constexpr std::uint8_t max_handshakes = 3;

}  // namespace

Connection::Connection(Link& link, const Settings& settings)
    : link_(link),
      settings_(settings),
      speech_(settings.encryption == Encryption::off ? Speech::plain : Speech::undecided),
      heard_at_(link.clock().steady()),
      sent_at_(heard_at_) {
  rearm();
}

void Connection::open(Endpoint& endpoint) {
  guarded([&] {
    conversant_ =
        endpoint.open(*this, {.remote_address = link_.remote_address(), .from_loopback = link_.from_loopback()});
  });
  if (conversant_ != nullptr || finished_) return;
  if (settings_.log != nullptr) {
    settings_.log->error("no contract of this listener speaks packets: give it one that does");
  }
  finish();
}

std::size_t Connection::on_bytes(Bytes bytes) {
  if (finished_) return bytes.size();
  holds_.begin_parsing();
  std::size_t used = 0;
  while (!finished_ && !holds_.any() && link_.pressure() == Pressure::none) {
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
  if (holds_.end_parsing(!finished_)) link_.pause_reads(true);
  return finished_ ? bytes.size() : used;
}

void Connection::take(Bytes payload) {
  if (speech_ == Speech::sealed) return take_sealed(payload);
  if (is_heartbeat(payload)) return;
  if (speech_ == Speech::undecided) return take_first(payload);
  deliver(plain_text(payload));
}

void Connection::take_sealed(Bytes payload) {
  const auto opened = cipher_->open(payload, link_.clock().now(), settings_.max_age);
  if (opened.verdict == Cipher::Verdict::forged) return fail(opened.why);
  if (opened.verdict == Cipher::Verdict::text) deliver(opened.text);
}

/// What comes first decides: a handshake, or a packet that is none, after which there is no handshake any more.
void Connection::take_first(Bytes payload) {
  const auto text = plain_text(payload);
  if (const auto key = handshake_key(text)) return begin_sealed(*key);
  if (settings_.encryption == Encryption::required) return fail("a plain packet where encryption is required");
  speech_ = Speech::plain;
  deliver(text);
}

void Connection::begin_sealed(Bytes key) {
  if (settings_.key != nullptr) cipher_ = agree(*settings_.key, key, settings_.random);
  if (cipher_ == nullptr) {
    if (settings_.refused != nullptr) settings_.refused->add();
    if (settings_.log != nullptr) {
      settings_.log->info("a handshake failed: its key is not sealed for this server",
                          {{"peer", link_.remote_address()}});
    }
    if (++refused_ == max_handshakes) fail("too many handshakes that failed");
    return;
  }
  speech_ = Speech::sealed;
  const auto text = confirmation(cipher_->session());
  const Bytes piece(text);
  send(Slices(&piece, 1));
  rearm();  // heartbeats begin
}

void Connection::deliver(Bytes text) {
  if (conversant_ == nullptr) return;
  guarded([&] { conversant_->on_message({text, utf8::valid(text)}); });
}

template <class F>
void Connection::guarded(F&& call) noexcept {
  if (!transport::guarded(settings_.log, std::forward<F>(call))) finish();
}

void Connection::send(Slices message) {
  // Nothing leaves in plain text where encryption is required.
  if (finished_ || (cipher_ == nullptr && settings_.encryption == Encryption::required)) return;
  std::size_t size = 0;
  for (const auto piece : message) size += piece.size();
  const auto whole = size + (cipher_ != nullptr ? Cipher::overhead : 0);
  if (whole <= max_payload && size != 0) return write(message, whole);
  // A length that does not fit would be read as another one; 0 means the end.
  if (settings_.dropped != nullptr) settings_.dropped->add();
  if (settings_.log != nullptr) {
    settings_.log->error("a packet was dropped: it does not fit its frame; the contract must trim its answers",
                         {{"size", whole}, {"limit", max_payload}});
  }
}

/// A frame whose payload is `size` bytes. Without a text it is a heartbeat.
void Connection::write(Slices text, std::size_t size) {
  thread_local std::string frame;
  frame.clear();
  frame += static_cast<char>(size >> 8);
  frame += static_cast<char>(size);
  if (cipher_ == nullptr) {
    for (const auto piece : text) frame.append(piece);
  } else {
    const auto now = link_.clock().now();
    if (!(text.empty() ? cipher_->heartbeat(now, frame) : cipher_->seal(text, now, frame))) {
      return fail("a connection that has sent all it can");
    }
  }
  link_.write(frame);
  sent_at_ = link_.clock().steady();
}

void Connection::beat() {
  if (cipher_ != nullptr) return write({}, prefix_size);
  const Bytes nothing("{}");
  write(Slices(&nothing, 1), nothing.size());
}

void Connection::hold() {
  if (holds_.hold(!finished_)) link_.pause_reads(true);
}

void Connection::release() {
  if (!holds_.release() || finished_) return;
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
  if (beats()) consider(sent_at_ + settings_.heartbeat);
  if (settings_.idle_timeout > 0 && !holds_.paused()) consider(heard_at_ + settings_.idle_timeout);
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
  if (settings_.idle_timeout > 0 && !holds_.paused() && now >= heard_at_ + settings_.idle_timeout) return finish();
  if (beats() && now >= sent_at_ + settings_.heartbeat) beat();
  rearm();
}

void Connection::on_closed(CloseReason) {
  finished_ = true;
  guarded([&] {
    if (conversant_ != nullptr) conversant_->on_closed();
  });
}

}  // namespace loft::route_packet
