// `/core/channel/member/…`, `/core/channel/admin/…` and `/core/channel/ban/…`.
#include <algorithm>

#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {
namespace {

using Members = std::vector<MemberRecord>;

constexpr std::int64_t longest_ban = 10LL * 366 * 86'400;  // seconds: beyond ten years it is for ever

void append_member(std::string& out, const MemberRecord& record) {
  json::Writer writer(out);
  writer.object().key("uid").number(raw(record.member.user)).key("name").string(shown(name_of(*record.user)));
  writer.key("authority").number(record.member.role == Role::member ? 0 : 1);
  writer.key("join_time").number(id::time_of(record.member.joined)).end_object();
}

/// The seconds that a ban was given for; half of one counts.
Millis seconds(Millis duration) { return std::max<Millis>((duration + 500) / 1000, 1); }

void append_ban(std::string& out, const MemberRecord& record) {
  const Member& member = record.member;
  json::Writer writer(out);
  writer.object().key("uid").number(raw(member.user)).key("aid").number(raw(member.muted_by));
  writer.key("ban_time").number(member.muted_at);
  writer.key("duration").number(seconds(member.muted_until - member.muted_at)).end_object();
}

/// Null where the user is not a member.
const Member* find(const Members& members, std::uint64_t uid) {
  const auto it = std::ranges::find_if(
      members, [uid](const MemberRecord& record) { return raw(record.member.user) == uid && !record.member.left; });
  return it == members.end() ? nullptr : &it->member;
}

}  // namespace

void Connection::member_get(const Request& request) {
  const auto [cid, uid] = pick<2>(request.data, {"cid", "uid"});
  ConversationRef channel;
  UserRef subject;
  if (!take_channel(request, cid, channel) || !take_user(request, uid, subject)) return;
  services_.messaging.members(peer_.caller(), std::move(channel), true,
                              [this, id = request.id, uid = subject.number](Result<Members> members) {
                                if (!members) return refuse(id, members.error());
                                for (const auto& record : *members) {
                                  if (raw(record.member.user) != uid || record.member.left) continue;
                                  return reply(id, [&](std::string& out) { append_member(out, record); });
                                }
                                refuse(id, no_member);
                              });
}

void Connection::member_list(const Request& request) {
  const auto [cid] = pick<1>(request.data, {"cid"});
  ConversationRef channel;
  if (!take_channel(request, cid, channel)) return;
  services_.messaging.members(peer_.caller(), std::move(channel), true,
                              answer<Members>(request.id, [](std::string& out, Members& members) {
                                std::erase_if(members, [](const MemberRecord& record) { return record.member.left; });
                                append_list(out, "members", members, append_member);
                              }));
}

// There is no route to leave a channel by, so everybody may delete himself.
void Connection::member_delete(const Request& request) {
  const auto [cid, uid] = pick<2>(request.data, {"cid", "uid"});
  MembershipAct act;
  if (!take_channel(request, cid, act.in) || !take_user(request, uid, act.subject)) return;
  const bool own = act.subject.number == raw(peer_.caller().user);
  act.kind = own ? MembershipAct::Kind::leave : MembershipAct::Kind::remove;
  services_.messaging.change_membership(peer_.caller(), std::move(act), acknowledge<MemberRecord>(request.id));
}

void Connection::admin_create(const Request& request) { set_role(request, Role::admin); }
void Connection::admin_delete(const Request& request) { set_role(request, Role::member); }

void Connection::set_role(const Request& request, Role role) {
  const auto [cid, uid] = pick<2>(request.data, {"cid", "uid"});
  MembershipAct act;
  act.kind = MembershipAct::Kind::set_role;
  act.role = role;
  if (!take_channel(request, cid, act.in) || !take_user(request, uid, act.subject)) return;
  services_.messaging.change_membership(peer_.caller(), std::move(act),
                                        acknowledge<MemberRecord>(request.id, not_owner));
}

void Connection::ban_create(const Request& request) {
  const auto [cid, uid, duration] = pick<3>(request.data, {"cid", "uid", "duration"});
  std::int64_t length = 0;
  MembershipAct act;
  act.kind = MembershipAct::Kind::mute;
  if (!take_channel(request, cid, act.in) || !take_user(request, uid, act.subject)) return;
  if (!take(request, duration, length, 1)) return;
  act.mute_until = services_.clock.now() + std::min(length, longest_ban) * 1000;
  auto in = act.in;
  services_.messaging.members(peer_.caller(), std::move(in), true,
                              [this, id = request.id, act = std::move(act)](Result<Members> members) mutable {
                                if (!members) return refuse(id, members.error());
                                const auto* own = find(*members, raw(peer_.caller().user));
                                if (own == nullptr || own->role == Role::member) return refuse(id, not_admin);
                                const auto* subject = find(*members, act.subject.number);
                                if (subject == nullptr) return refuse(id, no_member);
                                if (subject->role != Role::member) return refuse(id, admin_not_banned);
                                services_.messaging.change_membership(peer_.caller(), std::move(act),
                                                                      acknowledge<MemberRecord>(id));
                              });
}

void Connection::ban_delete(const Request& request) {
  const auto [cid, uid] = pick<2>(request.data, {"cid", "uid"});
  MembershipAct act;
  act.kind = MembershipAct::Kind::mute;
  if (!take_channel(request, cid, act.in) || !take_user(request, uid, act.subject)) return;
  services_.messaging.change_membership(peer_.caller(), std::move(act), acknowledge<MemberRecord>(request.id));
}

void Connection::ban_list(const Request& request) {
  const auto [cid] = pick<1>(request.data, {"cid"});
  ConversationRef channel;
  if (!take_channel(request, cid, channel)) return;
  services_.messaging.members(
      peer_.caller(), std::move(channel), true,
      answer<Members>(request.id, [now = services_.clock.now()](std::string& out, Members& members) {
        std::erase_if(members, [now](const MemberRecord& record) {
          return record.member.left || record.member.muted_until <= now;
        });
        append_list(out, "bans", members, append_ban);
      }));
}

}  // namespace loft::carrypigeon
