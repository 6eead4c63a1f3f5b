// A real database server of a test's own (tests/servers/keeper.py): started here, gone with this process however it
// ends.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

class PrivateServer {
 public:
  /// `engine`: "postgresql" or "mariadb". `arguments`: "--tls", "--disk", "small", "--pooler", "session", "--set",
  /// "name=value". Throws when it cannot start.
  explicit PrivateServer(const std::string& engine, const std::vector<std::string>& arguments = {}) {
    int down[2], up[2];
    if (::pipe2(down, O_CLOEXEC) != 0 || ::pipe2(up, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
    std::vector<std::string> words{"/usr/bin/python3", LOFT_SOURCE_DIR "/tests/servers/keeper.py", engine};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const auto child = ::fork();
    if (child == 0) {
      ::dup2(down[0], 0);
      ::dup2(up[1], 1);
      // What is tested may count its descriptors or be preloaded: neither is the server's business.
      ::unsetenv("LD_PRELOAD");
      ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
    ::close(down[0]);
    ::close(up[1]);
    if (child < 0) throw std::runtime_error("no process for a database server");
    // It ends at once: the keeper leaves it.
    ::waitpid(child, nullptr, 0);
    commands_ = ::fdopen(down[1], "w");
    answers_ = ::fdopen(up[0], "r");
    learn(answer());
  }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;
  /// Waits until the server is gone. A copy of this object in a forked process only lets go.
  ~PrivateServer() {
    std::fclose(commands_);
    if (owner_ == ::getpid()) {
      while (std::fgetc(answers_) != EOF) continue;
    }
    std::fclose(answers_);
  }

  const std::string& host() const { return coordinates_.at("host"); }
  int port() const { return std::stoi(coordinates_.at("port")); }
  /// PostgreSQL: the directory of its socket; MariaDB: the socket itself.
  const std::string& socket() const { return coordinates_.at("socket"); }
  const std::string& user() const { return coordinates_.at("user"); }
  const std::string& password() const { return coordinates_.at("password"); }
  const std::string& database() const { return coordinates_.at("database"); }
  /// The authority's certificate; empty without --tls.
  const std::string& ca() const { return coordinates_.at("ca"); }

  /// After `stop` or `kill`: the same data, the same port.
  void start() { ask("start"); }
  void stop() { ask("stop"); }
  /// SIGKILL, all its processes.
  void kill() { ask("kill"); }
  /// It keeps its connections and answers nothing, until `resume`.
  void hang() { ask("hang"); }
  void resume() { ask("resume"); }
  /// The user's connections are cut, the server runs on.
  void drop_connections() { ask("drop_connections"); }
  /// No file of its data can grow any more, until `make_room`; needs "--disk".
  void fill() { ask("fill"); }
  void make_room() { ask("make_room"); }
  void create_database(const std::string& name) { ask("create_database", name); }
  /// As administrator: the rows, a line each, columns apart by `|` (PostgreSQL) or a tab (MariaDB).
  std::string sql(const std::string& text, const std::string& database = {}) {
    return ask("sql", database + "\n" + text);
  }

 private:
  std::string ask(const std::string& word, const std::string& text = {}) {
    if (std::fprintf(commands_, "%s %zu\n", word.c_str(), text.size()) < 0 ||
        std::fwrite(text.data(), 1, text.size(), commands_) != text.size() || std::fflush(commands_) != 0) {
      throw std::runtime_error("the keeper of the database server is gone");
    }
    return answer();
  }

  std::string answer() {
    char word[16] = {};
    std::size_t length = 0;
    if (std::fscanf(answers_, "%15s %zu", word, &length) != 2 || std::fgetc(answers_) != '\n') {
      throw std::runtime_error("the keeper of the database server is gone");
    }
    std::string text(length, '\0');
    if (std::fread(text.data(), 1, length, answers_) != length) throw std::runtime_error("the keeper's answer is cut");
    if (std::string(word) != "ok") throw std::runtime_error(text);
    return text;
  }

  void learn(const std::string& text) {
    for (std::size_t from = 0; from < text.size();) {
      const auto end = text.find('\n', from), mark = text.find('=', from);
      coordinates_[text.substr(from, mark - from)] = text.substr(mark + 1, end - mark - 1);
      from = end + 1;
    }
  }

  const pid_t owner_ = ::getpid();
  std::FILE* commands_ = nullptr;
  std::FILE* answers_ = nullptr;
  std::map<std::string, std::string> coordinates_;
};

}  // namespace support
