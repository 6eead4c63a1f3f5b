#include "carrypigeon/applications.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <loft/contract_tools.hpp>

namespace loft::carrypigeon {
namespace {

constexpr int tries = 8;                                  // with as many others at the same moment
constexpr std::int64_t numbers = 10'000'000'000'000'000;  // keys count down from here: the newest comes first

const std::string last_key = "last";

std::string padded(std::int64_t number) {
  auto digits = std::to_string(number);
  return std::string(16 - std::min<std::size_t>(digits.size(), 16), '0') + digits;
}

std::string channel_prefix(std::int64_t cid) { return "application/" + std::to_string(cid) + "/"; }
std::string key_of(const Application& a) { return channel_prefix(a.cid) + padded(numbers - 1 - a.aid); }
std::string number_key(std::int64_t aid) { return "aid/" + std::to_string(aid); }
std::string waiting_key(const Application& a) {
  return "pending/" + std::to_string(a.cid) + "/" + std::to_string(a.uid);
}

std::int64_t number_in(std::string_view text) {
  const auto value = json::parse(text);
  return value ? value->integer().value_or(0) : 0;
}

std::string encode(const Application& a) {
  std::string out;
  json::Writer w(out);
  w.object().key("uid").number(a.uid).key("state").number(static_cast<int>(a.state));
  w.key("msg").string(a.msg).key("time").number(a.time).end_object();
  return out;
}

Application decode(std::int64_t cid, std::int64_t aid, std::string text) {
  Application a;
  a.cid = cid;
  a.aid = aid;
  if (const auto object = json::parse(text)) {
    const auto [uid, state, msg, time] = pick<4>(*object, {"uid", "state", "msg", "time"});
    a.uid = static_cast<std::uint64_t>(uid.integer().value_or(0));
    a.state = static_cast<ApplicationState>(std::clamp<std::int64_t>(state.integer().value_or(0), 0, 3));
    a.msg = msg.text().value_or(std::string());
    a.time = time.integer().value_or(0);
  }
  a.stored = std::move(text);
  return a;
}

/// An application on its way into the store. `last` is everybody's, so others may be in between.
struct Creation {
  KeyValues& store;
  Caller caller;
  Application application;
  Done<Application> done;
  int left = tries;
};
void attempt(const std::shared_ptr<Creation>& it);

void store(const std::shared_ptr<Creation>& it, std::optional<std::string> last) {
  auto& a = it->application;
  a.aid = (last ? number_in(*last) : 0) + 1;
  a.stored = encode(a);
  const std::optional<std::string> nothing;
  std::vector<KeyChange> changes;
  changes.push_back({last_key, std::to_string(a.aid), last});
  changes.push_back({number_key(a.aid), std::to_string(a.cid), nothing});
  changes.push_back({key_of(a), a.stored, nothing});
  changes.push_back({waiting_key(a), std::to_string(a.aid), nothing});
  it->store.put(it->caller, std::move(changes), [it](Result<bool> stored) {
    if (stored) return it->done(std::move(it->application));
    if (stored.error().reason == "key.changed" && --it->left > 0) return attempt(it);
    it->done(std::move(stored.error()));
  });
}

void attempt(const std::shared_ptr<Creation>& it) {
  it->store.get(it->caller, waiting_key(it->application), [it](Result<std::optional<std::string>> waiting) {
    if (!waiting) return it->done(std::move(waiting.error()));
    if (*waiting) return it->done(Error{Code::conflict, "application.waiting", {}});
    it->store.get(it->caller, last_key, [it](Result<std::optional<std::string>> last) {
      if (!last) return it->done(std::move(last.error()));
      store(it, std::move(*last));
    });
  });
}

}  // namespace

namespace {

/// Calls `found` for each application of a user. All are looked at: nobody asks for them by user but an operator.
template <class F>
Result<void> each_of(KeyValues& store, UserId user, F found) {
  constexpr std::size_t page = 500;
  const std::string prefix = "application/";
  for (std::string after;;) {
    const auto rows = store.read(prefix, after, page);
    if (!rows) return rows.error();
    for (const auto& [key, value] : *rows) {
      const auto slash = key.find('/', prefix.size());
      if (slash == std::string::npos) continue;
      const auto turned = number_in("1" + key.substr(slash + 1)) - numbers;
      const auto cid = number_in(std::string_view(key).substr(prefix.size(), slash - prefix.size()));
      const auto application = decode(cid, numbers - 1 - turned, value);
      if (application.uid == raw(user)) found(application);
    }
    if (rows->size() < page) return {};
    after = rows->back().key;
  }
}

}  // namespace

Verdict erase_applications(KeyValues& store, EraseUser& event) {
  std::vector<Application> all;
  const auto read = each_of(store, event.user, [&](const Application& one) { all.push_back(one); });
  if (!read) return read.error();
  event.removed("contract.carrypigeon applications", all.size());
  if (event.dry_run) return Verdict::pass();
  for (const auto& one : all) {
    std::vector<KeyChange> changes;
    for (auto& key : {key_of(one), number_key(one.aid), waiting_key(one)}) {
      changes.push_back({key, std::nullopt, std::nullopt});
    }
    if (const auto written = store.write(std::move(changes)); !written) return written.error();
  }
  return Verdict::pass();
}

Verdict tell_applications(KeyValues& store, ExportUser& event) {
  const auto read = each_of(store, event.user, [&](const Application& one) {
    std::string data;
    json::Writer w(data);
    w.object().key("channel").number(one.cid).key("msg").string(one.msg).key("time").number(one.time);
    w.key("state").number(static_cast<int>(one.state)).end_object();
    event.add("contract.carrypigeon.application", std::move(data));
  });
  return read ? Verdict::pass() : Verdict(read.error());
}

void Applications::create(const Caller& caller, Application application, Done<Application> done) {
  attempt(std::make_shared<Creation>(Creation{store_, caller, std::move(application), std::move(done)}));
}

void Applications::find(const Caller& caller, std::int64_t aid, Done<Application> done) {
  store_.get(caller, number_key(aid),
             [this, caller, aid, done = std::move(done)](Result<std::optional<std::string>> channel) mutable {
               if (!channel) return done(std::move(channel.error()));
               if (!*channel) return done(Error{Code::not_found, "application.unknown", {}});
               Application named;
               named.aid = aid;
               named.cid = number_in(**channel);
               store_.get(caller, key_of(named),
                          [named, done = std::move(done)](Result<std::optional<std::string>> text) mutable {
                            if (!text) return done(std::move(text.error()));
                            if (!*text) return done(Error{Code::not_found, "application.unknown", {}});
                            done(decode(named.cid, named.aid, std::move(**text)));
                          });
             });
}

void Applications::set_state(const Caller& caller, Application application, ApplicationState state,
                             Done<Application> done) {
  auto changed = std::move(application);
  const std::optional<std::string> before = std::move(changed.stored);
  changed.state = state;
  changed.stored = encode(changed);
  std::vector<KeyChange> changes;
  changes.push_back({key_of(changed), changed.stored, before});
  if (state == ApplicationState::approved || state == ApplicationState::rejected) {
    changes.push_back({waiting_key(changed), std::nullopt, std::nullopt});
  }
  store_.put(caller, std::move(changes),
             [changed = std::move(changed), done = std::move(done)](Result<bool> stored) mutable {
               if (!stored) return done(std::move(stored.error()));
               done(std::move(changed));
             });
}

void Applications::list(const Caller& caller, std::int64_t cid, std::size_t skip, std::size_t size,
                        Done<std::vector<Application>> done) {
  store_.list(caller, channel_prefix(cid), {}, skip + size,
              [cid, skip, done = std::move(done)](Result<std::vector<KeyValue>> found) mutable {
                if (!found) return done(std::move(found.error()));
                std::vector<Application> page;
                for (std::size_t i = skip; i < found->size(); ++i) {
                  auto& [key, value] = (*found)[i];
                  // The digits have zeros before them, which JSON's numbers may not.
                  const auto turned = number_in("1" + key.substr(key.rfind('/') + 1)) - numbers;
                  page.push_back(decode(cid, numbers - 1 - turned, std::move(value)));
                }
                done(std::move(page));
              });
}

}  // namespace loft::carrypigeon
