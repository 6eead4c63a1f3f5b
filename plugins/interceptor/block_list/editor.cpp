#include "block_list/editor.hpp"

#include <utility>

namespace loft::block_list {

/// One edit on its way.
struct Editor::Edit {
  Caller caller;
  List empty;  ///< what the owner has without a list
  Blocked other;
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

void Editor::block(const Caller& caller, const User& owner, UserId other, Done<bool> done) {
  if (owner.id == other) return done(Error{Code::invalid, "blocks.self", "nobody can block themselves"});
  auto edit = std::make_shared<Edit>();
  edit->caller = caller;
  edit->empty = List{0, owner.id, owner.handle, owner.uuid, {}};
  edit->other.user = other;
  edit->adds = true;
  edit->done = std::move(done);
  // Where the two have no conversation yet, its beginning is heard of later.
  messaging_.conversation(caller, ConversationRef::direct(UserRef::of(other)), false,
                          [this, edit](Result<ConversationRecord> found) {
                            if (found && found->conversation != nullptr) {
                              edit->other.conversation = found->conversation->id;
                              edit->other.conversation_uuid = found->conversation->uuid;
                            } else if (!found && found.error().code != Code::not_found) {
                              return edit->done(std::move(found.error()));
                            }
                            apply(edit);
                          });
}

void Editor::unblock(const Caller& caller, const User& owner, UserId other, Done<bool> done) {
  auto edit = std::make_shared<Edit>();
  edit->caller = caller;
  edit->empty = List{0, owner.id, owner.handle, owner.uuid, {}};
  edit->other.user = other;
  edit->done = std::move(done);
  apply(std::move(edit));
}

// The store says whether the list is still what the change was made from; the version says which list is the newest,
// whatever order the answers come in.
void Editor::apply(std::shared_ptr<Edit> edit) {
  const auto known = table_.find(edit->empty.owner);
  const auto& now = known != nullptr ? *known : edit->empty;
  if (now.holds(edit->other.user) == edit->adds) return edit->done(true);
  if (edit->adds && now.blocked.size() >= limit_) {
    return edit->done(Error{Code::conflict, "blocks.too_many",
                            "a list holds at most " + std::to_string(limit_) + " users; unblock somebody first"});
  }
  auto next = edit->adds ? with(now, edit->other) : without(now, edit->other.user);
  ++next.version;
  std::vector<KeyChange> changes(1);
  changes[0].key = key_of(next.owner);
  changes[0].value = encode(next);
  changes[0].expected.emplace(known != nullptr ? std::optional(encode(*known)) : std::nullopt);
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

/// Somebody else was faster: their list is the one to change.
void Editor::again(std::shared_ptr<Edit> edit) {
  constexpr int most_tries = 16;
  if (++edit->tries == most_tries) {
    return edit->done(Error{Code::conflict, "blocks.busy", "the list is being changed all the time; try again"});
  }
  auto key = key_of(edit->empty.owner);
  const auto caller = edit->caller;
  store_.get(caller, key, [this, edit = std::move(edit), key](Result<std::optional<std::string>> value) mutable {
    if (!value) return edit->done(std::move(value.error()));
    if (*value) {
      auto list = decode(key, **value);
      if (!list) return edit->done(Error{Code::internal, "blocks.damaged", {}});
      table_.replace(std::move(*list));
    }
    apply(std::move(edit));
  });
}

}  // namespace loft::block_list
