// The grammar of the command line. The only use of CLI11.
#include <exception>
#include <ostream>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/actions.hpp"
#include "cli/push_grammar.hpp"

namespace loft::cli {
namespace {

/// CLI11 would read `010` as eight and `0x10` as sixteen.
std::string decimal(const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  const bool padded = text.size() > 1 && text.front() == '0';
  return digits && !padded ? std::string() : "'" + text + "' is not a decimal number; write digits only, such as 10001";
}

/// A script has lost its variable.
std::string is_named(const std::string& text) { return text.empty() ? "is empty; name a file or a folder" : ""; }

class Grammar {
 public:
  Grammar(Words& words, Actions& actions) : words_(words), actions_(actions) {
    app_.name("loft");
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.footer(
        "Examples:\n"
        "  loft serve                                   runs on ./config/loft.yaml\n"
        "  loft serve --config /etc/loft/loft.yaml --set log.level=debug\n"
        "  loft user add ann && loft token ann          a user and a token for it\n"
        "Exit codes: 0 done, 1 refused, 64 usage, 69 unavailable, 70 internal, 74 output lost, 75 data_dir in use, 78 "
        "configuration.");
    app_.add_option("-c,--config", words_.config, "The YAML file; else ./config/loft.yaml, then /etc/loft/loft.yaml")
        ->type_name("FILE");
    app_.add_option("--set", words_.set, "Overrides one option: --set server.threads=4; may be repeated")
        ->type_name("KEY=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all();
    commands();
  }

  CLI::App& app() { return app_; }
  int run_chosen() { return chosen_ ? (actions_.*chosen_)() : static_cast<int>(usage); }

  /// The word that is no command although one was expected there, with the nearest that is.
  std::string unknown_command(int argc, const char* const* argv) {
    const CLI::App* at = &app_;
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if (word == "--config" || word == "-c" || word == "--set") {
        ++i;
      } else if (!word.starts_with("-")) {
        const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
        if (commands.empty()) return {};
        std::vector<std::string> names;
        const CLI::App* next = nullptr;
        for (const auto* command : commands) {
          names.push_back(command->get_name());
          if (command->get_name() == word) next = command;
        }
        if (next == nullptr) return complaint(*at, word, names);
        at = next;
      }
    }
    return {};
  }

 private:
  using Action = int (Actions::*)();

  static std::string complaint(const CLI::App& at, const std::string& word, const std::vector<std::string>& names) {
    const auto near = config::nearest(word, names);
    std::string text = "'" + word + "' is not a command";
    if (!near.empty()) return text + "; did you mean '" + (at.get_parent() ? at.get_name() + " " : "") + near + "'?";
    text += "; there are";
    for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + names[i];
    return text;
  }

  CLI::App* add(CLI::App& parent, const char* name, const char* help, Action action, const char* examples) {
    auto* const command = parent.add_subcommand(name, help);
    command->fallthrough();
    command->footer(std::string("Examples:\n") + examples);
    command->callback([this, action] { chosen_ = action; });
    return command;
  }

  CLI::App& family(const char* name, const char* help) {
    auto* const command = app_.add_subcommand(name, help);
    command->require_subcommand(1);
    command->fallthrough();
    return *command;
  }

  void json(CLI::App* command) { command->add_flag("--json", words_.json, "Print JSON, for programs"); }

