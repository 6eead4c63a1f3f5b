// The options by which a contract reads tokens, the same ones in every contract:
//
//   contracts:
//     flix:
//       token: {claim: sub, claim_is: uuid, algorithms: [RS256]}
//
// A contract declares them in `options` and gives the rules to `Identity::verify`.
#pragma once

#include <string>
#include <vector>

#include <loft/messaging.hpp>
#include <loft/options.hpp>

namespace loft {

/// The algorithms that a key of the host may be for.
inline const std::vector<std::string>& token_algorithms() {
  static const std::vector<std::string> names = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                 "RS512", "PS256", "ES256", "ES384", "EdDSA"};
  return names;
}

/// Adds `token.claim`, `token.claim_is` and `token.algorithms`. Thread role: control, in `Plugin::options`. `rules`
/// outlives `configure`.
inline void token_options(OptionTable& table, TokenRules& rules) {
  table.text("token.claim", rules.claim,
             "The claim of a token that names the user; empty takes `userId`, `uid` or `sub`, whichever is there.");
  table.choice("token.claim_is", rules.names, {"id", "handle", "handle_or_id", "uuid"},
               "What that claim's value is: the user's number, its handle, either of them, or its UUID.");
  table
      .list("token.algorithms", rules.algorithms,
            "Only tokens signed so are accepted here; empty accepts all that the keys of the host are for.")
      .choices = token_algorithms();
}

}  // namespace loft
