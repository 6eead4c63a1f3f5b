#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <chrono>

#include "simulate/session.hpp"

namespace loft::simulate {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

class Http1 : public std::enable_shared_from_this<Http1> {
 public:
  Http1(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection)
      : stream_(std::move(stream)), provider_(std::move(provider)), connection_(std::move(connection)) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(largest_body);
    http::async_read(*stream_, buffer_, *parser_,
                     [me = shared_from_this()](boost::system::error_code error, std::size_t) {
                       if (!error) me->dispatch();
                     });
  }

 private:
  void dispatch() {
    const auto& request = parser_->get();
    Call call;
    call.method = std::string(request.method_string());
    const std::string target(request.target());
    call.path = target.substr(0, target.find('?'));
    for (const auto& field : request) {
      std::string name(field.name_string());
      for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      call.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    call.body = request.body();
    call.connection = connection_;
    auto reply = provider_(call);
    if (reply.how == Reply::How::hang || reply.how == Reply::How::freeze) return wait_for_the_end();
    if (reply.how != Reply::How::answer) return;
    if (reply.delay == 0) return respond(std::move(reply));
    wait_.expires_after(std::chrono::milliseconds(reply.delay));
    wait_.async_wait([me = shared_from_this(), reply = std::move(reply)](boost::system::error_code error) mutable {
      if (!error) me->respond(std::move(reply));
    });
  }

  void respond(Reply reply) {
    response_ = {};
    response_.version(11);
    response_.result(reply.status);
    for (const auto& [name, value] : reply.headers) response_.set(name, value);
    response_.body() = std::move(reply.body);
    response_.keep_alive(parser_->get().keep_alive());
    response_.prepare_payload();
    http::async_write(*stream_, response_, [me = shared_from_this()](boost::system::error_code error, std::size_t) {
      if (!error && me->response_.keep_alive()) me->read();
    });
  }

  void wait_for_the_end() {
    stream_->async_read_some(asio::buffer(rest_),
                             [me = shared_from_this()](boost::system::error_code error, std::size_t) {
                               if (!error) me->wait_for_the_end();
                             });
  }

  std::unique_ptr<Stream> stream_;
  Provider provider_;
  std::shared_ptr<Connection> connection_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  asio::steady_timer wait_{stream_->get_executor()};
  std::array<char, 256> rest_{};
};

}  // namespace

void serve_http1(std::unique_ptr<Stream> stream, Provider provider, std::shared_ptr<Connection> connection) {
  std::make_shared<Http1>(std::move(stream), std::move(provider), std::move(connection))->read();
}

}  // namespace loft::simulate