  void commands() {
    add(app_, "serve", "Run the host until SIGTERM or SIGINT", &Actions::serve,
        "  loft serve\n  loft serve --set listeners.0.listen=127.0.0.1:9000");
    auto* const check = add(app_, "check", "Read the configuration and all plugins' options, report every problem",
                            &Actions::check, "  loft check --config loft.yaml\n  loft check --online push");
    check->add_option("--online", words_.online, "Also ask the providers of `push` whether they take our credentials")
        ->type_name("PART");

    user_commands();
    writing_commands();
    storage_commands();
    push_grammar(
        family("push", "Notifications: what is owed, what became of it, devices"), words_,
        [this](CLI::App& parent, const char* name, const char* help, Action action, const char* examples) {
          auto* const command = add(parent, name, help, action, examples);
          json(command);
          return command;
        },
        [this](Action action) { chosen_ = action; });

    auto& plugins = family("plugins", "Show plugins, their options and their order");
    json(add(plugins, "list", "List the plugins in the plugin path", &Actions::plugins_list, "  loft plugins list"));
    auto* const show = add(plugins, "show", "Show one plugin and its options", &Actions::plugins_show,
                           "  loft plugins show storage.sqlite");
    show->add_option("id", words_.plugin, "The plugin's id, kind.name")->required()->type_name("ID");
    json(add(plugins, "chain", "List the handlers of each event in the order of their calls", &Actions::plugins_chain,
             "  loft plugins chain"));
    auto* const grade = add(plugins, "check", "Grade a plugin's file, without a server", &Actions::plugins_check,
                            "  loft plugins check build/domain.acme_poll.so --cases poll.cases.json");
    grade->add_option("file", words_.plugin_file, "The library, kind.name.so")->required()->type_name("FILE");
    grade->add_option("--cases", words_.cases, "Contents for its message domains, and what is to become of them")
        ->type_name("FILE");
    grade->add_option("--cycles", words_.cycles, "Lives in the leak check")->check(CLI::Range(1u, 1'000'000u));
    grade->add_option("--patience", words_.patience, "Seconds that each check may take")
        ->check(CLI::Range(1u, 86'400u));
    json(grade);

    auto* const made = add(app_, "new", "Begin a plugin of your own: a project that builds, tests and loads",
                           &Actions::new_plugin, "  loft new domain Acme:Poll\n  loft new interceptor night_mode");
    made->add_option("kind", words_.kind, "contract, domain, interceptor or push")->required()->type_name("KIND");
    made->add_option("name", words_.plugin, "Of a domain Vendor:Name, else lower case; the folder is named after it")
        ->required()
        ->type_name("NAME");
    made->add_option("--into", words_.into, "The folder in which the project's is made")
        ->capture_default_str()
        ->type_name("DIR")
        ->check(is_named);
    made->add_option("--templates", words_.templates, "Other templates; else LOFT_TEMPLATES, then those of loft-sdk")
        ->type_name("DIR")
        ->check(is_named);

    auto& config = family("config", "Help for writing the configuration");
    add(config, "reference", "Print all options as Markdown", &Actions::config_reference,
        "  loft config reference > options.md");
    add(config, "default", "Print the annotated default configuration", &Actions::config_default,
        "  loft config default > loft.yaml");
    add(app_, "version", "Print the version", &Actions::version, "  loft version");
  }

  void user_commands() {
    auto& user = family("user", "Add, list, export and erase users, set passwords; also while the host runs");
    auto* const user_add = add(user, "add", "Add a user", &Actions::user_add,
                               "  loft user add ann\n  loft user add bob --uid 10001 --json");
    user_add->add_option("handle", words_.handle, "Its name, 1 to 50 bytes")->required()->type_name("HANDLE");
    user_add->add_option("--uid", words_.uid, "Its number; else the host chooses one")->type_name("N")->check(decimal);
    user_add->add_option("--uuid", words_.uuid, "Its UUID; else a random one")->type_name("U");
    json(user_add);
    json(add(user, "list", "List all users: uid, uuid, handle", &Actions::user_list, "  loft user list --json"));
    auto* const password =
        add(user, "password", "Set a user's password, for POST /auth/token of the contract auth",
            &Actions::user_password, "  loft user password ann\n  pass show chat/ann | loft user password ann");
    password->add_option("handle", words_.handle, "The user's name")->required()->type_name("HANDLE");
    password->add_flag("--remove", words_.remove, "Remove it: no password is right then");
    auto* const email =
        add(user, "email", "Show, set or remove the mail address for notifications", &Actions::user_email,
            "  loft user email ann\n  loft user email ann ann@example.org\n  loft user email ann --remove");
    email->add_option("handle", words_.handle, "The user's name")->required()->type_name("HANDLE");
    email->add_option("address", words_.address, "The new address; none: show it")->type_name("ADDRESS");
    email->add_flag("--remove", words_.remove, "Remove it: the user gets no mails then");
    json(email);
    personal_data_commands(user);

    auto* const token =
        add(app_, "token", "Print a token for a user; every contract accepts it", &Actions::token,
            "  loft token ann\n  loft token ann --ttl 30d --json\n  loft token billing --service --ttl 365d");
    token->add_option("handle", words_.handle, "The user's name")->required()->type_name("HANDLE");
    token->add_option("--ttl", words_.ttl, "For how long it is valid")->capture_default_str()->type_name("DURATION");
    token->add_flag(
        "--service", words_.service,
        "For a backend of the operator's, which may write to system conversations; made where it is missing");
    json(token);
  }

  /// What an operator does with the store; most of it also while a host runs.
  void storage_commands() {
    auto& storage = family("storage", "Look at the store, bring it up to date, check it");
    json(add(storage, "status", "Show which storage, where, its schema, its owner, and what a start would do",
             &Actions::storage_status, "  loft storage status\n  loft storage status --json"));
    auto* const plan = add(storage, "plan", "Show the schema's steps that `migrate` would take; changes nothing",
                           &Actions::storage_plan, "  loft storage plan --sql");
    plan->add_flag("--sql", words_.sql, "Print their statements");
    json(plan);
    json(add(storage, "migrate", "Bring the schema up to date, all steps or none; the host must be stopped",
             &Actions::storage_migrate, "  loft backup && loft storage migrate"));
    json(add(storage, "check", "Read through the store and name every row that contradicts another; changes nothing",
             &Actions::storage_check, "  loft storage check"));
    auto* const copy = add(app_, "backup",
                           "Copy the store, also while the host runs; of a database on a server, print "
                           "the command that does",
                           &Actions::backup, "  loft backup\n  loft backup --to /mnt/backup/loft.db");
    copy->add_option("--to", words_.backup_to, "A file that does not exist, or a folder; else data_dir/backups")
        ->type_name("FILE")
        ->check(is_named);
    json(copy);
    transfer_commands(storage);
  }

  void personal_data_commands(CLI::App& user) {
    auto* const give =
        add(user, "export", "Print what is stored about a user, a JSON object a line", &Actions::user_export,
            "  loft user export ann --to ann.ndjson\n  loft user export ann --with-received | gzip > ann.gz");
    give->add_option("handle", words_.handle, "The user's name")->required()->type_name("HANDLE");
    give->add_option("--to", words_.to, "A new file to write to; else the standard output")->type_name("FILE");
    give->add_flag("--with-received", words_.with_received,
                   "Also what others wrote to the user in direct and system conversations");
    auto* const erase = add(user, "erase", "Erase a user: the profile, every message, marks, what plugins keep",
                            &Actions::user_erase, "  loft user erase ann --dry-run\n  loft user erase ann");
    erase->add_option("handle", words_.handle, "The user's name")->required()->type_name("HANDLE");
    erase->add_flag("--dry-run", words_.dry_run, "Say what would change, and change nothing");
    json(erase);
  }

  /// Moving from one storage to another.
  void transfer_commands(CLI::App& storage) {
    auto* const copy =
        add(storage, "copy", "Copy everything from one storage into another, empty one", &Actions::storage_copy,
            "  loft storage copy --from loft.yaml --to postgresql.yaml\n"
            "Run it again when it was interrupted: it goes on where it ended.");
    copy->add_option("--from", words_.from, "A configuration with the storage that is read")
        ->required()
        ->type_name("FILE");
    copy->add_option("--to", words_.to, "A configuration with the storage that is written")
        ->required()
        ->type_name("FILE");
    copy->add_option("--batch", words_.batch, "Rows of one transaction, fewer where they are large")
        ->capture_default_str()
        ->type_name("N")
        ->check(decimal)
        ->check(CLI::Range(1, 100'000));
    json(copy);
    auto* const verify = add(storage, "verify", "Compare two storages: counts, and a hash of each conversation",
                             &Actions::storage_verify, "  loft storage verify loft.yaml postgresql.yaml");
    verify->add_option("first", words_.first, "A configuration")->required()->type_name("FILE");
    verify->add_option("second", words_.second, "Another one")->required()->type_name("FILE");
    json(verify);
  }

  /// What the operator's backend says to users.
  void writing_commands() {
    auto* const announce =
        add(app_, "announce", "Write a message that every user reads", &Actions::announce,
            "  loft announce news --text 'We are back'\n"
            "  loft announce news --domain Core:Text --content '{\"text\":\"We are back\"}' --as team");
    auto* const notify = add(app_, "notify", "Write a system message that one user reads", &Actions::notify,
                             "  loft notify ann --topic orders --text 'Your order is on its way'");
    announce->add_option("topic", words_.topic, "The conversation it belongs to")->required()->type_name("TOPIC");
    notify->add_option("handle", words_.handle, "Who reads it")->required()->type_name("HANDLE");
    notify->add_option("--topic", words_.topic, "The conversation it belongs to")->required()->type_name("TOPIC");
    for (auto* const command : {announce, notify}) {
      command->add_option("--text", words_.text, "A plain text")->type_name("TEXT");
      command->add_option("--domain", words_.domain, "With --content: what kind of message")->type_name("VENDOR:NAME");
      command->add_option("--content", words_.content, "With --domain: a JSON object")->type_name("JSON");
      command->add_option("--as", words_.as, "The sender; made where it is missing")
          ->capture_default_str()
          ->type_name("NAME");
      command->add_option("--client-id", words_.client_id, "Repeated with the same content it is sent once")
          ->type_name("ID");
      json(command);
    }
  }

  Words& words_;
  Actions& actions_;
  CLI::App app_{"A messaging host that speaks many wire contracts over one store"};
  Action chosen_ = nullptr;
};

}  // namespace

namespace {

int run_words(int argc, const char* const* argv, std::map<std::string, std::string> environment, HostCommands& host,
              std::ostream& out, std::ostream& err) {
  try {
    Words words;
    Actions actions(words, std::move(environment), host, out, err);
    Grammar grammar(words, actions);
    try {
      grammar.app().parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
        grammar.app().exit(error, out, err);
        return success;
      }
      const auto unknown = grammar.unknown_command(argc, argv);
      err << "loft: " << (unknown.empty() ? error.what() : unknown) << "\nloft --help lists commands and options\n";
      return usage;
    }
    return grammar.run_chosen();
  } catch (const std::exception& error) {
    err << "loft: " << error.what() << "\n";
    return internal;
  }
}

}  // namespace

int run(int argc, const char* const* argv, std::map<std::string, std::string> environment, HostCommands& host,
        std::ostream& out, std::ostream& err) {
  const int code = run_words(argc, argv, std::move(environment), host, out, err);
  out.flush();
  if (out || (code != success && code != refused)) return code;
  err << "loft: the output could not be written to its end; is the device full?\n";
  return output_lost;
}

}  // namespace loft::cli
