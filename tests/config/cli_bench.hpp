// A command line with a host that is a list of users.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <loft/json.hpp>

#include "cli/commands.hpp"
#include "identity/jwt.hpp"

namespace loft::tests {

struct FixedClock final : Clock {
  Millis now() const noexcept override { return 1'760'000'000'000; }
  Millis steady() const noexcept override { return 0; }
};

class ListStore final : public cli::UserStore {
 public:
  explicit ListStore(std::vector<User>& users) : users_(users) {}
  Result<User> add(const cli::NewUser& user) override {
    for (const auto& other : users_) {
      if (other.handle == user.handle) return Error{Code::conflict, "user.taken", "the handle is taken"};
    }
    const auto number = user.uid.value_or(users_.size() + 1);
    users_.push_back({static_cast<UserId>(number), user.handle, user.uuid.empty() ? "random" : user.uuid, 5});
    return users_.back();
  }
  Result<std::vector<User>> list(UserId after, std::size_t limit) override {
    std::vector<User> page;
    for (const auto& user : users_) {
      if (raw(user.id) > raw(after) && page.size() < limit) page.push_back(user);
    }
    return page;
  }
  Result<User> find(std::string_view handle) override {
    for (const auto& user : users_) {
      if (user.handle == handle) return user;
    }
    return Error{Code::not_found, "user.unknown", "no such user"};
  }
  Result<std::string> command(std::string_view name, std::string_view arguments) override {
    if (!has_passwords) return UserStore::command(name, arguments);
    asked.emplace_back(std::string(name) + " " + std::string(arguments));
    return std::string("{}");
  }
  Result<Accepted> submit(UserId sender, Submission submission) override {
    auto message = std::make_shared<Message>();
    message->id = static_cast<MessageId>(77);
    message->sender = sender;
    MessageRecord record;
    record.message = message;
    submitted.emplace_back(sender, std::move(submission));
    return Accepted{std::make_shared<const MessageRecord>(record), false};
  }

  static inline bool has_passwords = true;
  static inline std::vector<std::string> asked;
  static inline std::vector<std::pair<UserId, Submission>> submitted;

 private:
  std::vector<User>& users_;
};

struct FakeHost final : cli::HostCommands {
  std::vector<User> users;
  int served = 0;
  int opened = 0;
  std::string path = "x";
  OptionTable table;

  FakeHost() { table.text("path", path, "The file."); }

  int serve(cli::Loaded& loaded) override {
    ++served;
    return loaded.settings.server.threads == 7 ? 0 : 1;
  }
  void check(cli::Loaded& loaded) override {
    loaded.settings.storage.options.apply(table, loaded.settings.storage.reserved);
  }
  Result<std::vector<cli::PluginInfo>> plugins(cli::Loaded&) override {
    return std::vector<cli::PluginInfo>{
        {"storage.sqlite", "1.0", "SQLite.", "/p/storage.sqlite.so", {"storage.sqlite"}, ""},
        {"storage.odd", "", "", "/p/storage.odd.so", {}, "not a library"}};
  }
  Result<std::vector<config::ReferenceSection>> reference(cli::Loaded&) override {
    return std::vector<config::ReferenceSection>{{"storage.sqlite", "", &table}};
  }
  Result<std::vector<cli::ChainEntry>> chain(cli::Loaded&) override {
    return std::vector<cli::ChainEntry>{{"SubmitMessage", "check", "filter.words"}};
  }
  Result<std::unique_ptr<cli::UserStore>> open_users(cli::Loaded&) override {
    ++opened;
    return std::unique_ptr<cli::UserStore>(std::make_unique<ListStore>(users));
  }
  Result<std::unique_ptr<cli::StorageAlone>> open_storage(cli::Loaded&) override {
    return Error{Code::unavailable, "storage.unavailable", "there is no storage"};
  }
};

struct Bench {
  std::string folder;
  FakeHost host;
  std::string out;
  std::string err;

  Bench() {
    char name[] = "/tmp/loft-cli-XXXXXX";
    folder = mkdtemp(name);
    write("data_dir: " + folder + "/data\nlisteners: [{name: web, listen: '127.0.0.1:0', contracts: [im]}]\n");
  }
  ~Bench() { std::filesystem::remove_all(folder); }
  void write(const std::string& text) const { std::ofstream(folder + "/loft.yaml") << text; }

  int run(std::vector<std::string> words, bool with_config = true) {
    if (with_config) words.insert(words.end(), {"--config", folder + "/loft.yaml"});
    std::vector<const char*> argv = {"loft"};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::ostringstream o;
    std::ostringstream e;
    const int code = cli::run(static_cast<int>(argv.size()), argv.data(), {}, host, o, e);
    out = o.str();
    err = e.str();
    return code;
  }
};

/// Standard input is this text while it lives.
class Input {
 public:
  Input(const std::string& folder, const std::string& text) : before_(dup(STDIN_FILENO)) {
    std::ofstream(folder + "/input") << text;
    const int file = open((folder + "/input").c_str(), O_RDONLY | O_CLOEXEC);
    dup2(file, STDIN_FILENO);
    close(file);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    dup2(before_, STDIN_FILENO);
    close(before_);
  }

 private:
  int before_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace loft::tests
