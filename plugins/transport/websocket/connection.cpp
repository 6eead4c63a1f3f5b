#include "connection.hpp"

#include <algorithm>
#include <array>

#include <loft/utf8.hpp>

namespace loft::websocket {

/// A message of which not everything is here yet: several frames, or a frame cut by the end of a read.
struct Connection::Pieces {
  std::string text;         ///< unmasked so far
  std::size_t checked = 0;  ///< of `text`, known to be UTF-8
  std::uint64_t left = 0;   ///< payload bytes of the current frame still to come
  std::uint64_t frame_size = 0;
  std::array<char, 4> mask{};
  std::size_t frames = 0;
  bool is_text = true;
  bool is_last = false;  ///< the current frame has FIN
};

namespace {

// One message at a time is unmasked on a thread, so one buffer per thread serves all its connections.
std::string& scratch() {
  thread_local std::string buffer;
  return buffer;
}
constexpr std::size_t keep_scratch = 256 * 1024;
constexpr std::size_t reserve_at_most = 16 * 1024;  // what a header may make us allocate before its payload is here

CloseCode code_of(CloseMeaning meaning) noexcept {
  switch (meaning) {
    case CloseMeaning::done:
      return CloseCode::normal;
    case CloseMeaning::going_away:
      return CloseCode::going_away;
    case CloseMeaning::protocol_error:
      return CloseCode::protocol_error;
    case CloseMeaning::bad_data:
      return CloseCode::bad_data;
    case CloseMeaning::policy:
    case CloseMeaning::replaced:
      return CloseCode::policy;
    case CloseMeaning::too_big:
      return CloseCode::too_big;
    case CloseMeaning::failure:
      return CloseCode::failure;
    case CloseMeaning::try_again_later:
      return CloseCode::try_again_later;
  }
  return CloseCode::failure;
}

}  // namespace

Connection::Connection(Link& link, const Settings& settings)
    : link_(link), settings_(settings), heard_at_(link.clock().steady()), ping_at_(heard_at_ + settings.ping_interval) {
  rearm();
}

Connection::~Connection() = default;

void Connection::open(Endpoint& endpoint, const Opening& opening) {
  guarded([&] { conversant_ = endpoint.open(*this, opening); });
  if (conversant_ == nullptr && state_ == State::open) start_closing(CloseCode::failure, "no such route");
}

std::size_t Connection::on_bytes(Bytes bytes) {
  if (state_ == State::finished) return bytes.size();
  heard_at_ = link_.clock().steady();
  holds_.begin_parsing();
  std::size_t used = 0;
  while (used < bytes.size() && may_parse()) {
    const auto step_size = step(bytes.substr(used));
    if (step_size == 0) break;
    used += step_size;
  }
  if (holds_.end_parsing(state_ == State::open)) link_.pause_reads(true);
  return state_ == State::finished ? bytes.size() : used;
}

/// Handles one frame or a part of one; 0 when more bytes are needed.
std::size_t Connection::step(Bytes bytes) {
  if (pieces_ != nullptr && pieces_->left > 0) return take_piece(bytes);
  FrameHeader header;
  const char* problem = "";
  switch (read_header(bytes, header, problem)) {
    case HeaderState::incomplete:
      return 0;
    case HeaderState::broken:
      fail(CloseCode::protocol_error, problem);
      return 0;
    case HeaderState::complete:
      break;
  }
  const auto rest = bytes.substr(header.size);
  if (!is_control(header.opcode)) return header.size + data_frame(header, rest);
  if (rest.size() < header.length) return 0;
  char payload[max_control_payload];
  const auto length = static_cast<std::size_t>(header.length);
  unmask(payload, rest.substr(0, length), header.mask, 0);
  control(header, Bytes(payload, length));
  return header.size + length;
}

void Connection::control(const FrameHeader& header, Bytes payload) {
  if (header.opcode == Opcode::close) return closed_by_peer(payload);
  if (header.opcode == Opcode::ping && state_ == State::open) send_frame(Opcode::pong, Slices(&payload, 1));
}

void Connection::closed_by_peer(Bytes payload) {
  auto code = CloseCode::none;
  if (payload.size() == 1) return fail(CloseCode::protocol_error, "close code is cut");
  if (payload.size() >= 2) {
    const auto number =
        static_cast<unsigned>(static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]));
    if (!is_valid_close_code(number)) return fail(CloseCode::protocol_error, "close code is not allowed");
    if (!utf8::valid(payload.substr(2))) return fail(CloseCode::bad_data, "close reason is not UTF-8");
    code = static_cast<CloseCode>(number);
  }
  if (state_ == State::open) send_close(code, {});
  finish();
}

