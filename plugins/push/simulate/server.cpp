#include "simulate/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>

#include "simulate/session.hpp"

namespace loft::simulate {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Chooses `h2` or, where that is taken, HTTP/1.1.
int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned length,
           void* http1) {
  static const unsigned char both[] = "\x02h2\x08http/1.1";
  const unsigned ours = http1 != nullptr ? sizeof both - 1 : 3;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, both, ours, offered, length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

asio::ssl::context context_for(const Keys& keys, bool takes_http1) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(keys.certificate_file.string());
  context.use_private_key_file(keys.key_file.string(), asio::ssl::context::pem);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_select_cb(context.native_handle(), choose, takes_http1 ? context.native_handle() : nullptr);
  return context;
}

struct Door {
  Door(asio::io_context& io, const Keys& keys, const Listener& listener, Provider provider)
      : listener(listener),
        provider(std::move(provider)),
        tls(context_for(keys, listener.takes_http1)),
        acceptor(io, {asio::ip::make_address(listener.address), listener.port}) {}

  Listener listener;
  Provider provider;
  asio::ssl::context tls;
  tcp::acceptor acceptor;
};

void serve(std::unique_ptr<Stream> stream, const Door& door, std::uint64_t number) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(stream->native_handle(), &protocol, &size);
  auto connection = std::make_shared<Connection>();
  connection->number = number;
  if (std::string_view(reinterpret_cast<const char*>(protocol), size) == "h2")
    serve_http2(std::move(stream), door.provider, std::move(connection), door.listener.max_streams);
  else if (door.listener.takes_http1)
    serve_http1(std::move(stream), door.provider, std::move(connection));
}

}  // namespace

struct Server::Parts {
  explicit Parts(const Keys& keys) : keys(keys) {}

  void accept(const std::shared_ptr<Door>& door) {
    door->acceptor.async_accept([this, door](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        socket.set_option(tcp::no_delay(true), error);
        auto stream = std::make_unique<Stream>(std::move(socket), door->tls);
        auto& there = *stream;
        there.async_handshake(asio::ssl::stream_base::server,
                              [this, door, stream = std::move(stream)](boost::system::error_code failed) mutable {
                                if (!failed) serve(std::move(stream), *door, ++connections);
                              });
      }
      accept(door);
    });
  }

  Keys keys;
  asio::io_context io{1};
  std::uint64_t connections = 0;
};

Server::Server(const Keys& keys) : parts_(std::make_unique<Parts>(keys)) {}
Server::~Server() = default;

std::uint16_t Server::listen(const Listener& listener, Provider provider) {
  const auto door = std::make_shared<Door>(parts_->io, parts_->keys, listener, std::move(provider));
  parts_->accept(door);
  return door->acceptor.local_endpoint().port();
}

void Server::run() {
  asio::signal_set signals(parts_->io, SIGTERM, SIGINT);
  signals.async_wait([this](boost::system::error_code, int) { parts_->io.stop(); });
  parts_->io.run();
}

}  // namespace loft::simulate
