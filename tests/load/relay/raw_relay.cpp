// The reference for relays and fan-out: what it costs at least to take `send_message` frames of contract im from a
// socket, parse them, find the receiver, and write the answer and the push. One thread, Asio sockets, Boost.JSON,
// nothing stored, nothing checked that need not be. Usage: raw_relay [port]; prints the port it listens on.
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/src.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frames.hpp"

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

struct Connection {
  explicit Connection(Socket s) : socket(std::move(s)) {}
  Socket socket;
  std::string in;  // an incomplete frame, or the request before the upgrade
  std::string out;
  std::string user;
  bool upgraded = false;
  bool dirty = false;
  bool waiting_to_write = false;
  bool dead = false;
};
using Ptr = std::shared_ptr<Connection>;

void append_number(std::string& out, std::uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char coded[40];
  const int length = EVP_EncodeBlock(coded, digest, sizeof digest);
  return {reinterpret_cast<char*>(coded), static_cast<std::size_t>(length)};
}

std::string_view text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

class Relay {
 public:
  explicit Relay(std::uint16_t port) : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    acceptor_.listen(4096);
    accept();
  }

  unsigned port() const { return acceptor_.local_endpoint().port(); }

  // Everything that is ready, then one write per connection.
  void run() {
    while (io_.run_one() > 0) {
      io_.poll();
      for (std::size_t i = 0; i < dirty_.size(); ++i) flush(dirty_[i]);
      dirty_.clear();
    }
  }

 private:
  void accept() {
    auto connection = std::make_shared<Connection>(Socket(io_));
    acceptor_.async_accept(connection->socket, [this, connection](boost::system::error_code error) {
      if (!error) {
        connection->socket.non_blocking(true);
        connection->socket.set_option(tcp::no_delay(true));
        wait(connection);
      }
      accept();
    });
  }

  void wait(const Ptr& connection) {
    connection->socket.async_wait(Socket::wait_read, [this, connection](boost::system::error_code error) {
      if (error || connection->dead || !receive(connection)) return end(connection);
      wait(connection);
    });
  }

  bool receive(const Ptr& connection) {
    boost::system::error_code error;
    const std::size_t got = connection->socket.read_some(asio::buffer(buffer_.data(), buffer_.size()), error);
    if (error == asio::error::would_block) return true;
    if (error || got == 0) return false;
    if (!connection->in.empty() || !connection->upgraded) {
      connection->in.append(buffer_.data(), got);
      if (!connection->upgraded && !upgrade(connection)) return true;
      const std::size_t used = frames(connection, connection->in.data(), connection->in.size());
      connection->in.erase(0, used);
    } else {
      const std::size_t used = frames(connection, buffer_.data(), got);
      if (used < got) connection->in.assign(buffer_.data() + used, got - used);
    }
    return !connection->dead;
  }

  bool upgrade(const Ptr& connection) {
    std::string& in = connection->in;
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t key = in.find(name);
    if (key == std::string::npos) return connection->dead = true;
    const std::size_t from = key + name.size();
    connection->out +=
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_key(std::string_view(in).substr(from, in.find("\r\n", from) - from)) + "\r\n\r\n";
    mark(connection);
    in.erase(0, end + 4);
    return connection->upgraded = true;
  }

  std::size_t frames(const Ptr& connection, char* data, std::size_t size) {
    std::size_t used = 0;
    while (true) {
      const load::Frame frame = load::next_frame(data + used, size - used);
      if (frame.used == 0) return used;
      used += frame.used;
      if (frame.opcode == 8) connection->dead = true;
      if (frame.opcode == 1) message(connection, frame.payload);
    }
  }

  void message(const Ptr& connection, std::string_view payload) {
    json::monotonic_resource memory(memory_, sizeof memory_);
    parser_.reset(&memory);
    boost::system::error_code error;
    parser_.write(payload.data(), payload.size(), error);
    if (error) return;
    const json::value whole = parser_.release();
    const auto* envelope = whole.if_object();
    const auto* data = envelope ? envelope->if_contains("data") : nullptr;
    if (!data || !data->is_object()) return;
    const auto& fields = data->get_object();
    const auto type = text_of(*envelope, "type");
    if (type == "send_message") {
      relay(connection, fields);
    } else if (type == "login") {
      connection->user = text_of(fields, "user_id");
      users_[connection->user] = connection;
      body_ = R"({"type":"login","data":{"success":true,"message":"Login successful","user_id":)";
      append_text(body_, connection->user);
      body_ += R"(},"timestamp":)";
      append_number(body_, now());
      body_ += '}';
      send(connection, body_);
    }
  }

  void relay(const Ptr& sender, const json::object& fields) {
    const auto group = text_of(fields, "group_id");
    const auto receiver = text_of(fields, "receiver_id");
    const auto time = now();
    ++last_id_;
    message_ = R"({"id":"msg_)";
    append_number(message_, last_id_);
    message_ += R"(","sender_id":)";
    append_text(message_, sender->user);
    message_ += group.empty() ? R"(,"receiver_id":)" : R"(,"group_id":)";
    append_text(message_, group.empty() ? receiver : group);
    message_ += R"(,"type":)";
    append_text(message_, text_of(fields, "type"));
    message_ += R"(,"content":)";
    append_text(message_, text_of(fields, "content"));
    message_ += R"(,"status":"sent","timestamp":)";
    append_number(message_, time);
    message_ += '}';

    body_ = R"({"type":"send_message","data":{"success":true,"message_id":"msg_)";
    append_number(body_, last_id_);
    body_ += R"(","message":)" + message_ + R"(},"timestamp":)";
    append_number(body_, time);
    body_ += '}';
    send(sender, body_);

    body_ = group.empty() ? R"({"type":"new_message","data":)" : R"({"type":"new_group_message","data":)";
    body_ += message_ + R"(,"timestamp":)";
    append_number(body_, time);
    body_ += R"(,"message_id":"msg_)";
    append_number(body_, last_id_);
    body_ += "\"}";
    if (group.empty()) {
      if (const auto found = users_.find(receiver); found != users_.end()) send(found->second, body_);
      return;
    }
    frame_.clear();
    load::append_header(frame_, body_.size(), false);
    frame_ += body_;
    for (auto& [name, member] : users_) {
      if (member == sender) continue;
      member->out += frame_;
      mark(member);
    }
  }

  void send(const Ptr& connection, std::string_view body) {
    load::append_header(connection->out, body.size(), false);
    connection->out += body;
    mark(connection);
  }

  void mark(const Ptr& connection) {
    if (connection->dirty || connection->waiting_to_write) return;
    connection->dirty = true;
    dirty_.push_back(connection);
  }

  void flush(const Ptr& connection) {
    connection->dirty = false;
    if (connection->dead) return;
    boost::system::error_code error;
    const std::size_t sent = connection->socket.write_some(asio::buffer(connection->out), error);
    if (error && error != asio::error::would_block) return end(connection);
    connection->out.erase(0, sent);
    if (connection->out.empty()) return;
    connection->waiting_to_write = true;
    connection->socket.async_wait(Socket::wait_write, [this, connection](boost::system::error_code failed) {
      connection->waiting_to_write = false;
      if (!failed) flush(connection);
    });
  }

  void end(const Ptr& connection) {
    connection->dead = true;
    boost::system::error_code ignored;
    connection->socket.close(ignored);
    const auto found = users_.find(connection->user);
    if (found != users_.end() && found->second == connection) users_.erase(found);
  }

  static std::uint64_t now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  asio::io_context io_{1};
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  boost::unordered_flat_map<std::string, Ptr, Hash, std::equal_to<>> users_;
  std::vector<Ptr> dirty_;
  std::vector<char> buffer_ = std::vector<char>(512 * 1024);
  json::parser parser_;
  unsigned char memory_[16384];
  std::string message_, body_, frame_;
  std::uint64_t last_id_ = 1'000'000'000;
};

}  // namespace

int main(int argc, char** argv) {
  Relay relay(argc > 1 ? static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)) : 0);
  std::printf("%u\n", relay.port());
  std::fflush(stdout);
  relay.run();
}