/// Takes what there is of the payload; returns how much that was.
std::size_t Connection::data_frame(const FrameHeader& header, Bytes rest) {
  const bool continues = header.opcode == Opcode::continuation;
  if (continues != (pieces_ != nullptr)) {
    fail(CloseCode::protocol_error, continues ? "continuation without a beginning" : "message inside a message");
    return 0;
  }
  const auto before = continues ? pieces_->text.size() : 0;
  if (header.length > settings_.max_message || before > settings_.max_message - header.length) {
    fail(CloseCode::too_big, "message is over the limit of " + std::to_string(settings_.max_message) + " bytes");
    return 0;
  }
  if (continues || !header.fin || rest.size() < header.length) {
    if (!begin_pieces(header)) return 0;
    if (pieces_->left > 0) return rest.empty() ? 0 : take_piece(rest);
    end_of_frame();
    return 0;
  }
  const auto length = static_cast<std::size_t>(header.length);
  if (state_ != State::open) return length;  // while closing, messages are only stepped over
  auto& buffer = scratch();
  if (buffer.size() < length) buffer.resize(length);
  const bool ascii = unmask(buffer.data(), rest.substr(0, length), header.mask, 0);
  const Bytes message(buffer.data(), length);
  const bool is_text = header.opcode == Opcode::text;
  if (is_text && !ascii && !utf8::valid(message)) {
    fail(CloseCode::bad_data, "text is not UTF-8");
  } else {
    deliver({message, is_text});
  }
  if (buffer.size() > keep_scratch) std::string().swap(buffer);
  return length;
}

bool Connection::begin_pieces(const FrameHeader& header) {
  if (pieces_ == nullptr) {
    pieces_ = std::make_unique<Pieces>();
    pieces_->is_text = header.opcode == Opcode::text;
  }
  auto& pieces = *pieces_;
  if (++pieces.frames > settings_.max_fragments) {
    fail(CloseCode::too_big, "message has over " + std::to_string(settings_.max_fragments) + " fragments");
    return false;
  }
  pieces.left = pieces.frame_size = header.length;
  pieces.mask = header.mask;
  pieces.is_last = header.fin;
  const auto soon = static_cast<std::size_t>(std::min<std::uint64_t>(header.length, reserve_at_most));
  if (header.fin) pieces.text.reserve(pieces.text.size() + soon);
  return true;
}

std::size_t Connection::take_piece(Bytes bytes) {
  auto& pieces = *pieces_;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(pieces.left, bytes.size()));
  const auto at = pieces.text.size();
  if (state_ == State::open) {
    pieces.text.resize(at + size);
    unmask(pieces.text.data() + at, bytes.substr(0, size), pieces.mask, (pieces.frame_size - pieces.left) % 4);
    if (pieces.is_text) {
      pieces.checked += utf8::first_bad(Bytes(pieces.text).substr(pieces.checked));
      if (!may_continue_utf8(Bytes(pieces.text).substr(pieces.checked))) {
        fail(CloseCode::bad_data, "text is not UTF-8");
        return size;
      }
    }
  }
  pieces.left -= size;
  if (pieces.left == 0) end_of_frame();
  return size;
}

void Connection::end_of_frame() {
  if (!pieces_->is_last) return;
  const auto pieces = std::move(pieces_);
  if (state_ != State::open) return;
  if (pieces->is_text && pieces->checked != pieces->text.size()) return fail(CloseCode::bad_data, "text is not UTF-8");
  deliver({pieces->text, pieces->is_text});
}

void Connection::deliver(MessageView message) {
  if (state_ != State::open || conversant_ == nullptr) return;
  guarded([&] { conversant_->on_message(message); });
}

template <class F>
void Connection::guarded(F&& call) noexcept {
  if (!transport::guarded(settings_.log, std::forward<F>(call))) start_closing(CloseCode::failure, "internal error");
}

void Connection::send(Slices message) {
  if (state_ == State::open) send_frame(Opcode::text, message);
}

