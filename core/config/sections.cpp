#include "config/sections.hpp"

namespace loft::config {
namespace {

Section top(Settings& s) {
  Section section{
      "", "Beside the sections below. Keys that begin with `x-` are ignored: a place for YAML anchors.", {}};
  auto& t = section.table;
  t.text("data_dir", s.data_dir,
         "Folder for the host's own files, the control socket and the lock; made when missing.");
  t.list("plugin_path", s.plugin_path,
         "Folders in which plugins are looked for, in this order; the one installed with the host comes last.");
  return section;
}

Section server(Settings& s) {
  Section section{"server", "Threads, connections and the time to stop.", {}};
  auto& t = section.table;
  t.integer("threads", s.server.threads, "I/O threads; 0 takes one per core, at most 256.").range(0, most_io_threads);
  t.duration("grace", s.server.grace, "How long a stop waits for connections to end by themselves.")
      .range(0, 3'600'000);
  t.size("outbox_bytes", s.server.outbox_bytes,
         "Unsent bytes per connection; over it the connection is closed with the meaning \"try again later\".")
      .range(4096, 1 << 30);
  t.integer("max_connections", s.server.max_connections, "Connections over all listeners; beyond it accepting pauses.")
      .range(1, 10'000'000);
  t.integer("blocking_threads", s.server.blocking_threads,
            "Threads for reads from the storage and other work that waits.")
      .range(1, 256);
  t.integer("blocking_queue", s.server.blocking_queue, "Work that may wait for those threads; beyond it `overloaded`.")
      .range(1, 1'000'000);
  t.integer("window", s.server.window, "Submissions in flight per session; beyond it the session is not read from.")
      .range(1, 65'536);
  return section;
}

Section jwt(Settings& s) {
  Section section{"auth.jwt",
                  "Tokens are JWTs. The host's own are signed with HS256; `keys` lists those of others, see below and "
                  "[identity.md](identity.md).",
                  {}};
  auto& t = section.table;
  t.text("secret", s.jwt.secret,
         "Shared secret of at least 32 bytes; empty takes a public development secret, refused off loopback.")
      .secret();
  t.text("issuer", s.jwt.issuer, "The `iss` claim of tokens made and demanded; empty demands none.");
  t.duration("leeway", s.jwt.leeway, "Tolerance for clocks that differ, at `exp` and `nbf`.").range(0, 300'000);
  t.boolean("require_exp", s.jwt.require_exp, "A token without `exp`, which would never end, is refused.");
  section.also_known = {"keys"};
  return section;
}

Section identity(Settings& s) {
  Section section{"identity", "Who a caller is believed to be.", {}};
  auto& t = section.table;
  t.boolean("auto_create", s.identity.auto_create,
            "A handle that is heard of for the first time becomes a user. Refused off loopback.");
  t.boolean("trust_header", s.identity.trust_header,
            "The header `X-User-ID` is believed without a token. Refused off loopback.");
  return section;
}

Section limits(Settings& s) {
  Section section{"limits", "What one client may take; beyond a limit the answer is an error, never a crash.", {}};
  auto& t = section.table;
  t.size("content_bytes", s.limits.content_bytes, "Content of one message.").range(64, 16 << 20);
  t.integer("group_members", s.limits.group_members, "Members of one group.").range(2, 1'000'000);
  t.integer("queue_messages", s.limits.queue_messages, "Submissions that wait to be committed; beyond it `overloaded`.")
      .range(16, 10'000'000);
  t.size("queue_bytes", s.limits.queue_bytes, "The same in bytes.").range(1 << 16, 4LL << 30);
  return section;
}

Section dedupe(Settings& s) {
  Section section{"dedupe", "Repeats of a message with the same client id are recognised.", {}};
  section.table.duration("keep", s.dedupe_keep, "For how long.").range(60'000, 365LL * 86'400'000);
  return section;
}

Section retention(Settings& s, Drafts& drafts) {
  Section section{
      "retention",
      "How long messages are kept, by the kind of their conversation: a duration such as `90d`, or `forever`. "
      "Older ones are removed for good, see [retention-and-erasure.md](retention-and-erasure.md).",
      {}};
  auto& t = section.table;
  t.text("direct", drafts.retention[0], "Between two users.");
  t.text("group", drafts.retention[1], "In groups.");
  t.text("system", drafts.retention[2], "What the operator's backends write to one user.");
  t.text("broadcast", drafts.retention[3], "What they write to all users.");
  t.duration("interval", s.retention.interval, "Pause between two rounds over all conversations.")
      .range(100, 30LL * 86'400'000);
  t.integer("batch", s.retention.batch, "Messages that one transaction removes at most; what is sent meanwhile waits.")
      .range(1, 100'000);
  t.duration("pause", s.retention.pause, "Pause between two such transactions.").range(0, 60'000);
  return section;
}

Section receipts(Settings& s) {
  Section section{"receipts", "Who has received and read what.", {}};
  auto& t = section.table;
  t.duration("keep", s.receipts_keep, "For how long the moment of each receipt is kept; the receipt itself stays.")
      .range(3'600'000, 3650LL * 86'400'000);
  t.integer("group_max", s.receipts_group_max,
            "Up to this many members a sender sees exact group receipts; above, `delivered` is the highest shown.")
      .range(0, 10'000);
  return section;
}

Section push(Settings& s) {
  Section section{"push",
                  "Notifications for users who have no live session, see [push.md](push.md). A mapping below it is a "
                  "channel: `push.apns` and `push.fcm` take `enabled` and the options of the plugin of that name, see "
                  "below; any other word `x` does the same for a plugin `push.x`, or for the one that `use` names.",
                  {}};
  auto& t = section.table;
  auto& p = s.push;
  t.boolean("enabled", p.enabled, "Whether anything is pushed at all.");
  t.duration("delay", p.delay, "A push is sent so long after its message, if that is still unread then.")
      .range(0, 3'600'000);
  t.duration("ttl", p.ttl, "So long after its message a push is of no use any more.").range(1'000, 28LL * 86'400'000);
  t.choice("privacy", p.privacy, {"full", "sender", "id-only"},
           "What a notification shows: sender and text, the sender, or neither.");
  t.choice("collapse", p.collapse, {"message", "conversation"},
           "What a notification replaces on the device: its own repeat, or the conversation's last one.");
  t.boolean("badge", p.badge, "Whether the user's unread messages are counted for each push.");
  t.text("locale", p.locale, "Language of previews for devices that did not say theirs, such as en.");
  t.integer("attempts", p.attempts, "So often a push is tried; then it is a dead letter, or goes by mail.")
      .range(1, 1'000);
  t.duration("retry_first", p.retry_first, "About the pause before the second attempt; it doubles with each.")
      .range(10, 3'600'000);
  t.duration("retry_longest", p.retry_longest, "The longest pause between two attempts.").range(10, 86'400'000);
  t.duration("rest", p.rest, "A channel whose credentials are refused is asked again after this time.")
      .range(100, 86'400'000);
  t.duration("keep", p.keep, "What became of a push is kept this long, in the queue and in `push_log`.")
      .range(1'000, 3650LL * 86'400'000);
  t.duration("lease", p.lease,
             "Work of a host that died is taken up by another, or by its next start, after this time; at least a "
             "channel's longest time is added.")
      .range(100, 3'600'000);
  t.integer("workers", p.workers, "Threads that prepare pushes.").range(1, 64);
  t.integer("batch", p.batch, "Pushes that one of them takes at once.").range(1, 10'000);
  t.integer("devices", p.devices, "Devices of one user; one more takes the place of the oldest.").range(1, 1'000);
  return section;
}

Section push_email(Settings& s) {
  Section section{"push.email",
                  "Mail, where no app took the notification. The server stands in the section `email`, whose options "
                  "are those of the plugin push.smtp.",
                  {}};
  section.table.boolean("enabled", s.push.email, "Whether mail is sent.");
  section.table.duration("interval", s.push.email_interval, "The shortest time between two mails to one user.")
      .range(0, 30LL * 86'400'000);
  section.table
      .duration("after", s.push.email_after,
                "A mail goes out in the place of devices whose channels have failed for so long; a longer "
                "time than `push.ttl` is never.")
      .range(0, 365LL * 86'400'000);
  return section;
}

Section log(Settings& s, Drafts& drafts) {
  Section section{"log", "Levels are read again on SIGHUP.", {}};
  auto& t = section.table;
  t.choice("level", s.log.level, log_level_names, "Lines below this level are not written.");
  t.map("levels", drafts.log_levels,
        "Other levels for single plugins, kinds of them or parts of the host, such as `{contract.im: debug}`.");
  t.choice("format", s.log.format, {"text", "json", "logfmt"}, "How a line looks.");
  t.text("file", s.log.file, "File to append to; empty is standard error.");
  return section;
}

Section internal(Settings& s, Drafts& drafts) {
  Section section{
      "internal", "A listener for the operator: `/metrics`, `/livez`, `/readyz`, without authentication.", {}};
  auto& t = section.table;
  t.boolean("enabled", s.internal_enabled, "Whether there is one.");
  t.text("listen", drafts.internal_listen, "Address and port.");
  return section;
}

}  // namespace

std::vector<Section> host_sections(Settings& settings, Drafts& drafts) {
  std::vector<Section> sections;
  sections.push_back(top(settings));
  sections.push_back(server(settings));
  sections.push_back(jwt(settings));
  sections.push_back(identity(settings));
  sections.push_back(limits(settings));
  sections.push_back(dedupe(settings));
  sections.push_back(receipts(settings));
  sections.push_back(retention(settings, drafts));
  sections.push_back(push(settings));
  sections.push_back(push_email(settings));
  sections.push_back(log(settings, drafts));
  sections.push_back(internal(settings, drafts));
  return sections;
}

OptionTable ListenerDraft::table(ListenerSettings& listener) {
  OptionTable t;
  t.text("name", name, "For logs and metrics, unique; `listener1` and so on where it is missing.");
  t.text("listen", listen, "Address literal and port, `127.0.0.1:8080` or `[::]:8080`; port 0 takes any free one.")
      .required();
  t.text("tls.certificate", listener.tls_certificate, "PEM file with the certificate chain; without it plain TCP.");
  t.text("tls.key", listener.tls_key, "PEM file with the private key.");
  return t;
}

}  // namespace loft::config
