#include <nghttp2/nghttp2.h>

#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <map>

#include "simulate/session.hpp"

namespace loft::simulate {
namespace {

namespace asio = boost::asio;

struct CloseSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

/// One request and its answer.
struct Exchange {
  Call call;
  std::string body;
  std::size_t sent = 0;
  std::unique_ptr<asio::steady_timer> wait;
};

nghttp2_nv header(const std::string& name, const std::string& value) {
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

class Http2 : public std::enable_shared_from_this<Http2> {
 public:
  Http2(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection)
      : stream_(std::move(stream)), provider_(std::move(provider)), connection_(std::move(connection)) {}

  void begin(unsigned max_streams) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    nghttp2_session* raw = nullptr;
    nghttp2_session_server_new(&raw, calls, this);
    nghttp2_session_callbacks_del(calls);
    session_.reset(raw);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams}};
    nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings, 1);
    write();
    read();
  }

 private:
  static Http2& self(void* user) { return *static_cast<Http2*>(user); }

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& me = self(user);
    auto exchange = std::make_unique<Exchange>();
    exchange->call.connection = me.connection_;
    me.exchanges_[frame->hd.stream_id] = std::move(exchange);
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    const auto found = self(user).exchanges_.find(frame->hd.stream_id);
    if (found == self(user).exchanges_.end()) return 0;
    auto& call = found->second->call;
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":method") {
      call.method = std::move(text);
    } else if (key == ":path") {
      call.path = text.substr(0, text.find('?'));
    } else if (!key.starts_with(':')) {
      call.headers.emplace_back(key, std::move(text));
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    const auto found = self(user).exchanges_.find(id);
    if (found == self(user).exchanges_.end()) return 0;
    auto& body = found->second->call.body;
    if (body.size() + size > largest_body) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
      return 0;
    }
    body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      self(user).dispatch(frame->hd.stream_id);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    self(user).exchanges_.erase(id);
    return 0;
  }

  static ssize_t on_source(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& exchange = *static_cast<Exchange*>(source->ptr);
    const auto size = std::min(room, exchange.body.size() - exchange.sent);
    std::memcpy(to, exchange.body.data() + exchange.sent, size);
    exchange.sent += size;
    if (exchange.sent == exchange.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  void dispatch(std::int32_t id) {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end()) return;
    auto reply = provider_(found->second->call);
    if (reply.delay == 0) return respond(id, std::move(reply));
    auto& wait = found->second->wait;
    wait = std::make_unique<asio::steady_timer>(stream_->get_executor(), std::chrono::milliseconds(reply.delay));
    wait->async_wait([me = shared_from_this(), id, reply = std::move(reply)](boost::system::error_code error) mutable {
      if (error || me->closed_ || !me->exchanges_.contains(id)) return;
      me->respond(id, std::move(reply));
      me->write();
    });
  }

  void respond(std::int32_t id, Reply reply) {
    auto& exchange = *exchanges_.at(id);
    switch (reply.how) {
      case Reply::How::hang:
        return;
      case Reply::How::freeze:
        frozen_ = true;
        return;
      case Reply::How::drop:
        return reset();
      case Reply::How::goaway:
        // What came before is answered; this one and what follows are not, and may be sent again elsewhere.
        nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, std::max(id - 2, 0), NGHTTP2_NO_ERROR, nullptr, 0);
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return;
      case Reply::How::answer:
        break;
    }
    exchange.body = std::move(reply.body);
    const std::string status_name = ":status", status = std::to_string(reply.status);
    std::vector<nghttp2_nv> headers{header(status_name, status)};
    for (const auto& [name, value] : reply.headers) headers.push_back(header(name, value));
    nghttp2_data_provider source{};
    source.source.ptr = &exchange;
    source.read_callback = on_source;
    const bool has_body = !exchange.body.empty();
    nghttp2_submit_response(session_.get(), id, headers.data(), headers.size(), has_body ? &source : nullptr);
  }

  void read() {
    stream_->async_read_some(asio::buffer(in_),
                             [me = shared_from_this()](boost::system::error_code error, std::size_t size) {
                               if (error || me->closed_) return me->close();
                               if (me->frozen_) return me->read();
                               if (nghttp2_session_mem_recv(me->session_.get(), me->in_.data(), size) < 0)
                                 return me->close();
                               me->write();
                               if (!me->closed_) me->read();
                             });
  }

  void write() {
    if (writing_ || closed_ || frozen_) return;
    out_.clear();
    const std::uint8_t* data = nullptr;
    while (out_.size() < 64 << 10) {
      const auto size = nghttp2_session_mem_send(session_.get(), &data);
      if (size < 0) return close();
      if (size == 0) break;
      out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    if (out_.empty()) {
      if (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0) close();
      return;
    }
    writing_ = true;
    asio::async_write(*stream_, asio::buffer(out_),
                      [me = shared_from_this()](boost::system::error_code error, std::size_t) {
                        me->writing_ = false;
                        if (error) return me->close();
                        me->write();
                      });
  }

  /// Without a goodbye of TCP either, as when what the client had sent was not read.
  void reset() {
    boost::system::error_code ignored;
    stream_->lowest_layer().set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    for (auto& [id, exchange] : exchanges_) exchange->wait.reset();
    boost::system::error_code ignored;
    stream_->lowest_layer().close(ignored);
  }

  std::unique_ptr<Stream> stream_;
  Provider provider_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<nghttp2_session, CloseSession> session_;
  std::map<std::int32_t, std::unique_ptr<Exchange>> exchanges_;
  std::array<std::uint8_t, 16 << 10> in_{};
  std::string out_;
  bool writing_ = false;
  bool closed_ = false;
  bool frozen_ = false;  ///< what comes is thrown away, nothing is sent
};

}  // namespace

void serve_http2(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection,
                 unsigned max_streams) {
  std::make_shared<Http2>(std::move(stream), std::move(provider), std::move(connection))->begin(max_streams);
}

}  // namespace loft::simulate
