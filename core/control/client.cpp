#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <loft/json.hpp>

#include "control/control.hpp"
#include "control/socket.hpp"

namespace loft::control {
namespace {

constexpr std::size_t max_answer = 40 << 20;  // a page of an export is a megabyte or one message

Error failed(const std::string& what) {
  return {Code::unavailable, "control.failed", what + ": " + std::strerror(errno)};
}
Error timed_out() { return {Code::unavailable, "control.timeout", "the running host does not answer"}; }

/// Waits until the socket is ready for `events`; false when the time is over.
bool ready(int socket, short events, Millis deadline) {
  for (;;) {
    const auto left = deadline - steady_now();
    if (left <= 0) return false;
    pollfd wait{socket, events, 0};
    const int count = poll(&wait, 1, static_cast<int>(std::min<Millis>(left, 60'000)));
    if (count > 0) return true;
  }
}

Code code_of(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    if (name(static_cast<Code>(i)) == word) return static_cast<Code>(i);
  }
  return Code::internal;
}

Result<std::string> read_answer(std::string_view line) {
  const auto answer = json::parse(line);
  const auto ok = answer ? answer->find("ok") : std::nullopt;
  if (!ok) return Error{Code::internal, "control.malformed", "the running host answered with something else than JSON"};
  if (ok->boolean() == true) {
    const auto result = answer->find("result");
    return result ? std::string(result->raw()) : std::string("null");
  }
  Error error{Code::internal, "control.malformed", {}};
  if (const auto given = answer->find("error")) {
    const auto text = [&](const char* key) { return given->find(key) ? given->find(key)->text().value_or("") : ""; };
    error = {code_of(text("code")), text("reason"), text("message")};
  }
  return error;
}

}  // namespace

Result<std::string> control_call(const std::string& data_dir, std::string_view command, std::string_view arguments,
                                 Millis timeout) {
  const auto deadline = steady_now() + timeout;
  auto address = socket_address(data_dir);
  if (!address) return address.error();
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("cannot make a socket");
  while (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) {
      return Error{Code::not_found, "control.no_host", "no host runs on " + data_dir};
    }
    if (errno != EAGAIN && errno != EINTR) return failed("cannot reach the host that runs on " + data_dir);
    // The host's queue of clients is full; a Unix socket has no event for that.
    if (steady_now() >= deadline) return timed_out();
    poll(nullptr, 0, 20);
  }
  std::string request;
  json::Writer w(request);
  w.object().key("command").string(command).key("arguments").raw(arguments.empty() ? "{}" : arguments).end_object();
  request += '\n';
  for (std::size_t written = 0; written < request.size();) {
    const auto sent = send(socket.get(), request.data() + written, request.size() - written, MSG_NOSIGNAL);
    if (sent > 0)
      written += static_cast<std::size_t>(sent);
    else if (errno == EPIPE)
      break;  // refused early: the answer says why
    else if (errno != EAGAIN && errno != EINTR)
      return failed("cannot write to the running host");
    else if (!ready(socket.get(), POLLOUT, deadline))
      return timed_out();
  }
  std::string answer;
  char buffer[16 << 10];
  while (answer.find('\n') == std::string::npos) {
    if (answer.size() > max_answer)
      return Error{Code::too_large, "control.too_large", "the running host answers too much"};
    if (!ready(socket.get(), POLLIN, deadline)) return timed_out();
    const auto size = recv(socket.get(), buffer, sizeof buffer, 0);
    if (size == 0)
      return Error{Code::unavailable, "control.failed", "the running host closed the connection; is it stopping?"};
    if (size < 0 && errno != EAGAIN && errno != EINTR) return failed("cannot read from the running host");
    if (size > 0) answer.append(buffer, static_cast<std::size_t>(size));
  }
  return read_answer(std::string_view(answer).substr(0, answer.find('\n')));
}

}  // namespace loft::control