void Connection::send_frame(Opcode opcode, Slices payload) {
  std::uint64_t length = 0;
  for (const auto piece : payload) length += piece.size();
  char header[10];
  const Bytes head(header, write_header(opcode, length, header));
  std::array<Bytes, 8> together{head};
  if (payload.size() < together.size()) {
    std::copy(payload.begin(), payload.end(), together.begin() + 1);
    return link_.write(Slices(together.data(), payload.size() + 1));
  }
  link_.write(head);
  link_.write(payload);
}

void Connection::send_close(CloseCode code, std::string_view text) {
  const auto number = static_cast<unsigned>(code);
  const char digits[2] = {static_cast<char>(number >> 8), static_cast<char>(number)};
  const Bytes payload[2] = {Bytes(digits, 2), utf8_cut(text, max_control_payload - 2)};
  send_frame(Opcode::close, code == CloseCode::none ? Slices() : Slices(payload));
}

/// The closing handshake, begun by this side.
void Connection::start_closing(CloseCode code, std::string_view text) {
  if (state_ != State::open) return;
  send_close(code, text);
  state_ = State::closing;
  due_at_ = link_.clock().steady() + settings_.close_timeout;
  rearm();
  if (holds_.resume()) link_.pause_reads(false);  // the peer's close frame stands behind what is held
}

/// The peer broke a rule: it is told, and not listened to any more.
void Connection::fail(CloseCode code, std::string_view why) {
  if (settings_.violations != nullptr) settings_.violations->add();
  if (settings_.log != nullptr && settings_.log->enabled(LogLevel::debug)) {
    settings_.log->debug("the peer broke the protocol",
                         {{"why", why}, {"code", static_cast<unsigned>(code)}, {"peer", link_.remote_address()}});
  }
  if (state_ == State::open) send_close(code, why);
  finish();
}

void Connection::finish() {
  state_ = State::finished;
  link_.close(CloseHow::flush);
}

void Connection::close(CloseMeaning meaning, std::string_view text) { start_closing(code_of(meaning), text); }

void Connection::drain() { start_closing(CloseCode::going_away, "the server stops"); }

void Connection::hold() {
  if (holds_.hold(state_ == State::open)) link_.pause_reads(true);
}

void Connection::release() {
  if (!holds_.release()) return;
  heard_at_ = link_.clock().steady();  // the silence was ours
  rearm();
  link_.pause_reads(false);
}

void Connection::login_deadline(Millis in) {
  if (state_ != State::open) return;
  due_at_ = in > 0 ? link_.clock().steady() + in : 0;
  rearm();
}

/// Sets the link's deadline to the nearest of ours. Bytes that come in only move `heard_at_`: the deadline then finds
/// that it is too early, which costs less than a new one per message.
void Connection::rearm() {
  if (state_ == State::finished) return;
  const auto now = link_.clock().steady();
  Millis nearest = 0;
  const auto consider = [&](Millis at) {
    if (at != 0 && (nearest == 0 || at < nearest)) nearest = at;
  };
  consider(due_at_);
  if (state_ == State::open) {
    if (settings_.ping_interval > 0) consider(ping_at_);
    if (settings_.idle_timeout > 0 && !holds_.paused()) consider(heard_at_ + settings_.idle_timeout);
  }
  link_.deadline(nearest == 0 ? 0 : std::max<Millis>(nearest - now, 1));
}

void Connection::on_deadline() {
  if (state_ == State::finished) return;
  const auto now = link_.clock().steady();
  if (state_ == State::closing) {
    if (now >= due_at_) return finish();
    return rearm();
  }
  if (due_at_ != 0 && now >= due_at_) {
    due_at_ = 0;
    guarded([&] {
      if (conversant_ != nullptr) conversant_->on_login_deadline();
    });
    if (state_ != State::open) return;
  }
  if (settings_.idle_timeout > 0 && !holds_.paused() && now >= heard_at_ + settings_.idle_timeout) {
    send_close(CloseCode::going_away, "nothing was heard for too long");
    return finish();
  }
  if (settings_.ping_interval > 0 && now >= ping_at_) {
    send_frame(Opcode::ping, {});
    ping_at_ = now + settings_.ping_interval;
  }
  rearm();
}

void Connection::on_closed(CloseReason) {
  state_ = State::finished;
  pieces_.reset();
  guarded([&] {
    if (conversant_ != nullptr) conversant_->on_closed();
  });
}

}  // namespace loft::websocket
