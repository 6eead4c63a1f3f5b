#include "block_list/editor.hpp"

#include <optional>
#include <string>
#include <utility>

namespace loft::block_list {

/// One edit on its way.
struct Editor::Edit {
  Caller caller;
  List now;                           ///< what is to be changed
  std::optional<std::string> stored;  ///< its text in the store, which earlier versions of this plugin wrote otherwise
  UserId other = UserId::none;
  bool adds = false;
  Done<bool> done;
  int tries = 0;
};

Result<void> Editor::load() {
  constexpr std::size_t page = 500;
  std::string after;
  for (;;) {
    const auto found = store_.read("blocks/", after, page);
    if (!found) return found.error();
    for (const auto& [key, value] : *found) {
      auto list = decode(key, value);
      if (!list) return Error{Code::internal, "blocks.damaged", "the value of '" + key + "' is no block list"};
      table_.replace(std::move(*list));
    }
    if (found->size() < page) return {};
    after = found->back().key;
  }
}

Result<void> Editor::forget(UserId owner) {
  std::vector<KeyChange> changes(1);
  changes[0].key = key_of(owner);
  if (auto written = store_.write(std::move(changes)); !written) return written;
  const auto known = table_.find(owner);
  if (known != nullptr) table_.replace(List{known->version + 1, owner, {}});
  return {};
}

void Editor::block(const Caller& caller, UserId owner, UserId other, Done<bool> done) {
  if (owner == other) return done(Error{Code::invalid, "blocks.self", "nobody can block themselves"});
  begin(std::make_shared<Edit>(Edit{caller, List{0, owner, {}}, {}, other, true, std::move(done)}));
}

void Editor::unblock(const Caller& caller, UserId owner, UserId other, Done<bool> done) {
  begin(std::make_shared<Edit>(Edit{caller, List{0, owner, {}}, {}, other, false, std::move(done)}));
}

void Editor::begin(std::shared_ptr<Edit> edit) {
  if (const auto known = table_.find(edit->now.owner)) {
    edit->now = *known;
    edit->stored = encode(*known);
  }
  apply(std::move(edit));
}

// The store says whether the list is still what the change was made from; the version says which list is the newest,
// whatever order the answers come in.
void Editor::apply(std::shared_ptr<Edit> edit) {
  const auto& now = edit->now;
  if (now.holds(edit->other) == edit->adds) return edit->done(true);
  if (edit->adds && now.blocked.size() >= limit_) {
    return edit->done(Error{Code::conflict, "blocks.too_many",
                            "a list holds at most " + std::to_string(limit_) + " users; unblock somebody first"});
  }
  auto next = edit->adds ? with(now, edit->other) : without(now, edit->other);
  ++next.version;
  std::vector<KeyChange> changes(1);
  changes[0].key = key_of(next.owner);
  changes[0].value = encode(next);
  changes[0].expected.emplace(edit->stored);
  const auto caller = edit->caller;
  store_.put(caller, std::move(changes),
             [this, edit = std::move(edit), next = std::move(next)](Result<bool> stored) mutable {
               if (stored) {
                 table_.replace(std::move(next));
                 return edit->done(true);
               }
               if (stored.error().reason != "key.changed") return edit->done(std::move(stored.error()));
               again(std::move(edit));
             });
}

/// The store has another text: somebody else was faster, or an earlier version of this plugin wrote it.
void Editor::again(std::shared_ptr<Edit> edit) {
  constexpr int most_tries = 16;
  if (++edit->tries == most_tries) {
    return edit->done(Error{Code::conflict, "blocks.busy", "the list is being changed all the time; try again"});
  }
  auto key = key_of(edit->now.owner);
  const auto caller = edit->caller;
  store_.get(caller, key, [this, edit = std::move(edit), key](Result<std::optional<std::string>> value) mutable {
    if (!value) return edit->done(std::move(value.error()));
    auto now = List{0, edit->now.owner, {}};
    if (*value) {
      auto list = decode(key, **value);
      if (!list) return edit->done(Error{Code::internal, "blocks.damaged", {}});
      table_.replace(*list);
      now = std::move(*list);
    }
    edit->now = std::move(now);
    edit->stored = std::move(*value);
    apply(std::move(edit));
  });
}

}  // namespace loft::block_list
