#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

#include <loft/json.hpp>

#include "control/control.hpp"
#include "control/socket.hpp"

namespace loft::control {
namespace {

/// After accepting failed for want of descriptors or memory.
constexpr Millis accept_pause = 500;
constexpr Millis never = std::numeric_limits<Millis>::max();
constexpr Millis longest_wait = 60'000;

struct Client {
  Descriptor socket;
  Millis deadline = 0;
  std::string in;
  std::string out;  ///< not empty: the answer is on its way, nothing more is read
  std::size_t written = 0;
};

std::string error_line(const Error& error) {
  std::string out;
  json::Writer w(out);
  w.object().key("ok").boolean(false).key("error").object();
  w.key("code").string(name(error.code)).key("reason").string(error.reason).key("message").string(error.detail);
  w.end_object().end_object();
  return out + "\n";
}

class Server final : public ControlServer {
 public:
  Server(std::string path, Descriptor listener, Descriptor wake, SocketAddress address, Handler handler,
         ServerOptions options)
      : path_(std::move(path)),
        listener_(std::move(listener)),
        wake_(std::move(wake)),
        address_(std::move(address)),
        handler_(std::move(handler)),
        options_(options),
        thread_([this] { run(); }) {}

  ~Server() override {
    const std::uint64_t one = 1;
    static_cast<void>(write(wake_.get(), &one, sizeof one));
    thread_.join();
    unlink(path_.c_str());
  }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}};
      const bool room = room_at() <= steady_now() && pause_until_ <= steady_now();
      waits.push_back({room ? listener_.get() : -1, POLLIN, 0});
      for (const auto& client : clients_) {
        waits.push_back({client.socket.get(), static_cast<short>(client.out.empty() ? POLLIN : POLLOUT), 0});
      }
      if (poll(waits.data(), waits.size(), wait_time()) < 0 && errno != EINTR) return;
      if (waits[0].revents != 0) return;
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (waits[i + 2].revents != 0 && !turn(clients_[i])) clients_[i].socket = Descriptor();
      }
      const auto now = steady_now();
      std::erase_if(clients_, [now](const Client& client) { return !client.socket || client.deadline <= now; });
      if (waits[1].revents != 0) {
        if (clients_.size() >= options_.max_clients) clients_.erase(silent());
        accept_one();
      }
    }
  }

  /// The client that has said nothing for the longest time; end: all are being answered.
  std::vector<Client>::iterator silent() {
    const auto first = [](const Client& a, const Client& b) {
      return a.out.empty() != b.out.empty() ? a.out.empty() : a.deadline < b.deadline;
    };
    const auto found = std::min_element(clients_.begin(), clients_.end(), first);
    return found != clients_.end() && found->out.empty() ? found : clients_.end();
  }

  /// When one more client may come: always, unless all places are taken.
  Millis room_at() {
    if (clients_.size() < options_.max_clients) return 0;
    const auto found = silent();
    return found == clients_.end() ? never : found->deadline - options_.client_timeout + options_.silent_patience;
  }

  int wait_time() {
    const auto now = steady_now();
    Millis first = never;
    for (const auto& client : clients_) first = std::min(first, client.deadline);
    for (const auto moment : {pause_until_, room_at()}) {
      if (moment > now) first = std::min(first, moment);
    }
    return first == never ? -1 : static_cast<int>(std::clamp<Millis>(first - now, 0, longest_wait));
  }

  void accept_one() {
    Descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Whoever waits goes on waiting: without descriptors or memory there is nothing to give, and asking on and on
      // costs a processor.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) pause_until_ = steady_now() + accept_pause;
      return;
    }
    Client client;
    client.socket = std::move(socket);
    client.deadline = steady_now() + options_.client_timeout;
    clients_.push_back(std::move(client));
  }

  /// False: this client is done with.
  bool turn(Client& client) {
    if (client.out.empty() && !receive(client)) return false;
    while (client.written < client.out.size()) {
      const auto sent = send(client.socket.get(), client.out.data() + client.written,
                             client.out.size() - client.written, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      client.written += static_cast<std::size_t>(sent);
    }
    return client.out.empty();
  }

  bool receive(Client& client) {
    char buffer[16 << 10];
    const auto size = recv(client.socket.get(), buffer, sizeof buffer, 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    client.in.append(buffer, static_cast<std::size_t>(size));
    const auto end = client.in.find('\n');
    if (std::min(end, client.in.size()) > options_.max_request) {
      client.out = error_line({Code::too_large, "control.too_large", "the request is longer than the limit"});
    } else if (end != std::string::npos) {
      const auto begin = steady_now();
      client.out = answer(std::string_view(client.in).substr(0, end));
      // The others could not be heard meanwhile; it does not count against them.
      for (auto& each : clients_) each.deadline += steady_now() - begin;
      client.deadline = steady_now() + options_.client_timeout;
    }
    return true;
  }

  std::string answer(std::string_view line) {
    const auto request = json::parse(line);
    if (!request) return error_line({Code::invalid, "control.malformed", request.error().detail});
    const auto command = request->find("command");
    const auto word = command ? command->text() : std::nullopt;
    if (!word) return error_line({Code::invalid, "control.malformed", "`command` is missing"});
    const auto arguments = request->find("arguments");
    try {
      const auto result = handler_(*word, arguments ? arguments->raw() : "{}");
      if (!result) return error_line(result.error());
      return "{\"ok\":true,\"result\":" + *result + "}\n";
    } catch (const std::exception& error) {
      return error_line({Code::internal, "control.exception", error.what()});
    }
  }

  std::string path_;
  Descriptor listener_;
  Descriptor wake_;
  SocketAddress address_;
  Handler handler_;
  ServerOptions options_;
  std::vector<Client> clients_;
  Millis pause_until_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::create(const std::string& data_dir, Handler handler,
                                                             ServerOptions options) {
  const auto path = data_dir + "/control.sock";
  const auto failed = [&path](const char* what) {
    return Error{Code::unavailable, "control.failed", std::string(what) + " " + path + ": " + std::strerror(errno)};
  };
  auto address = socket_address(data_dir);
  if (!address) return address.error();
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Descriptor wake(eventfd(0, EFD_CLOEXEC));
  if (!listener || !wake) return failed("cannot make a socket for");
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed("cannot replace");
  // The mode is set before anybody can connect: a socket that does not listen yet refuses.
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) != 0)
    return failed("cannot bind");
  if (chmod(path.c_str(), 0600) != 0) return failed("cannot set the mode of");
  if (listen(listener.get(), 16) != 0) return failed("cannot listen at");
  return std::unique_ptr<ControlServer>(std::make_unique<Server>(path, std::move(listener), std::move(wake),
                                                                 std::move(*address), std::move(handler), options));
}

}  // namespace loft::control
