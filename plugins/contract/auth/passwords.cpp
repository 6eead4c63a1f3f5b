#include "passwords.hpp"

#include <loft/utf8.hpp>

namespace loft::auth {
namespace {

constexpr std::size_t longest = 1024;  // bytes; nobody types more

std::string key_of(UserId user) { return "password." + std::to_string(raw(user)); }

Error wrong() { return {Code::unauthenticated, "password.wrong", "the handle or the password is wrong"}; }
Error busy() { return {Code::overloaded, "password.queue", "too many passwords are being checked; try again"}; }
Error no_memory() { return {Code::unavailable, "password.memory", "there is not enough memory to hash a password"}; }

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace

/// One check on its way.
struct Passwords::Work {
  Caller caller;
  UserId user = UserId::none;  ///< none: there is no such user
  std::string given;
  std::optional<std::string> wanted;
  Done<bool> done;
  std::string stored;
  bool is_real = false;  ///< `stored` is the user's
  Match match = Match::no;
  std::string fresh;
  bool no_memory = false;
};

Passwords::Passwords(Host& host, const Settings& settings)
    : host_(host),
      state_(host.key_values()),
      settings_(settings),
      lanes_(host, settings.checks, settings.queue),
      nothing_(hash_of_nothing(settings.cost)) {}

Result<void> Passwords::fit(std::string_view password) const {
  const auto weak = [](std::string detail) { return Error{Code::invalid, "password.weak", std::move(detail)}; };
  if (!utf8::valid(password)) return weak("the password is not UTF-8");
  if (password.size() > longest) return weak("a password has at most 1024 bytes");
  if (characters(password) < settings_.min_length) {
    return weak("a password has at least " + std::to_string(settings_.min_length) + " characters");
  }
  return {};
}

void Passwords::check(const Caller& caller, std::shared_ptr<const User> user, std::string password, Done<bool> done) {
  auto work = std::make_shared<Work>();
  work->caller = caller;
  work->user = user ? user->id : UserId::none;
  work->given = std::move(password);
  work->done = std::move(done);
  read(std::move(work));
}

void Passwords::change(const Caller& caller, const User& user, std::string current, std::string wanted,
                       Done<bool> done) {
  if (auto fits = fit(wanted); !fits) return done(std::move(fits.error()));
  auto work = std::make_shared<Work>();
  work->caller = caller;
  work->user = user.id;
  work->given = std::move(current);
  work->wanted = std::move(wanted);
  work->done = std::move(done);
  read(std::move(work));
}

void Passwords::read(std::shared_ptr<Work> work) {
  // Asked for users that do not exist as well: it takes its time.
  state_.get(work->caller, key_of(work->user), [this, work](Result<std::optional<std::string>> stored) {
    if (!stored) return work->done(std::move(stored.error()));
    if (work->wanted && !*stored) {
      return work->done(Error{Code::conflict, "password.none",
                              "there is no password to change; the operator sets the first one with `loft user "
                              "password`"});
    }
    compare(work, std::move(*stored));
  });
}

void Passwords::compare(std::shared_ptr<Work> work, std::optional<std::string> stored) {
  work->is_real = stored.has_value() && work->user != UserId::none;
  work->stored = work->is_real ? std::move(*stored) : nothing_;
  // What is longer was never set as a password, and hashing it would cost the host and not the client.
  if (work->given.size() > longest) work->given.clear();
  auto dear = [this, work] {
    work->match = matches(work->stored, work->given);
    if (work->match != Match::yes || !work->is_real) return;
    if (!work->wanted && !is_outdated(work->stored, settings_.cost)) return;
    work->fresh = hash(work->wanted ? *work->wanted : work->given, settings_.cost);
  };
  lanes_.run(work->caller, std::move(dear), [this, work](bool ran) {
    if (!ran) return work->done(busy());
    finish(work);
  });
}

void Passwords::finish(const std::shared_ptr<Work>& work) {
  if (work->match == Match::out_of_memory) return work->done(no_memory());
  if (work->match != Match::yes || !work->is_real) return work->done(wrong());
  if (work->wanted && work->fresh.empty()) return work->done(no_memory());
  if (work->fresh.empty()) return work->done(true);
  std::vector<KeyChange> changes;
  changes.push_back({key_of(work->user), work->fresh, std::optional<std::string>(work->stored)});
  state_.put(work->caller, std::move(changes), [work](Result<bool> stored) {
    // A hash that is only renewed may be renewed next time.
    if (!stored && work->wanted) return work->done(std::move(stored.error()));
    work->done(true);
  });
}

Result<bool> Passwords::has(UserId user) {
  const auto key = key_of(user);
  const auto found = state_.read(key, {}, 1);  // others may begin with it; it comes first
  if (!found) return found.error();
  return !found->empty() && found->front().key == key;
}

Result<void> Passwords::set(UserId user, const std::optional<std::string>& password) {
  KeyChange change{key_of(user), std::nullopt, std::nullopt};
  if (password) {
    if (auto fits = fit(*password); !fits) return fits;
    change.value = hash(*password, settings_.cost);
    if (change.value->empty()) return no_memory();
  }
  std::vector<KeyChange> changes;
  changes.push_back(std::move(change));
  return state_.write(std::move(changes));
}

}  // namespace loft::auth
