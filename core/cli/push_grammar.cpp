// The words of `loft push`.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/push_grammar.hpp"

namespace loft::cli {
namespace {

void names_user(CLI::App* command, Words& words, bool required) {
  auto* const option = command->add_option("user", words.handle, "The user's name")->type_name("USER");
  if (required) option->required();
}

void names_push(CLI::App* command, Words& words, bool required) {
  auto* const option = command->add_option("message", words.message, "The message's number")->type_name("MESSAGE");
  if (required) option->required();
  names_user(command, words, required);
}

void device_grammar(CLI::App& device, Words& words, const AddCommand& add) {
  auto* const made =
      add(device, "add", "Register a device by hand, as `POST /api/v1/push/device/register` does",
          &Actions::push_device_add, "  loft push device add bob --channel apns --token 00fc13adff78… --platform ios");
  names_user(made, words, true);
  made->add_option("--channel", words.channel, "apns, fcm, or another key of `push`")->required()->type_name("WORD");
  made->add_option("--token", words.token_text, "What the provider gave the app")->required()->type_name("TOKEN");
  made->add_option("--platform", words.platform, "ios, android, web")->type_name("WORD");
  made->add_option("--app", words.app, "Which app of several")->type_name("APP");
  made->add_option("--locale", words.locale, "Language of previews")->type_name("TAG");
  made->add_option("--device-id", words.client, "The app's own name of the device")->type_name("ID");
  names_user(add(device, "list", "List devices, without their tokens", &Actions::push_device_list,
                 "  loft push device list bob\n  loft push device list --json"),
             words, false);
  auto* const removed =
      add(device, "remove", "Remove a device", &Actions::push_device_remove, "  loft push device remove bob 7");
  names_user(removed, words, true);
  removed->add_option("id", words.device, "Its number, as `list` shows it")->required()->type_name("ID");
}

}  // namespace

void push_grammar(CLI::App& push, Words& words, const AddCommand& add, const ChooseAction& choose) {
  add(push, "status", "Show the channels, how much is owed, and how far push has come", &Actions::push_status,
      "  loft push status --json");
  auto* const list = add(push, "list", "List pushes of the ledger, oldest messages first", &Actions::push_list,
                         "  loft push list --state owed\n  loft push list --user bob");
  list->add_option("--state", words.state, "owed, delivered, silenced or dead")->type_name("STATE");
  auto* const dead = add(push, "dead", "List dead letters with their reasons", &Actions::push_dead,
                         "  loft push dead\n  loft push dead --user bob --json");
  for (auto* const command : {list, dead}) {
    command->add_option("--user", words.handle, "Only one user's")->type_name("USER");
    command->add_option("--limit", words.limit, "How many, at most 500")->capture_default_str()->type_name("N");
  }
  names_push(add(push, "why", "Tell the story of one push in time order, or why there was none", &Actions::push_why,
                 "  loft push why 153425346785280 bob"),
             words, true);
  auto* const replay = add(push, "replay", "Send dead letters again, when their cause is mended", &Actions::push_replay,
                           "  loft push replay 153425346785280 bob\n  loft push replay --all --reason push.attempts");
  names_push(replay, words, false);
  replay->add_flag("--all", words.all, "All dead letters");
  replay->add_option("--reason", words.reason, "With --all: of one reason only")->type_name("REASON");
  names_push(add(push, "dry-run", "Show what would be sent now, and to which devices; sends nothing",
                 &Actions::push_dry_run, "  loft push dry-run 153425346785280 bob"),
             words, true);
  auto* const mute =
      add(push, "mute", "Keep a user from pushes of a conversation, or list what is muted", &Actions::push_mute,
          "  loft push mute bob 153425346785280 --for 8h\n  loft push mute bob 153425346785280 --off");
  names_user(mute, words, true);
  mute->add_option("conversation", words.conversation, "The conversation's number; none: list")->type_name("ID");
  mute->add_option("--for", words.mute_for, "For how long; else until --off")->type_name("DURATION");
  mute->add_flag("--off", words.remove, "Lift it");
  // Its options are another program's, which has its own help.
  auto* const simulate = push.add_subcommand(
      "simulate", "Stand in for Apple's and Google's services on this machine, for rehearsals (--help: its options)");
  simulate->set_help_flag();
  simulate->fallthrough(false);
  simulate->prefix_command();
  simulate->callback([&words, simulate, choose] {
    words.rest = simulate->remaining();
    choose(&Actions::push_simulate);
  });
  auto* const device = push.add_subcommand("device", "Register, list and remove devices");
  device->require_subcommand(1);
  device->fallthrough();
  device_grammar(*device, words, add);
}

}  // namespace loft::cli
