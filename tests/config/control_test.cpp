#include "control/control.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "control/lock.hpp"
#include "control/socket.hpp"

using namespace loft;
using namespace loft::control;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/loft-control-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

Handler echo() {
  return [](std::string_view command, std::string_view arguments) -> Result<std::string> {
    if (command == "fail") return Error{Code::conflict, "user.taken", "the handle \"ann\" is taken"};
    if (command == "throw") throw std::runtime_error("broken");
    return std::string(arguments);
  };
}

Descriptor dial(const std::string& folder) {
  auto address = socket_address(folder);
  REQUIRE(address.ok());
  Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) == 0);
  return client;
}

std::string raw_call(const std::string& folder, std::string_view text) {
  const auto client = dial(folder);
  static_cast<void>(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL));
  std::string answer;
  char buffer[1024];
  for (ssize_t size; (size = recv(client.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(size));
  return answer;
}

constexpr Millis patience = 20'000;

}  // namespace

TEST_CASE("a command reaches the host and its answer comes back") {
  const Folder folder;
  const auto server = ControlServer::create(folder.path, echo());
  REQUIRE(server.ok());
  const auto answer = control_call(folder.path, "user.add", R"({"handle":"å\"n"})", patience);
  REQUIRE(answer.ok());
  CHECK(*answer == R"({"handle":"å\"n"})");
  CHECK(control_call(folder.path, "x", "", patience).ok());
  struct stat info {};
  REQUIRE(stat((folder.path + "/control.sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("an error of the handler arrives as it was, an exception as internal") {
  const Folder folder;
  const auto server = ControlServer::create(folder.path, echo());
  const auto refused = control_call(folder.path, "fail", "{}", patience);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Code::conflict);
  CHECK(refused.error().reason == "user.taken");
  CHECK(refused.error().detail == "the handle \"ann\" is taken");
  const auto thrown = control_call(folder.path, "throw", "{}", patience);
  REQUIRE_FALSE(thrown.ok());
  CHECK(thrown.error().code == Code::internal);
}

TEST_CASE("where no host runs, the caller is told so") {
  const Folder folder;
  CHECK(control_call(folder.path, "x", "{}", patience).error().reason == "control.no_host");
  CHECK(control_call(folder.path + "/missing", "x", "{}", patience).error().reason == "control.no_host");
  { const auto server = ControlServer::create(folder.path, echo()); }
  CHECK(control_call(folder.path, "x", "{}", patience).error().reason == "control.no_host");
}

TEST_CASE("a dead host's socket is replaced") {
  const Folder folder;
  {
    auto address = socket_address(folder.path);
    const Descriptor dead(socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) == 0);
  }
  CHECK(control_call(folder.path, "x", "{}", patience).error().reason == "control.no_host");
  const auto server = ControlServer::create(folder.path, echo());
  REQUIRE(server.ok());
  CHECK(control_call(folder.path, "x", "{}", patience).ok());
}

TEST_CASE("folders with long names work") {
  const Folder folder;
  const auto deep = folder.path + "/" + std::string(120, 'd');
  CHECK(control_call(deep, "x", "{}", patience).error().reason == "control.no_host");
  std::filesystem::create_directory(deep);
  const auto server = ControlServer::create(deep, echo());
  REQUIRE(server.ok());
  CHECK(control_call(deep, "x", "{}", patience).ok());
}

