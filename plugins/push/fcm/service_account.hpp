// The file of a Google service account.
#pragma once

#include <string>
#include <string_view>

#include <loft/clock.hpp>
#include <loft/error.hpp>

#include "common/signer.hpp"

namespace loft::push::fcm {

struct ServiceAccount {
  std::string project, client_email, key_id, token_uri;
  Signer signer;
};

/// Errors: invalid `service_account`; the detail says what is wrong with the file, never what is in it.
Result<ServiceAccount> read_service_account(std::string_view json);

/// What is sent for an access token: a form with a signed assertion that is good for an hour from `now` (ms since
/// 1970).
std::string token_request(const ServiceAccount& account, Millis now);

}  // namespace loft::push::fcm
