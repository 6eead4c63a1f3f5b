// What the interface promises and is still to be built: the host answers that it cannot.
#include "messaging/core.hpp"

namespace loft {
namespace {

const Error pending{Code::internal, "host.not_built", "this part of the host is not built yet"};

}  // namespace

void Core::change_conversation(const Caller&, ConversationAct, Done<ConversationRecord> done) { done(pending); }
void Core::set_profile(const Caller&, std::string, Done<UserPtr> done) { done(pending); }

}  // namespace loft
