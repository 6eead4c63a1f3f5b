// `/core/channel/application/…`: who asks to become a member, and what an admin says to it.
//
// An approval has two steps in two places: the membership, then the application. It is written down that it has begun,
// so that after a crash between the two the next admin who processes the application finishes it, whatever he says: the
// first word counts.
#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {
namespace {

constexpr std::int64_t most_pages = 100;

ConversationRef channel(std::int64_t cid) { return ConversationRef::of(static_cast<ConversationId>(cid)); }

bool is_done(ApplicationState state) {
  return state == ApplicationState::approved || state == ApplicationState::rejected;
}

/// Whether a refusal stands: the same attempt later would meet it again.
bool stands(Code code) noexcept {
  return code != Code::overloaded && code != Code::unavailable && code != Code::internal;
}

void append_application(std::string& out, const Application& application) {
  const bool joining = application.state == ApplicationState::joining;
  json::Writer writer(out);
  writer.object().key("id").number(application.aid).key("uid").number(application.uid);
  writer.key("state").number(joining ? 0 : static_cast<int>(application.state));
  writer.key("msg").string(shown(application.msg)).key("apply_time").number(application.time).end_object();
}

}  // namespace

void Connection::tell_applications(std::int64_t cid) {
  Signal signal;
  signal.in = channel(cid);
  signal.name = applications_signal;
  signal.from_outside = true;
  services_.messaging.signal(peer_.caller(), std::move(signal));
}

void Connection::as_admin(std::int64_t id, std::int64_t cid, Function<void()> then) {
  services_.messaging.conversation(peer_.caller(), channel(cid), true,
                                   [this, id, then = std::move(then)](Result<ConversationRecord> result) mutable {
                                     if (!result) return refuse(id, result.error());
                                     if (!result->me || result->me->role == Role::member) return refuse(id, not_admin);
                                     then();
                                   });
}

void Connection::application_create(const Request& request) {
  const auto [cid, msg] = pick<2>(request.data, {"cid", "msg"});
  Application application;
  if (!take(request, cid, application.cid, 1) || !take_text(request, msg, application.msg, max_text)) return;
  application.uid = raw(peer_.caller().user);
  application.time = services_.clock.now();
  const auto ref = channel(application.cid);
  services_.messaging.conversation(
      peer_.caller(), ref, false,
      [this, id = request.id, application = std::move(application)](Result<ConversationRecord> found) mutable {
        if (!found) return refuse(id, found.error());
        const auto& conversation = *found->conversation;
        if (conversation.kind != ConversationKind::group) return refuse(id, not_owner);
        if (conversation.dissolved) return refuse(id, no_channel);
        if (found->me && !found->me->left) return refuse(id, member_already);
        if (conversation.join == JoinRule::invite_only) return refuse(id, not_invited);
        applications_.create(peer_.caller(), std::move(application), [this, id](Result<Application> made) {
          if (!made) return refuse(id, made.error());
          reply_null(id);
          tell_applications(made->cid);
        });
      });
}

void Connection::application_process(const Request& request) {
  const auto [aid, result] = pick<2>(request.data, {"aid", "result"});
  std::int64_t number = 0;
  std::int64_t word = 0;
  if (!take(request, aid, number, 1) || !take(request, result, word, 1, 2)) return;
  applications_.find(peer_.caller(), number, [this, id = request.id, word](Result<Application> found) {
    if (!found) return refuse(id, found.error());
    const auto cid = found->cid;
    as_admin(id, cid, [this, id, word, application = std::move(*found)]() mutable {
      if (is_done(application.state)) return refuse(id, processed_already);
      if (application.state == ApplicationState::joining) return approve(id, std::move(application), word == 1);
      const auto next = word == 1 ? ApplicationState::joining : ApplicationState::rejected;
      applications_.set_state(peer_.caller(), std::move(application), next, [this, id, word](Result<Application> set) {
        // Another admin was faster.
        if (!set && set.error().reason == "key.changed") return refuse(id, processed_already);
        if (!set) return refuse(id, set.error());
        if (word == 1) return approve(id, std::move(*set), true);
        reply_null(id);
        tell_applications(set->cid);
      });
    });
  });
}

/// `asked`: this admin says so; otherwise he hears that another one has.
void Connection::approve(std::int64_t id, Application application, bool asked) {
  MembershipAct act;
  act.kind = MembershipAct::Kind::add;
  act.in = channel(application.cid);
  act.subject = UserRef::of(static_cast<UserId>(application.uid));
  services_.messaging.change_membership(
      peer_.caller(), std::move(act),
      [this, id, asked, application = std::move(application)](Result<MemberRecord> added) mutable {
        const bool there = added || added.error().reason == "member.already";
        if (!there && !stands(added.error().code)) return refuse(id, added.error());
        const auto next = there ? ApplicationState::approved : ApplicationState::waiting;
        applications_.set_state(
            peer_.caller(), std::move(application), next,
            [this, id, asked, there, cid = application.cid, added = std::move(added)](Result<Application> set) {
              if (!set && set.error().reason != "key.changed") return refuse(id, set.error());
              if (!there) return refuse(id, added.error());
              asked ? reply_null(id) : refuse(id, processed_already);
              tell_applications(cid);
            });
      });
}

void Connection::application_list(const Request& request) {
  const auto [cid, page, size, size_camel] = pick<4>(request.data, {"cid", "page", "page_size", "pageSize"});
  std::int64_t number = 0;
  std::int64_t at = 1;
  std::int64_t count = 20;
  if (!take(request, cid, number, 1)) return;
  if (!missing(page) && !take(request, page, at, 1, most_pages)) return;
  const auto& given = either(size, size_camel);
  if (!missing(given) && !take(request, given, count, 1, 50)) return;
  as_admin(request.id, number, [this, id = request.id, number, at, count] {
    applications_.list(
        peer_.caller(), number, static_cast<std::size_t>((at - 1) * count), static_cast<std::size_t>(count),
        answer<std::vector<Application>>(id, [](std::string& out, const std::vector<Application>& found) {
          append_list(out, "applications", found, append_application);
        }));
  });
}

}  // namespace loft::carrypigeon
