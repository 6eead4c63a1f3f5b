// What a client says about a message besides its content: kept with it, and given back to contracts that know it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <loft/clock.hpp>
#include <loft/id.hpp>
#include <loft/json.hpp>

namespace loft {

/// The members of `Message::extras`. Contracts share these names, so that what one carries another can show.
struct Extras {
  std::string client_id;                 ///< the client's own id, as it is to be shown again
  Millis client_time = 0;                ///< since 1970, by the client's clock; 0: not said
  std::vector<UserId> mentions;          ///< who is called by name
  MessageId reply_to = MessageId::none;  ///< the message this one answers
  std::string reference;                 ///< something outside messaging, in the client's own words

  bool empty() const noexcept {
    return client_id.empty() && client_time == 0 && mentions.empty() && reply_to == MessageId::none &&
           reference.empty();
  }

  /// A JSON object; empty text where there is nothing to say.
  std::string encode() const {
    std::string out;
    if (empty()) return out;
    json::Writer w(out);
    w.object();
    if (!client_id.empty()) w.key("client_id").string(client_id);
    if (client_time != 0) w.key("client_time").number(client_time);
    if (!mentions.empty()) {
      w.key("mentions").array();
      for (const auto user : mentions) w.number(raw(user));
      w.end_array();
    }
    if (reply_to != MessageId::none) w.key("reply_to").number(raw(reply_to));
    if (!reference.empty()) w.key("reference").string(reference);
    w.end_object();
    return out;
  }

  /// Of what `encode` wrote; members of other names are left out.
  static Extras decode(Bytes text) {
    Extras extras;
    if (text.empty()) return extras;
    const auto object = json::parse(text);
    if (!object) return extras;
    object->members([&](const json::Value& key, const json::Value& value) {
      if (key.equals("client_id")) extras.client_id = value.text().value_or(std::string());
      if (key.equals("client_time")) extras.client_time = value.integer().value_or(0);
      if (key.equals("reference")) extras.reference = value.text().value_or(std::string());
      if (key.equals("reply_to")) extras.reply_to = static_cast<MessageId>(value.integer().value_or(0));
      if (key.equals("mentions")) {
        value.elements([&](const json::Value& user) {
          extras.mentions.push_back(static_cast<UserId>(user.integer().value_or(0)));
          return true;
        });
      }
      return true;
    });
    return extras;
  }
};

}  // namespace loft
