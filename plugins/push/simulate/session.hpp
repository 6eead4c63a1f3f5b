// What both kinds of connections of the simulation need of Asio.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "simulate/call.hpp"

namespace loft::simulate {

using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

/// The largest body of a request.
inline constexpr std::size_t largest_body = 64 << 10;

/// Serve a connection whose handshake is done; it keeps itself alive until it ends.
void serve_http2(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection,
                 unsigned max_streams);
void serve_http1(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection);

}  // namespace loft::simulate
