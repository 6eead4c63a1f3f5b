// Signals: through the same fan-out as messages, past the committer and the storage.
#include "messaging/ask.hpp"

namespace loft {

void Core::signal(const Caller& caller, Signal signal) {
  auto ref = signal.in;
  with_conversation(caller, std::move(ref), true,
                    [this, caller, signal = std::move(signal)](Result<ConversationState*> found) mutable {
                      if (!found) return;
                      auto outgoing = std::make_shared<Outgoing>();
                      outgoing->kind = Delivery::Kind::signal;
                      if (!signal.from_outside) outgoing->actor = directory_.cached(caller.user);
                      {
                        std::lock_guard lock(state_.mutex);
                        auto& conversation = **found;
                        const bool is_member = conversation.is_direct() ? conversation.has_direct_member(caller.user)
                                                                        : conversation.member(caller.user) != nullptr;
                        if (!is_member && !signal.from_outside) return;
                        outgoing->conversation = conversation.info;
                        outgoing->to_group = !conversation.is_direct();
                        outgoing->low = conversation.info->low;
                        outgoing->high = conversation.info->high;
                      }
                      outgoing->signal = std::move(signal);
                      const std::shared_ptr<const Outgoing> shared = std::move(outgoing);
                      for (unsigned thread = 0; thread < threads_.count(); ++thread) {
                        threads_.post(thread, [this, thread, shared] { sessions_.deliver(thread, *shared); });
                      }
                    });
}

}  // namespace loft