TEST_CASE("what is no request gets an answer, and the host goes on") {
  const Folder folder;
  const auto server = ControlServer::create(folder.path, echo());
  CHECK_THAT(raw_call(folder.path, "hello\n"), Catch::Contains(R"("reason":"control.malformed")"));
  CHECK_THAT(raw_call(folder.path, "{}\n"), Catch::Contains("`command` is missing"));
  CHECK_THAT(raw_call(folder.path, "\xff\xfe\n"), Catch::Contains("control.malformed"));
  CHECK_THAT(raw_call(folder.path, std::string(70'000, 'x')), Catch::Contains("control.too_large"));
  CHECK(control_call(folder.path, "x", "{}", patience).ok());
}

TEST_CASE("silent clients do not block others, and are dropped in time") {
  const Folder folder;
  ServerOptions options;
  options.client_timeout = 200;
  options.max_clients = 2;
  const auto server = ControlServer::create(folder.path, echo(), options);
  const auto one = dial(folder.path);
  const auto two = dial(folder.path);
  // Both places are taken; the call waits until the silent ones are dropped.
  CHECK(control_call(folder.path, "x", "{}", patience).ok());
  char byte;
  CHECK(recv(one.get(), &byte, 1, 0) == 0);
  CHECK(recv(two.get(), &byte, 1, 0) == 0);
}

TEST_CASE("whoever asks does not wait for silent clients to be dropped, and their places go to who came later") {
  const Folder folder;
  ServerOptions options;
  options.max_clients = 2;
  options.silent_patience = 50;
  const auto server = ControlServer::create(folder.path, echo(), options);
  const auto one = dial(folder.path);
  const auto two = dial(folder.path);
  CHECK(control_call(folder.path, "x", "{}", options.client_timeout / 2).ok());
  char byte;
  CHECK(recv(one.get(), &byte, 1, 0) == 0);  // who was silent for the longest time
  CHECK(recv(two.get(), &byte, 1, MSG_DONTWAIT) < 0);
}

TEST_CASE("without descriptors the server waits without spinning, and serves who waited when there are some") {
  Folder folder;
  const auto server = ControlServer::create(folder.path, echo());
  auto address = socket_address(folder.path);
  REQUIRE(address.ok());
  const Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval wait{0, 300'000};
  REQUIRE(setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = dup(client.get());
  close(next);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  const auto cpu = std::clock();
  const bool connected =
      connect(client.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) == 0;
  const std::string_view request = "{\"command\":\"x\",\"arguments\":{}}\n";
  static_cast<void>(send(client.get(), request.data(), request.size(), MSG_NOSIGNAL));
  char buffer[256];
  const auto nothing = recv(client.get(), buffer, sizeof buffer, 0);
  const auto used = std::clock() - cpu;
  setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(connected);
  CHECK(nothing < 0);
  CHECK(used < CLOCKS_PER_SEC / 10);
  ssize_t size = -1;
  for (int attempt = 0; attempt < 30 && size < 0; ++attempt) size = recv(client.get(), buffer, sizeof buffer, 0);
  REQUIRE(size > 0);
  CHECK(std::string_view(buffer, static_cast<std::size_t>(size)).starts_with("{\"ok\":true"));
}

TEST_CASE("a host that does not answer in time is reported as such") {
  const Folder folder;
  std::promise<void> go;
  auto gone = go.get_future().share();
  auto server = ControlServer::create(folder.path, [gone](std::string_view, std::string_view) -> Result<std::string> {
    gone.wait();
    return std::string("1");
  });
  CHECK(control_call(folder.path, "x", "{}", 50).error().reason == "control.timeout");
  go.set_value();
}

TEST_CASE("calls from many clients are all answered") {
  const Folder folder;
  const auto server = ControlServer::create(folder.path, echo());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] { good += control_call(folder.path, "x", "[1]", patience).ok() ? 1 : 0; });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 24);
}

TEST_CASE("one process owns a data_dir") {
  const Folder folder;
  const auto data = folder.path + "/new/data";
  CHECK(StoreLock::take(data, false).error().reason == "lock.no_folder");
  {
    const auto lock = StoreLock::take(data, true);
    REQUIRE(lock.ok());
    const auto second = StoreLock::take(data, true);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().reason == "lock.held");
    CHECK(second.error().detail == "another process (pid " + std::to_string(getpid()) + ") owns " + data +
                                       "; stop it first, or give this one a data_dir of its own");
    struct stat info {};
    REQUIRE(stat(data.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
  }
  CHECK(StoreLock::take(data, true).ok());
}

TEST_CASE("the lock of a process that was killed is free again") {
  const Folder folder;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const auto child = fork();
  if (child == 0) {
    const auto lock = StoreLock::take(folder.path, true);
    const char byte = lock.ok() ? 'y' : 'n';
    static_cast<void>(!write(ready[1], &byte, 1));
    pause();
    _exit(0);
  }
  char byte = 'n';
  REQUIRE(read(ready[0], &byte, 1) == 1);
  CHECK(byte == 'y');
  CHECK(StoreLock::take(folder.path, true).error().reason == "lock.held");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(StoreLock::take(folder.path, true).ok());
  close(ready[0]);
  close(ready[1]);
}
