// What each command does once its words are parsed. Private to core/cli.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <loft/json.hpp>

#include "cli/commands.hpp"

namespace loft::cli {

/// All words of the command line, whatever the command.
struct Words {
  std::string config;
  std::vector<std::string> set;
  bool json = false;
  std::string handle;
  std::optional<std::uint64_t> uid;
  std::string uuid;
  std::string ttl = "24h";
  std::string plugin;
  std::string plugin_file;
  std::string cases;
  unsigned cycles = 1000;
  unsigned patience = 60;  ///< seconds
  bool service = false;
  bool remove = false;
  std::string topic;
  std::string text;
  std::string domain;
  std::string content;
  std::string as = "system";
  std::string client_id;
  std::string backup_to;
  bool sql = false;
  std::string to;
  bool with_received = false;
  bool dry_run = false;
  // of two storages
  std::string from;
  std::string first;
  std::string second;
  std::uint64_t batch = 4000;
  std::string online;
  // of push
  std::string message;
  std::string state;
  std::string reason;
  std::uint64_t limit = 50;
  bool all = false;
  std::string channel;
  std::string token_text;
  std::string platform;
  std::string app;
  std::string locale;
  std::string client;
  std::uint64_t device = 0;
  std::optional<std::uint64_t> conversation;
  std::string mute_for;
  std::string address;
  // of new
  std::string kind;
  std::string into = ".";
  std::string templates;
  std::vector<std::string> rest;  ///< words that are another program's
};

class Actions {
 public:
  Actions(const Words& words, std::map<std::string, std::string> environment, HostCommands& host, std::ostream& out,
          std::ostream& err)
      : words_(words), environment_(std::move(environment)), host_(host), out_(out), err_(err) {}

  int serve();
  int check();
  int user_add();
  int user_list();
  int user_password();
  int user_email();
  int user_export();
  int user_erase();
  int token();
  int announce();
  int notify();
  int storage_status();
  int storage_plan();
  int storage_migrate();
  int storage_check();
  int backup();
  int plugins_list();
  int plugins_show();
  int plugins_chain();
  int plugins_check();
  int new_plugin();
  int storage_copy();
  int storage_verify();
  int push_status();
  int push_list();
  int push_dead();
  int push_why();
  int push_replay();
  int push_dry_run();
  int push_device_add();
  int push_device_list();
  int push_device_remove();
  int push_mute();
  int push_simulate();
  int config_reference();
  int config_default();
  int version();

 private:
  /// Nullopt after saying what is wrong; `exit` is set then.
  std::optional<Loaded> configuration(int& exit);
  std::optional<Loaded> configuration_of(const std::string& file, int& exit);
  bool names_one_configuration();
  std::string config_file() const;
  /// `doing`: what was tried, with a colon; may be empty.
  int fail(const Error& error, std::string_view doing = {});
  int fail_by_rows(const Error& error, const std::string& file, const std::vector<std::string>& found);
  int report(const std::vector<config::Problem>& problems);
  int unknown_user();
  bool names_a_user();
  int write(std::string_view command, bool to_one);
  template <class F>
  int look_at_storage(F use);
  std::optional<json::Value> push_answer(std::string_view command, const std::string& arguments, int& exit);
  std::optional<std::string> one_push();
  int list_pushes(const std::string& state);
  int push_device(std::string_view act, std::string_view more);
  int check_online(Loaded& loaded);
  /// Through the running host, else on the store itself.
  Result<std::string> ask(Loaded& loaded, std::string_view command, const std::string& arguments);

  const Words& words_;
  std::map<std::string, std::string> environment_;
  HostCommands& host_;
  std::ostream& out_;
  std::ostream& err_;
  std::string answer_;  ///< what the parsed answer points into
};

}  // namespace loft::cli
