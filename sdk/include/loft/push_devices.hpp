// Where users can be reached, and of what they want to hear: how a contract has the host register a device, remove one,
// and mute a conversation.
//
// The host's own interceptors are the last of their chains: what passed every other one is done when the proposal has
// passed. So `Proposer<RegisterDevice>::propose` registers, and its verdict says what came of it. Errors besides those
// of interceptors: unavailable `push.no_ledger` (the storage keeps no devices); invalid `device.invalid`; overloaded
// `pool.full`; the storage's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <loft/push.hpp>

namespace loft {

/// Devices of the caller's are about to be removed: that of `token` in `channel`, or all that call themselves `client`.
/// Thread role: the caller's I/O thread.
struct UnregisterDevice : Proposal {
  Caller caller;
  std::string channel;      ///< empty: whichever
  std::string token;        ///< empty: by `client`
  std::string client;       ///< empty: by `token`
  std::size_t removed = 0;  ///< filled in by the host
};

/// A contract asks, when a user has logged in, which of its devices have to be registered again: a provider has said
/// that it does not know their tokens any more, so the host has removed them. Thread role: the caller's I/O thread;
/// `Proposer::now` answers from memory. Contracts whose protocol allows it tell the client.
struct ListLostDevices : Proposal {
  using answers_at_once = void;
  Caller caller;
  /// Filled in by the host: `Device::client` of each, empty for one without. What is registered again, under whatever
  /// token, or unregistered, is no longer there.
  std::vector<std::string> clients;
};

/// A conversation of which the caller wants no pushes.
struct MutedConversation {
  ConversationId conversation = ConversationId::none;
  Millis until = 0;  ///< since 1970; 0: until it is lifted
};

/// The caller wants no pushes of a conversation, or wants them again. The contract has seen that the conversation is
/// the caller's (`Messaging::conversation`). Rewriting may change `muted.until`. Thread role: the caller's I/O thread.
struct MutePushes : Proposal {
  Caller caller;
  MutedConversation muted;
  bool lift = false;
};

/// Asks for them. Thread role: the caller's I/O thread.
struct ListMutedPushes : Proposal {
  Caller caller;
  std::vector<MutedConversation> muted;  ///< filled in by the host, ascending conversations
};

/// The bytes of a device's texts: a token is longer than any other.
inline constexpr std::size_t max_device_token = 4096;
inline constexpr std::size_t max_device_text = 200;

}  // namespace loft
